/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dax_backing

#if !defined(_TRACE_DAX_BACKING_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DAX_BACKING_H

#include <compat/trace.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(dax_backing_span,
	TP_PROTO(const char *name, u64 offset, u64 len, int error, u64 ns),
	TP_ARGS(name, offset, len, error, ns),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, offset)
		__field(u64, len)
		__field(int, error)
		__field(u64, ns)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->offset = offset;
		__entry->len = len;
		__entry->error = error;
		__entry->ns = ns;
	),
	TP_printk("%s offset 0x%llx len 0x%llx error %d ns %llu",
		  __get_str(name), __entry->offset, __entry->len,
		  __entry->error, __entry->ns)
);

/* A span got struct pages, or did not. */
DEFINE_EVENT(dax_backing_span, dax_backing_populate,
	TP_PROTO(const char *name, u64 offset, u64 len, int error, u64 ns),
	TP_ARGS(name, offset, len, error, ns));

/* A span gave its struct pages back. */
DEFINE_EVENT(dax_backing_span, dax_backing_depopulate,
	TP_PROTO(const char *name, u64 offset, u64 len, int error, u64 ns),
	TP_ARGS(name, offset, len, error, ns));

/* A fault waited for a populate; error tells how the wait ended. */
DEFINE_EVENT(dax_backing_span, dax_backing_wait,
	TP_PROTO(const char *name, u64 offset, u64 len, int error, u64 ns),
	TP_ARGS(name, offset, len, error, ns));

TRACE_EVENT(dax_backing_trim,
	TP_PROTO(const char *name, u64 target, u64 trimmed, u64 busy,
		 bool mapped, int error),
	TP_ARGS(name, target, trimmed, busy, mapped, error),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, target)
		__field(u64, trimmed)
		__field(u64, busy)
		__field(bool, mapped)
		__field(int, error)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->target = target;
		__entry->trimmed = trimmed;
		__entry->busy = busy;
		__entry->mapped = mapped;
		__entry->error = error;
	),
	TP_printk("%s target 0x%llx trimmed 0x%llx busy 0x%llx mapped %d error %d",
		  __get_str(name), __entry->target, __entry->trimmed,
		  __entry->busy, __entry->mapped, __entry->error)
);

/* DAX entries of one inode were evicted so that a span can go. */
TRACE_EVENT(dax_backing_evict,
	TP_PROTO(dev_t dev, unsigned long ino, pgoff_t index, unsigned long nr,
		 int error),
	TP_ARGS(dev, ino, index, nr, error),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(unsigned long, ino)
		__field(pgoff_t, index)
		__field(unsigned long, nr)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->ino = ino;
		__entry->index = index;
		__entry->nr = nr;
		__entry->error = error;
	),
	TP_printk("dev %d:%d ino %lu index 0x%lx nr %lu error %d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->nr, __entry->error)
);

#endif /* _TRACE_DAX_BACKING_H */

#include <trace/define_trace.h>
