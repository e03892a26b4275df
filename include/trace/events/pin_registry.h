/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pin_registry

#if !defined(_TRACE_PIN_REGISTRY_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PIN_REGISTRY_H

#include <compat/trace.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(pin_registry_pin,
	TP_PROTO(const void *pin, const char *pinner, const char *why,
		 unsigned long first, unsigned long nr, int error),
	TP_ARGS(pin, pinner, why, first, nr, error),
	TP_STRUCT__entry(
		__field(const void *, pin)
		__string(pinner, pinner)
		__string(why, why)
		__field(unsigned long, first)
		__field(unsigned long, nr)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->pin = pin;
		compat_assign_str(pinner, pinner);
		compat_assign_str(why, why);
		__entry->first = first;
		__entry->nr = nr;
		__entry->error = error;
	),
	TP_printk("pin %p pinner %s why \"%s\" pages %lu+%lu error %d",
		  __entry->pin, __get_str(pinner), __get_str(why),
		  __entry->first, __entry->nr, __entry->error)
);

#define DEFINE_PIN_EVENT(name)						\
DEFINE_EVENT(pin_registry_pin, name,					\
	TP_PROTO(const void *pin, const char *pinner, const char *why,	\
		 unsigned long first, unsigned long nr, int error),	\
	TP_ARGS(pin, pinner, why, first, nr, error))

/* Pages were pinned, and are not any more. */
DEFINE_PIN_EVENT(pin_start);
DEFINE_PIN_EVENT(pin_end);
/* A pinner was called; error is its answer, or -ETIMEDOUT if it is late. */
DEFINE_PIN_EVENT(pin_prepare);
DEFINE_PIN_EVENT(pin_commit);
DEFINE_PIN_EVENT(pin_abort);
DEFINE_PIN_EVENT(pin_revoke);
DEFINE_PIN_EVENT(pin_flush);

/* The pinners of some pages were asked to let them move. */
TRACE_EVENT(pin_move,
	TP_PROTO(unsigned long src, unsigned long dst, unsigned long nr,
		 unsigned long pins, int error, const char *blocker),
	TP_ARGS(src, dst, nr, pins, error, blocker),
	TP_STRUCT__entry(
		__field(unsigned long, src)
		__field(unsigned long, dst)
		__field(unsigned long, nr)
		__field(unsigned long, pins)
		__field(int, error)
		__string(blocker, blocker)
	),
	TP_fast_assign(
		__entry->src = src;
		__entry->dst = dst;
		__entry->nr = nr;
		__entry->pins = pins;
		__entry->error = error;
		compat_assign_str(blocker, blocker);
	),
	TP_printk("pfn 0x%lx to 0x%lx nr %lu pins %lu error %d blocker %s",
		  __entry->src, __entry->dst, __entry->nr, __entry->pins,
		  __entry->error, __get_str(blocker))
);

/* The mapping of user pages changes; event is an enum mmu_notifier_event. */
TRACE_EVENT(pin_notify,
	TP_PROTO(const void *pin, int event, unsigned long first,
		 unsigned long nr),
	TP_ARGS(pin, event, first, nr),
	TP_STRUCT__entry(
		__field(const void *, pin)
		__field(int, event)
		__field(unsigned long, first)
		__field(unsigned long, nr)
	),
	TP_fast_assign(
		__entry->pin = pin;
		__entry->event = event;
		__entry->first = first;
		__entry->nr = nr;
	),
	TP_printk("pin %p event %d pages %lu+%lu", __entry->pin,
		  __entry->event, __entry->first, __entry->nr)
);

#endif /* _TRACE_PIN_REGISTRY_H */

#include <trace/define_trace.h>
