// SPDX-License-Identifier: GPL-2.0
/* Ranges of mapped DAX files as dma-bufs. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/dma-buf.h>
#include <linux/pinfold.h>
#include <linux/pinfold_dmabuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../modules/pf_importer.h"
#include "move.h"
#include "pin.h"

#define PAGES	16UL
#define LEN	(PAGES * PAGE)
#define WRITE	PINFOLD_DMABUF_WRITE
#define PINNABLE PINFOLD_DMABUF_PINNABLE

/* enum dma_data_direction */
enum { BOTH, TO_DEVICE, FROM_DEVICE };

static int export_raw(const void *addr, uint64_t len, uint32_t flags,
		      uint32_t reserved)
{
	struct pinfold_dmabuf_export arg = {
		.addr = (uintptr_t)addr,
		.length = len,
		.flags = flags,
		.reserved = reserved,
	};
	int dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR | O_CLOEXEC);
	int fd = ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg);

	if (fd < 0)
		fd = -errno;
	close(dev);
	return fd;
}

static int try_export(const void *addr, uint64_t len, uint32_t flags)
{
	return export_raw(addr, len, flags, 0);
}

static int export(const void *addr, uint64_t len, uint32_t flags)
{
	int fd = try_export(addr, len, flags);

	if (fd < 0)
		die("export: %s", strerror(-fd));
	return fd;
}

static int imp(int dev, enum pf_imp_op op, int64_t arg, struct pf_imp *res)
{
	struct pf_imp p = { .op = op, .arg = arg };
	int err = ioctl(dev, PF_IMP, &p) ? -errno : 0;

	if (res)
		*res = p;
	return err;
}

static struct pf_imp report(int dev)
{
	struct pf_imp p;

	/* No such page: only what comes with the answer. */
	imp(dev, PF_IMP_READ, -1, &p);
	return p;
}

static int import(int fd)
{
	int dev = xopen(PF_IMPORTER, O_RDWR | O_CLOEXEC);

	CHECK_EQ(imp(dev, PF_IMP_ATTACH, fd, NULL), 0, "attach");
	return dev;
}

static int try_static(int fd, int *dev)
{
	*dev = xopen(PF_IMPORTER, O_RDWR | O_CLOEXEC);
	return imp(*dev, PF_IMP_ATTACH_STATIC, fd, NULL);
}

static int sync_cpu(int fd, uint64_t flags)
{
	struct dma_buf_sync s = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &s) ? -errno : 0;
}

static long attribute(const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/misc/pinfold-dmabuf/%s", name);
	fd = xopen(path, O_RDONLY);
	CHECK(read(fd, text, sizeof(text) - 1) > 0, "attribute");
	close(fd);
	return strtol(text, NULL, 0);
}

struct buf {
	int file;
	int fd;
	int disk;
	char *map;
};

static void buf_start(struct buf *b, const char *path, uint32_t flags)
{
	char disk[64];

	snprintf(disk, sizeof(disk), "/dev/%s", getenv("PF_DISK") ?: "pmem0");
	b->disk = xopen(disk, O_RDONLY);
	b->file = xcreate(path, LEN);
	b->map = map_shared(b->file, LEN);
	fill(b->map, LEN, 11, 0);
	b->fd = export(b->map, LEN, flags);
}

static void buf_end(struct buf *b)
{
	munmap(b->map, LEN);
	close(b->fd);
	close(b->file);
	close(b->disk);
	/* The pin's end is not waited for by who closes. */
	WAIT_FOR(!pinned_pages(), "accounting");
	WAIT_FOR(!attribute("exports"), "exports");
}

static struct move_result move_page(struct buf *b, uint64_t page, int op)
{
	struct move_result r = { };

	CHECK_EQ(move_range(b->disk, op, extent_of(b->file, page), PAGE, &r), 0,
		 "PINFOLD_IOC_MOVE");
	return r;
}

static void moves(struct buf *b, const char *what)
{
	static int op = PINFOLD_MOVE_RELOCATE;

	CHECK_EQ(move_page(b, 1, op).moved, 1, what);
	op ^= PINFOLD_MOVE_RELOCATE ^ PINFOLD_MOVE_RESTORE;
	CHECK_EQ(move_page(b, 1, op).moved, 1, what);
	op ^= PINFOLD_MOVE_RELOCATE ^ PINFOLD_MOVE_RESTORE;
}

static void stays(struct buf *b, const char *what)
{
	struct move_result r = move_page(b, 1, PINFOLD_MOVE_RELOCATE);

	CHECK_EQ(r.moved, 0, what);
	CHECK_EQ(r.error, EBUSY, what);
	CHECK(!strcmp(r.blocker, "dma-buf"), "%s: blocker '%s'", what, r.blocker);
}

/* Everything that can be asked of a buffer whose memory is gone. */
static void is_dead(int fd, int dev, const char *what)
{
	int other = xopen(PF_IMPORTER, O_RDWR | O_CLOEXEC);

	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), -ENXIO, what);
	CHECK_EQ(imp(dev, PF_IMP_MAP, TO_DEVICE, NULL), -ENXIO, what);
	CHECK_EQ(imp(dev, PF_IMP_PIN, 0, NULL), -ENXIO, what);
	CHECK_EQ(imp(other, PF_IMP_ATTACH, fd, NULL), -ENXIO, what);
	CHECK_EQ(sync_cpu(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), -ENXIO, what);
	CHECK_EQ(sync_cpu(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), -ENXIO, what);
	close(other);
}

static void as_nobody(const char *map)
{
	struct rlimit none = { PAGE, PAGE };
	struct pinfold_dmabuf_export arg = { (uintptr_t)map, LEN, 0, 0 };
	int dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR), fd;

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &none), "setrlimit");
	CHECK(!setresuid(65534, 65534, 65534), "setresuid");
	CHECK_EQ(ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg), -1, "over the limit");
	CHECK_EQ(errno, ENOMEM, "over the limit");
	CHECK_EQ(pinned_pages(), 0, "charged all the same");
	arg.length = PAGE;
	arg.flags = PINNABLE;
	CHECK_EQ(ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg), -1, "pinnable");
	CHECK_EQ(errno, EPERM, "pinnable");
	arg.flags = 0;
	fd = ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg);
	CHECK(fd >= 0, "within the limit");
	CHECK_EQ(pinned_pages(), 1, "charged");
	/* It counts as long as it is there. */
	CHECK_EQ(ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg), -1, "one too many");
	CHECK_EQ(open(PINFOLD_DMABUF_DEV, O_RDWR), -1, "not for everybody");
	_exit(0);
}

static void test_bad(const char *path)
{
	int fd = xcreate(path, LEN), dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR);
	char *map = map_shared(fd, LEN), *anon, *ro, *cow, *mixed, *big;
	pid_t pid;

	fill(map, LEN, 1, 0);
	CHECK_EQ(try_export(map + 1, PAGE, WRITE), -EINVAL, "unaligned");
	CHECK_EQ(try_export(map, PAGE + 1, WRITE), -EINVAL, "odd length");
	CHECK_EQ(try_export(map, 0, WRITE), -EINVAL, "empty");
	CHECK_EQ(try_export(map, -PAGE, WRITE), -EINVAL, "overflow");
	CHECK_EQ(try_export((void *)-PAGE, PAGE, WRITE), -EINVAL, "the kernel's");
	CHECK_EQ(try_export((void *)PAGE, PAGE, WRITE), -EFAULT, "not mapped");
	big = xmmap(2 * LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(try_export(big, 2 * LEN, WRITE), -EFAULT, "past the end");
	munmap(big, 2 * LEN);
	CHECK_EQ(try_export(map, PAGE, 4), -EINVAL, "unknown flag");
	CHECK_EQ(export_raw(map, PAGE, 0, 1), -EINVAL, "reserved");
	CHECK_EQ(ioctl(dev, PINFOLD_DMABUF_EXPORT, 1), -1, "pointer");
	CHECK_EQ(errno, EFAULT, "pointer");
	CHECK_EQ(ioctl(dev, PINFOLD_IOC_MOVE, 0), -1, "another command");
	CHECK_EQ(errno, ENOTTY, "another command");

	anon = xmmap(LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(anon, 1, LEN);
	CHECK_EQ(try_export(anon, LEN, WRITE), -EOPNOTSUPP, "anonymous");
	CHECK_EQ(try_export(anon, LEN, 0), -EOPNOTSUPP, "anonymous, to read");
	mixed = xmmap(2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(mixed, 1, 2 * PAGE);
	CHECK(mmap(mixed + PAGE, PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED, "mmap");
	mixed[PAGE] = 1;
	CHECK_EQ(try_export(mixed, 2 * PAGE, WRITE), -EOPNOTSUPP, "mixture");
	ro = xmmap(PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(try_export(ro, PAGE, WRITE), -EFAULT, "read-only mapping");
	cow = xmmap(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK_EQ(try_export(cow, PAGE, WRITE), -EOPNOTSUPP, "copy on write");

	pid = xfork();
	if (!pid) {
		munmap(map, LEN);
		as_nobody(map_shared(fd, LEN));
	}
	child_ok(pid, "unprivileged");
	WAIT_FOR(!pinned_pages() && !attribute("exports"), "nothing left");
	munmap(map, LEN);
	munmap(ro, PAGE);
	munmap(cow, PAGE);
	munmap(mixed, 2 * PAGE);
	munmap(anon, LEN);
	close(dev);
	close(fd);
}

/* What a descriptor is, and what it is not. */
static void test_fd(const char *path)
{
	struct buf b;
	int dev, ro;

	buf_start(&b, path, WRITE);
	CHECK_EQ(fcntl(b.fd, F_GETFD), FD_CLOEXEC, "closed on exec");
	CHECK_EQ(lseek(b.fd, 0, SEEK_END), LEN, "size");
	CHECK_EQ(pinned_pages(), PAGES, "VmPin");
	CHECK_EQ(attribute("exports"), 1, "exports");
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, b.fd, 0) == MAP_FAILED, "mmap");
	CHECK_EQ(errno, EINVAL, "mmap");
	CHECK_EQ(sync_cpu(b.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), 0, "sync");
	CHECK_EQ(sync_cpu(b.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), 0, "sync");
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_VMAP, 0, NULL), -EINVAL, "vmap");
	CHECK_EQ(imp(dev, PF_IMP_MAP, FROM_DEVICE, NULL), 0, "map");
	/* The importer keeps the buffer. */
	close(b.fd);
	moves(&b, "closed, but imported");
	CHECK_EQ(report(dev).notified, 2, "told");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map again");
	close(dev);
	WAIT_FOR(!pinned_pages(), "accounting");

	ro = export(b.map, LEN, 0);
	dev = import(ro);
	CHECK_EQ(imp(dev, PF_IMP_MAP, FROM_DEVICE, NULL), -EACCES, "write");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), -EACCES, "both");
	CHECK_EQ(imp(dev, PF_IMP_MAP, TO_DEVICE, NULL), 0, "read");
	close(dev);
	close(ro);
	buf_end(&b);
}

#define TAIL	(PAGE / 2)

/*
 * Short pins beside the long one: another device writes the second half of each page out and
 * reads it back in, while the importer counts in the first.
 */
static pid_t direct_start(struct buf *b, const char *path)
{
	unsigned long i, n = 100 * scale();
	pid_t pid = xfork();
	char *buf;
	int disk;

	if (pid)
		return pid;
	disk = xopen(path, O_RDWR | O_DIRECT);
	buf = xmmap(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	for (i = 0; i < n; i++) {
		uint64_t at = i % PAGES * PAGE + TAIL;
		char *tail = b->map + at;

		CHECK_EQ(pwrite(disk, tail, TAIL, at), TAIL, "O_DIRECT from");
		CHECK_EQ(pread(disk, buf, TAIL, at), TAIL, "O_DIRECT read");
		verify(buf, TAIL, 11, at, "what the other device got");
		CHECK_EQ(pread(disk, tail, TAIL, at), TAIL, "O_DIRECT into");
		verify(tail, TAIL, 11, at, "what the other device wrote");
	}
	note("tried %lu direct transfers while pages move", 3 * n);
	_exit(0);
}

/* The importer counts in pages that move all the time. */
static void test_follow(const char *path)
{
	unsigned long i, n = 200 * scale(), moved = 0;
	struct pf_imp p;
	pid_t direct[2];
	uint64_t page;
	struct buf b;
	int dev;

	buf_start(&b, path, WRITE);
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_RUN, 1, NULL), 0, "run");
	WAIT_FOR(report(dev).rounds > 2, "engine");
	direct[0] = direct_start(&b, "/dev/vda");
	direct[1] = direct_start(&b, "/dev/nvme0n1");
	for (i = 0; i < n; i++)
		moved += move_page(&b, i % PAGES, i / PAGES % 2 ?
				   PINFOLD_MOVE_RESTORE :
				   PINFOLD_MOVE_RELOCATE).moved;
	child_ok(direct[0], "virtio-blk");
	child_ok(direct[1], "nvme");
	p = report(dev);
	CHECK(moved > n / 2, "only %lu of %lu moved", moved, n);
	CHECK(p.notified >= moved, "told %llu times", (unsigned long long)p.notified);
	WAIT_FOR(report(dev).rounds > p.rounds + 2, "engine after moves");
	CHECK_EQ(imp(dev, PF_IMP_RUN, 0, NULL), 0, "stop");
	p = report(dev);
	CHECK_EQ(p.errors, 0, "pages that are not as they were left");
	CHECK_EQ(sync_cpu(b.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0, "sync");
	for (page = 0; page < PAGES; page++) {
		char *at = b.map + page * PAGE;

		CHECK_EQ(*(uint64_t *)(at + PF_IMP_OFFSET), p.rounds, "count");
		verify(at, PF_IMP_OFFSET, 11, page * PAGE, "before the count");
		verify(at + PF_IMP_OFFSET + 8, PAGE - PF_IMP_OFFSET - 8, 11,
		       page * PAGE + PF_IMP_OFFSET + 8, "after the count");
	}
	close(dev);
	buf_end(&b);
	note("tried %lu moves", moved);
	note("%lu moves under an importer, %llu rounds", moved,
	     (unsigned long long)p.rounds);
}

/* Who cannot follow, and who says so late. */
static void test_pinning(const char *path)
{
	struct buf b;
	int dev;

	buf_start(&b, path, WRITE);
	CHECK_EQ(try_static(b.fd, &dev), -EOPNOTSUPP, "static importer");
	close(dev);
	dev = import(b.fd);
	/* Whether this is for good shows when it maps. */
	if (imp(dev, PF_IMP_PIN, 0, NULL) == 0) {
		CHECK_EQ(attribute("immovable"), 1, "pinned on the sly");
		CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), -EOPNOTSUPP, "map of a pin");
		CHECK_EQ(imp(dev, PF_IMP_PIN, 0, NULL), -EOPNOTSUPP, "second pin");
		stays(&b, "pinned on the sly");
		CHECK_EQ(imp(dev, PF_IMP_UNPIN, 0, NULL), 0, "unpin");
		CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
		CHECK_EQ(imp(dev, PF_IMP_PIN, 0, NULL), 0, "pin of what is mapped");
		stays(&b, "pinned on the sly, mapped");
		CHECK_EQ(imp(dev, PF_IMP_UNPIN, 0, NULL), 0, "unpin");
	}
	moves(&b, "unpinned");
	CHECK_EQ(attribute("immovable"), 0, "immovable");
	close(dev);
	buf_end(&b);

	buf_start(&b, path, WRITE | PINNABLE);
	moves(&b, "pinnable, not pinned");
	CHECK_EQ(try_static(b.fd, &dev), 0, "static importer");
	CHECK_EQ(attribute("immovable"), 1, "immovable");
	stays(&b, "static importer");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
	CHECK_EQ(report(dev).notified, 0, "told");
	close(dev);
	moves(&b, "static importer gone");
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_PIN, 0, NULL), 0, "pin");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
	stays(&b, "pinned");
	CHECK_EQ(report(dev).mapped, 1, "mapping of a pin");
	CHECK_EQ(imp(dev, PF_IMP_UNPIN, 0, NULL), 0, "unpin");
	moves(&b, "unpinned");
	CHECK_EQ(report(dev).mapped, 0, "mapping after the pin");
	close(dev);
	buf_end(&b);
}

static void *as_arg(int value)
{
	return (void *)(intptr_t)value;
}

/* In a child: something that takes long. Return: the child, when it has begun. */
static pid_t begin(int (*fn)(void *), void *arg)
{
	pid_t pid = xfork();

	if (!pid)
		_exit(fn(arg));
	usleep(300000);
	return pid;
}

static int do_sync(void *arg)
{
	return sync_cpu((intptr_t)arg, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ) != 0;
}

static int do_truncate(void *arg)
{
	return ftruncate((intptr_t)arg, 0) != 0;
}

static int do_lock(void *arg)
{
	return imp((intptr_t)arg, PF_IMP_LOCK, 15000, NULL) != 0;
}

/* What goes on while somebody hangs: other files, and moves of their pages. */
static int do_others(void *arg)
{
	struct move_result r = { };
	char path[64], other[4096];
	int fd, disk, i;

	snprintf(path, sizeof(path), "/dev/%s", getenv("PF_DISK") ?: "pmem0");
	snprintf(other, sizeof(other), "%s.other", (const char *)arg);
	disk = xopen(path, O_RDONLY);
	fd = xcreate(other, LEN);
	for (i = 0; i < 10; i++) {
		write_pattern(fd, LEN, i);
		CHECK(!fsync(fd), "fsync");
		verify_file(fd, LEN, i, "another file");
		CHECK_EQ(move_range(disk, i % 2 ? PINFOLD_MOVE_RESTORE :
				    PINFOLD_MOVE_RELOCATE, extent_of(fd, 0),
				    PAGE, &r), 0, "move");
	}
	CHECK_EQ(r.moved, 10, "pages of another file");
	unlink(other);
	return 0;
}

/* Jobs that do not end, locks that are kept: bounded, and told. */
static void test_late(const char *path)
{
	struct pf_imp p;
	struct buf b;
	pid_t pid;
	int dev;

	buf_start(&b, path, WRITE);
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
	CHECK_EQ(imp(dev, PF_IMP_FENCE, 0, NULL), 0, "job");
	pid = begin(do_others, (void *)path);
	stays(&b, "a job that does not end");
	child_ok(pid, "what others do meanwhile");
	pid = begin(do_sync, as_arg(b.fd));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0, "sync does not wait");
	CHECK_EQ(imp(dev, PF_IMP_SIGNAL, 0, NULL), 0, "end of the job");
	child_ok(pid, "sync");
	moves(&b, "the job has ended");

	pid = begin(do_lock, as_arg(dev));
	stays(&b, "a lock that is kept");
	child_ok(pid, "lock");
	moves(&b, "the lock is free");

	CHECK_EQ(imp(dev, PF_IMP_REMAP_IN_NOTIFY, 1, NULL), 0, "rude");
	moves(&b, "an importer who maps too early");
	p = report(dev);
	CHECK_EQ(p.last_error, -EBUSY, "mapped too early");
	CHECK_EQ(imp(dev, PF_IMP_REMAP_IN_NOTIFY, 0, NULL), 0, "polite");

	/* Nobody gets the blocks before the job has ended. */
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
	CHECK_EQ(imp(dev, PF_IMP_FENCE, 0, NULL), 0, "job");
	pid = begin(do_truncate, as_arg(b.file));
	sleep(3);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0, "truncate under a job");
	CHECK_EQ(imp(dev, PF_IMP_SIGNAL, 0, NULL), 0, "end of the job");
	child_ok(pid, "truncate");
	is_dead(b.fd, dev, "truncated under a job");
	close(dev);
	buf_end(&b);
}

static void end_truncate(struct buf *b)
{
	CHECK(!ftruncate(b->file, PAGE), "truncate");
}

static void end_punch(struct buf *b)
{
	CHECK(!fallocate(b->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 3 * PAGE, PAGE), "punch");
}

static void end_munmap(struct buf *b)
{
	munmap(b->map + 7 * PAGE, PAGE);
}

static void end_mremap(struct buf *b)
{
	void *to = xmmap(LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	b->map = mremap(b->map, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(b->map != MAP_FAILED, "mremap");
}

/* What was freed belongs to somebody else now. */
static void canary(const char *path, int dev)
{
	char other[4096];
	int fd, round;

	snprintf(other, sizeof(other), "%s.canary", path);
	fd = xcreate(other, 4 * LEN);
	write_pattern(fd, 4 * LEN, 5);
	for (round = 0; round < 3; round++) {
		verify_file(fd, 4 * LEN, 5, "canary");
		usleep(20000);
	}
	CHECK_EQ(imp(dev, PF_IMP_RUN, 0, NULL), 0, "stop");
	verify_file(fd, 4 * LEN, 5, "canary, at the end");
	close(fd);
	unlink(other);
}

static void ends_by(const char *path, void (*end)(struct buf *b),
		    const char *what)
{
	long revoked = attribute("revoked");
	struct buf b;
	int dev;

	buf_start(&b, path, WRITE);
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_RUN, 1, NULL), 0, "run");
	WAIT_FOR(report(dev).rounds > 2, "engine");
	end(&b);
	CHECK_EQ(attribute("revoked"), revoked + 1, what);
	canary(path, dev);
	CHECK_EQ(report(dev).errors, 0, what);
	is_dead(b.fd, dev, what);
	WAIT_FOR(!pinned_pages(), "accounting of what is dead");
	/* The file may be exported again. */
	CHECK(!ftruncate(b.file, LEN), "grow");
	close(dev);
	buf_end(&b);
	note("%s: ok", what);
}

/* A process passes its buffer on, and ends; by a signal if it is told so. */
static void dies(const char *path, bool killed)
{
	int to_child[2], dev, fd, status;
	int dmabuf_dev;
	pid_t pid;
	struct pinfold_dmabuf_export arg = { .length = LEN, .flags = WRITE };
	char c = 0;

	CHECK(!pipe(to_child), "pipe");
	fd = xcreate(path, LEN);
	dev = xopen(PF_IMPORTER, O_RDWR);
	dmabuf_dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR);
	pid = xfork();
	if (!pid) {
		char *map = map_shared(fd, LEN);
		int buf;

		fill(map, LEN, 3, 0);
		arg.addr = (uintptr_t)map;
		buf = ioctl(dmabuf_dev, PINFOLD_DMABUF_EXPORT, &arg);
		CHECK(buf >= 0, "export");
		CHECK_EQ(imp(dev, PF_IMP_ATTACH, buf, NULL), 0, "attach");
		CHECK_EQ(imp(dev, PF_IMP_RUN, 1, NULL), 0, "run");
		WAIT_FOR(report(dev).rounds > 2, "engine");
		CHECK_EQ(write(to_child[1], &c, 1), 1, "ready");
		if (killed)
			pause();
		_exit(0);
	}
	CHECK_EQ(read(to_child[0], &c, 1), 1, "ready");
	if (killed)
		kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid, "wait");
	CHECK(report(dev).rounds > 2, "engine");
	canary(path, dev);
	CHECK_EQ(report(dev).errors, 0, "errors");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), -ENXIO, "after its process");
	CHECK_EQ(attribute("exports"), 1, "exports");
	close(dev);
	WAIT_FOR(!attribute("exports"), "exports");
	close(dmabuf_dev);
	close(fd);
	close(to_child[0]);
	close(to_child[1]);
	note("%s: ok", killed ? "killed" : "exit");
}

/* A child has the descriptor, its parent the mapping. */
static void test_fork(const char *path)
{
	struct buf b;
	pid_t pid;
	int dev;

	buf_start(&b, path, WRITE);
	pid = xfork();
	if (!pid) {
		CHECK_EQ(pinned_pages(), 0, "charged to a child");
		dev = import(b.fd);
		CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map in a child");
		CHECK_EQ(try_export(b.map, LEN, WRITE) < 0, 0, "export of its own");
		munmap(b.map, LEN);
		CHECK_EQ(imp(dev, PF_IMP_UNMAP, 0, NULL), 0, "unmap");
		CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "the parent's mapping");
		_exit(0);
	}
	child_ok(pid, "child");
	dev = import(b.fd);
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map after a child's end");
	moves(&b, "after a child's end");
	close(dev);
	buf_end(&b);
}

static void test_ends(const char *path)
{
	ends_by(path, end_truncate, "truncate");
	ends_by(path, end_punch, "punch");
	ends_by(path, end_munmap, "munmap of a part");
	ends_by(path, end_mremap, "mremap");
	dies(path, false);
	dies(path, true);
	test_fork(path);
}

/* Who cannot be told keeps the pages, and with them the blocks of the file. */
static void test_keep(const char *path)
{
	struct pf_imp p;
	struct buf b;
	uint64_t word;
	int dev;

	buf_start(&b, path, WRITE | PINNABLE);
	word = *(uint64_t *)b.map;
	CHECK_EQ(try_export(b.map, LEN, PINNABLE), -ETXTBSY, "held twice");
	CHECK_EQ(try_static(b.fd, &dev), 0, "static importer");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH, NULL), 0, "map");
	munmap(b.map, LEN);
	CHECK_EQ(ftruncate(b.file, 0), -1, "truncate");
	CHECK_EQ(errno, ETXTBSY, "truncate");
	CHECK_EQ(fallocate(b.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   PAGE), -1, "punch");
	CHECK_EQ(errno, ETXTBSY, "punch");
	CHECK_EQ(imp(dev, PF_IMP_READ, 0, &p), 0, "read after munmap");
	CHECK(p.value == word, "page after munmap");
	CHECK_EQ(move_page(&b, 1, PINFOLD_MOVE_RELOCATE).moved, 0, "kept");
	close(dev);
	dev = xopen(PF_IMPORTER, O_RDWR);
	CHECK_EQ(imp(dev, PF_IMP_ATTACH, b.fd, NULL), -ENXIO, "attach to the dead");
	close(dev);
	CHECK_EQ(move_page(&b, 1, PINFOLD_MOVE_RELOCATE).moved, 1, "let go");
	close(b.fd);
	WAIT_FOR(!attribute("exports"), "exports");
	CHECK(!ftruncate(b.file, 0), "truncate");
	b.map = map_shared(b.file, LEN);
	buf_end(&b);
}

/* What the stock kernel says of a long-term pin of the same memory. */
static void test_gap(const char *path)
{
	struct io_uring ring;
	struct iovec iov;
	struct buf b;

	buf_start(&b, path, WRITE);
	iov.iov_base = b.map;
	iov.iov_len = LEN;
	CHECK(!io_uring_queue_init(4, &ring, 0), "io_uring_queue_init");
	CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), -EOPNOTSUPP,
		 "fixed buffers of io_uring on a DAX file");
	io_uring_queue_exit(&ring);
	buf_end(&b);
}

/* Of drm.h, which not every machine has. */
struct drm_prime_handle {
	uint32_t handle;
	uint32_t flags;
	int32_t fd;
};

struct drm_gem_close {
	uint32_t handle;
	uint32_t pad;
};

#define DRM_IOCTL_GEM_CLOSE		_IOW('d', 0x09, struct drm_gem_close)
#define DRM_IOCTL_PRIME_FD_TO_HANDLE	_IOWR('d', 0x2e, struct drm_prime_handle)

/* A driver of the kernel, as it is: it imports as one that cannot follow. */
static void test_vgem(const char *path)
{
	struct drm_prime_handle prime = { };
	struct drm_gem_close gem = { };
	int card = xopen("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	struct buf b;

	buf_start(&b, path, WRITE);
	prime.fd = b.fd;
	CHECK_EQ(ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), -1, "not pinnable");
	CHECK_EQ(errno, EOPNOTSUPP, "not pinnable");
	moves(&b, "refused");
	buf_end(&b);

	buf_start(&b, path, WRITE | PINNABLE);
	prime.fd = b.fd;
	CHECK(!ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), "import");
	CHECK_EQ(attribute("immovable"), 1, "immovable");
	stays(&b, "imported by vgem");
	gem.handle = prime.handle;
	CHECK(!ioctl(card, DRM_IOCTL_GEM_CLOSE, &gem), "close");
	CHECK_EQ(attribute("immovable"), 0, "immovable");
	moves(&b, "closed by vgem");
	buf_end(&b);
	close(card);
}

static const struct {
	const char *name;
	void (*run)(const char *path);
} tests[] = {
	{ "bad", test_bad },
	{ "ends", test_ends },
	{ "fd", test_fd },
	{ "follow", test_follow },
	{ "gap", test_gap },
	{ "keep", test_keep },
	{ "late", test_late },
	{ "pinning", test_pinning },
	{ "vgem", test_vgem },
};

/* pf dmabuf TEST FILE: on a pinfold disk with spare pages, $PF_DISK */
COMMAND(dmabuf)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(argv[0], tests[i].name))
			continue;
		tests[i].run(argv[1]);
		unlink(argv[1]);
		note("dmabuf %s: ok", argv[0]);
		return 0;
	}
	die("no test called %s", argv[0]);
}
