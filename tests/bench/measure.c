// SPDX-License-Identifier: GPL-2.0
/*
 * One measurement in a guest. Prints "ELAPSED BUSY OPS": nanoseconds of the
 * guest's clock, the same without the time the processor was idle, and how many
 * operations that was. In an instruction-counting guest of one processor a busy
 * nanosecond is an executed instruction, of anybody: workers and interrupts of
 * the kernel are included, waiting (a timer, an RCU grace period) is not. What
 * the same work needs for the waits is the difference to ELAPSED.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <emmintrin.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../include/uapi/linux/pinfold.h"
#include "../modules/pinbench/pinbench.h"

#define PAGE	4096UL
#define CHUNK	(2UL << 20)
#define SEED	0x9e3779b97f4a7c15ULL
#define FS	"ext4"

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	int err = errno;
	va_list args;

	fputs("measure: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

/* --- the clock ----------------------------------------------------------- */

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* To the nanosecond, where /proc/stat rounds to 10 ms. */
static uint64_t idle_time(void)
{
	unsigned long long ns, sum = 0;
	unsigned int found = 0;
	char line[256];
	FILE *f = fopen("/proc/timer_list", "r");

	if (!f)
		die("/proc/timer_list");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " .idle_sleeptime : %llu", &ns) == 1 ||
		    sscanf(line, " .iowait_sleeptime : %llu", &ns) == 1) {
			sum += ns;
			found++;
		}
	}
	fclose(f);
	if (found != 2) {
		errno = EINVAL;
		die("/proc/timer_list shows %u idle times, not the two of one processor",
		    found);
	}
	return sum;
}

static uint64_t idle_at_start, start;

/* Where profile.c, if it watches, begins a new profile: "bench --profile". */
__attribute__((noinline, noclone)) void profile_mark(void)
{
	asm volatile("");
}

/* Last thing before the work: reading the idle time costs instructions. */
static void clock_start(void)
{
	idle_at_start = idle_time();
	profile_mark();
	start = now();
}

static void clock_stop(uint64_t ops)
{
	uint64_t elapsed = now() - start;
	uint64_t idle;

	profile_mark();
	idle = idle_time() - idle_at_start;

	printf("%llu %llu %llu\n", (unsigned long long)elapsed,
	       (unsigned long long)(elapsed - idle), (unsigned long long)ops);
}

/* --- helpers ------------------------------------------------------------- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	switch (*end) {
	case 'k':
		return value << 10;
	case 'm':
		return value << 20;
	case 'g':
		return value << 30;
	}
	return value;
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		die("%s", path);
	return fd;
}

/*
 * Page faults of 4 KiB on both sides: a huge fault would depend on how the data
 * happens to be aligned on the media.
 */
static volatile char *map_file(int fd, uint64_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	if (madvise(p, len, MADV_NOHUGEPAGE))
		die("madvise");
	return p;
}

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt + ru.ru_majflt;
}

/* Page numbers 0, stride, 2 * stride ... in order or shuffled. */
static uint32_t *page_order(uint64_t nr, uint64_t stride, bool shuffled)
{
	uint32_t *order = malloc(nr * sizeof(*order));
	uint64_t seed = SEED, i, j;
	uint32_t tmp;

	if (!order)
		die("memory");
	for (i = 0; i < nr; i++)
		order[i] = i * stride;
	for (i = nr - 1; shuffled && i > 0; i--) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		j = seed % (i + 1);
		tmp = order[i];
		order[i] = order[j];
		order[j] = tmp;
	}
	return order;
}

static void touch(volatile char *p, const uint32_t *order, uint64_t nr,
		  bool store)
{
	uint64_t i;

	if (store)
		for (i = 0; i < nr; i++)
			p[order[i] * PAGE] = 1;
	else
		for (i = 0; i < nr; i++)
			(void)p[order[i] * PAGE];
}

/* A fault for each page, or something else was measured. */
static void check_faults(uint64_t before, uint64_t nr)
{
	uint64_t got = faults() - before;

	if (got >= nr && got <= nr + nr / 1000 + 64)
		return;
	errno = ERANGE;
	die("%llu page faults for %llu pages", (unsigned long long)got,
	    (unsigned long long)nr);
}

/* --- what is measured ---------------------------------------------------- */

/* fault FILE SIZE seq|rand load|store [again] */
static void cmd_fault(char **arg)
{
	uint64_t size = number(arg[1]), nr = size / PAGE, before;
	bool store = !strcmp(arg[3], "store");
	uint32_t *order = page_order(nr, 1, !strcmp(arg[2], "rand"));
	int fd = open_file(arg[0], O_RDWR);
	volatile char *p = map_file(fd, size);

	if (arg[4]) {
		touch(p, order, nr, store);
		munmap((void *)p, size);
		p = map_file(fd, size);
	}
	before = faults();
	clock_start();
	touch(p, order, nr, store);
	clock_stop(nr);
	check_faults(before, nr);
}

static void bind(const char *driver, const char *what, const char *device)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/nd/drivers/%s/%s", driver, what);
	fd = open_file(path, O_WRONLY);
	if (write(fd, device, strlen(device)) < 0)
		die("%s: %s", path, device);
	close(fd);
}

/* bind|unbind DRIVER DEVICE */
static void cmd_bind(char **arg)
{
	clock_start();
	bind(arg[0], "bind", arg[1]);
	clock_stop(1);
}

static void cmd_unbind(char **arg)
{
	clock_start();
	bind(arg[0], "unbind", arg[1]);
	clock_stop(1);
}

static void unlimit(const char *disk)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/pinfold/budget_bytes",
		 disk);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;			/* not pinfold's */
	if (write(fd, "0", 1) != 1)
		die("%s", path);
	close(fd);
}

/* sparse DRIVER DEVICE DISK MOUNTPOINT FILE SIZE: from bind to the last touch */
static void cmd_sparse(char **arg)
{
	uint64_t size = number(arg[5]), nr = size / CHUNK, before;
	uint32_t *order = page_order(nr, CHUNK / PAGE, false);
	volatile char *p;
	char dev[64];

	snprintf(dev, sizeof(dev), "/dev/%s", arg[2]);
	clock_start();
	bind(arg[0], "bind", arg[1]);
	unlimit(arg[2]);
	if (mount(dev, arg[3], FS, MS_NOATIME, "dax=always"))
		die("mount %s", dev);
	p = map_file(open_file(arg[4], O_RDWR), size);
	before = faults();
	touch(p, order, nr, false);
	clock_stop(nr);
	check_faults(before, nr);
}

/*
 * rw PATH read|write SIZE SPAN COUNT [direct [rand]]: in order, from the start
 * again after SPAN bytes, or all over them.
 */
static void cmd_rw(char **arg)
{
	bool random = arg[5] && arg[6];
	bool store = !strcmp(arg[1], "write");
	uint64_t size = number(arg[2]), span = number(arg[3]);
	uint64_t count = number(arg[4]), i, pos = 0;
	int fd = open_file(arg[0], O_RDWR | (arg[5] ? O_DIRECT : 0));
	ssize_t done;
	char *buf;

	/* Without huge pages, which a process gets or not. */
	if (posix_memalign((void **)&buf, CHUNK, size) ||
	    madvise(buf, size, MADV_NOHUGEPAGE))
		die("memory");
	memset(buf, 1, size);
	clock_start();
	for (i = 0; i < count; i++) {
		done = store ? pwrite(fd, buf, size, pos) :
			       pread(fd, buf, size, pos);
		if (done != (ssize_t)size)
			die("%s: %s at %llu", arg[0], arg[1],
			    (unsigned long long)pos);
		pos += size;
		if (random)
			pos = (i + 1) * SEED % (span / size) * size;
		if (pos >= span)
			pos = 0;
	}
	clock_stop(count);
}

/* run OPS SCRIPT: of the shell, which waits for what it starts */
static void cmd_run(char **arg)
{
	clock_start();
	if (system(arg[1]))
		die("%s", arg[1]);
	clock_stop(number(arg[0]));
}

/* prefault DISK OFFSET LENGTH STRIDE COUNT; an operation is a page */
static void cmd_prefault(char **arg)
{
	struct pinfold_range range = { .offset = number(arg[1]) };
	uint64_t len = number(arg[2]), count = number(arg[4]), i;
	int fd = open_file(arg[0], O_RDWR);

	clock_start();
	for (i = 0; i < count; i++) {
		range.length = len;
		if (ioctl(fd, PINFOLD_IOC_PREFAULT, &range))
			die("%s: prefault at %llu", arg[0],
			    (unsigned long long)range.offset);
		range.offset += number(arg[3]);
	}
	clock_stop(count * len / PAGE);
}

/* trim DISK SIZE: at least SIZE bytes are given back; an operation is a page */
static void cmd_trim(char **arg)
{
	struct pinfold_trim trim = {};
	int fd = open_file(arg[0], O_RDWR);

	clock_start();
	if (ioctl(fd, PINFOLD_IOC_TRIM, &trim))
		die("%s: trim", arg[0]);
	clock_stop(trim.trimmed / PAGE);
	if (trim.trimmed >= number(arg[1]))
		return;
	errno = EBUSY;
	die("%s: %llu bytes given back, %llu stay", arg[0],
	    (unsigned long long)trim.trimmed, (unsigned long long)trim.busy);
}

/* --- the pin registry, by tests/modules/pinbench --- */

static int pinbench(int fd, unsigned long cmd, const struct pinbench_job *job)
{
	int ret = ioctl(fd, cmd, job);

	if (ret < 0)
		die("/dev/pf_pinbench: request %u", (unsigned int)cmd & 0xff);
	return ret;
}

static uint64_t pinbench_kind(const char *name)
{
	static const char * const names[] = {
		[PINBENCH_PEER] = "peer",
		[PINBENCH_REGISTRY] = "registry",
		[PINBENCH_SLEEPING] = "sleeping",
		[PINBENCH_UNPINNED] = "unpinned",
		[PINBENCH_DMA_PEER] = "dma-peer",
		[PINBENCH_DMA] = "dma",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return i;
	errno = EINVAL;
	die("%s", name);
}

/*
 * pin KIND,... SIZE COUNT [huge]: pin and unpin anonymous memory, each kind the same pages:
 * what mapping them costs depends on how many of them are neighbours
 */
static void cmd_pin(char **arg)
{
	struct pinbench_job job = {
		.nr = number(arg[2]),
		.len = number(arg[1]),
	};
	char *kind;
	int fd = open_file("/dev/pf_pinbench", O_RDWR);
	uint64_t room = job.len < CHUNK ? CHUNK : job.len;
	void *p;

	if (posix_memalign(&p, CHUNK, room) ||
	    madvise(p, room, arg[3] ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("memory");
	memset(p, 1, room);
	job.addr = (uintptr_t)p;
	for (kind = strtok(arg[0], ","); kind; kind = strtok(NULL, ",")) {
		job.kind = pinbench_kind(kind);
		clock_start();
		pinbench(fd, PINBENCH_USER, &job);
		clock_stop(job.nr);
	}
}

/* lookup PINS COUNT: look up pages of pins, with PINS of them */
static void cmd_lookup(char **arg)
{
	struct pinbench_job pins = { .nr = number(arg[0]) };
	struct pinbench_job job = { .nr = number(arg[1]) };
	int fd = open_file("/dev/pf_pinbench", O_RDWR);

	pinbench(fd, PINBENCH_PINS, &pins);
	clock_start();
	pinbench(fd, PINBENCH_LOOKUP, &job);
	clock_stop(job.nr);
}

static void compact(void)
{
	int fd = open_file("/proc/sys/vm/compact_memory", O_WRONLY);

	if (write(fd, "1", 1) != 1)
		die("compaction");
	close(fd);
}

/* move KIND PAGES: kernel pages, by compaction of all memory */
static void cmd_move(char **arg)
{
	struct pinbench_job job = {
		.kind = pinbench_kind(arg[0]),
		.nr = number(arg[1]),
	};
	int fd = open_file("/dev/pf_pinbench", O_RDWR);
	uint64_t moved = 0;
	int tries = 16;

	/* What else there is to move, moves now. */
	compact();
	pinbench(fd, PINBENCH_PAGES, &job);
	clock_start();
	/* It gives up early if it happens to find no hole. */
	while (moved < job.nr * 3 / 8 && tries--) {
		compact();
		moved = pinbench(fd, PINBENCH_MOVED, NULL);
	}
	clock_stop(moved);
	if (tries >= 0)
		return;
	errno = ERANGE;
	die("%llu of %llu pages moved", (unsigned long long)moved,
	    (unsigned long long)job.nr);
}

/* --- moving pages on the media, and the peers of it --- */

static uint64_t where_on_disk(int fd, uint64_t size)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent[1];
	} f = { .map = { .fm_length = size, .fm_extent_count = 1 } };

	if (ioctl(fd, FS_IOC_FIEMAP, &f))
		die("FIEMAP");
	if (f.map.fm_mapped_extents == 1 && f.extent[0].fe_length >= size)
		return f.extent[0].fe_physical;
	errno = ERANGE;
	die("the file is in pieces");
}

static void touch_pages(char *p, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE)
		((volatile char *)p)[i]++;
}

/* In steps of what one request moves. */
static void move_all(int disk, uint64_t offset, uint64_t size, int op)
{
	struct pinfold_move m = { .op = op, .offset = offset, .length = size };
	uint64_t moved = 0;

	while (m.length) {
		if (ioctl(disk, PINFOLD_IOC_MOVE, &m))
			die("move");
		moved += m.moved;
	}
	errno = EBUSY;
	if (moved != size / PAGE)
		die("%llu pages moved", (unsigned long long)moved);
}

/* relocate FILE DISK SIZE OP [mapped]: its pages, touched again if they are mapped */
static void cmd_relocate(char **arg)
{
	int fd = open_file(arg[0], O_RDWR), disk = open_file(arg[1], O_RDONLY);
	int op = strcmp(arg[3], "restore") ? PINFOLD_MOVE_RELOCATE :
					     PINFOLD_MOVE_RESTORE;
	uint64_t size = number(arg[2]), offset = where_on_disk(fd, size);
	char *p = NULL;

	if (arg[4]) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		/* As the peer's: the spare pages may happen to suit a huge one. */
		if (p == MAP_FAILED || madvise(p, size, MADV_NOHUGEPAGE))
			die("mmap");
		touch_pages(p, size);
	}
	clock_start();
	move_all(disk, offset, size, op);
	if (p)
		touch_pages(p, size);
	clock_stop(size / PAGE);
}

/*
 * pause FILE DISK SIZE STEP: how long a driver that has its pages pinned is kept away from
 * them while they move, STEP at a time
 */
static void cmd_pause(char **arg)
{
	int fd = open_file(arg[0], O_RDWR), disk = open_file(arg[1], O_RDONLY);
	int bench = open_file("/dev/pf_pinbench", O_RDWR);
	uint64_t size = number(arg[2]), step = number(arg[3]), i, paused;
	uint64_t offset = where_on_disk(fd, size);
	struct pinbench_job job = { .len = size };
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED || madvise(p, size, MADV_NOHUGEPAGE))
		die("mmap");
	touch_pages(p, size);
	job.addr = (uintptr_t)p;
	pinbench(bench, PINBENCH_HOLD, &job);
	for (i = 0; i < size; i += step)
		move_all(disk, offset + i, step, PINFOLD_MOVE_RELOCATE);
	if (ioctl(bench, PINBENCH_PAUSE, &paused))
		die("/dev/pf_pinbench");
	move_all(disk, offset, size, PINFOLD_MOVE_RESTORE);
	printf("%llu %llu %llu\n", (unsigned long long)paused,
	       (unsigned long long)paused, (unsigned long long)(size / PAGE));
}

static int cmp_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * stall FILE DISK SIZE PERMILLE: what a thread that stores to the pages notices while they
 * move by another process, one at a time. A pause is a store that took longer than any of
 * those before the move; PERMILLE says which of them, in order, is told.
 */
static void cmd_stall(char **arg)
{
	int fd = open_file(arg[0], O_RDWR), disk = open_file(arg[1], O_RDONLY);
	uint64_t size = number(arg[2]), nr = size / PAGE, i;
	uint64_t offset = where_on_disk(fd, size), permille = number(arg[3]);
	/* A store takes some 10 ns, and the clock twice that. */
	const uint64_t threshold = 1000;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);
	/* Shared, so that the mover can say when it is done. */
	volatile int *done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t *pauses = calloc(64 * nr, sizeof(*pauses)), found = 0, at = 0;

	if (p == MAP_FAILED || done == MAP_FAILED || !pauses ||
	    madvise((void *)p, size, MADV_NOHUGEPAGE))
		die("memory");
	touch_pages((char *)p, size);
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		for (i = 0; i < size; i += PAGE) {
			move_all(disk, offset + i, PAGE, PINFOLD_MOVE_RELOCATE);
			sched_yield();
		}
		*done = 1;
		_exit(0);
	}
	while (!*done) {
		uint64_t before = now(), took;

		p[at]++;
		took = now() - before;
		if (took > threshold && found < 64 * nr)
			pauses[found++] = took;
		at = (at + PAGE) % size;
	}
	move_all(disk, offset, size, PINFOLD_MOVE_RESTORE);
	qsort(pauses, found, sizeof(*pauses), cmp_u64);
	errno = ERANGE;
	if (found < nr / 2)
		die("%llu pauses in %llu moves", (unsigned long long)found,
		    (unsigned long long)nr);
	found = pauses[(found - 1) * permille / 1000];
	printf("%llu %llu 1\n", (unsigned long long)found,
	       (unsigned long long)found);
}

#define MPOL_BIND	2

/* migrate SIZE: anonymous memory from node 0 to node 1, touched again */
static void cmd_migrate(char **arg)
{
	uint64_t size = number(arg[0]), nr = size / PAGE, i;
	unsigned long mask = 1;
	void **pages = calloc(nr, sizeof(*pages));
	int *nodes = calloc(nr, sizeof(*nodes));
	int *status = calloc(nr, sizeof(*status));
	char *p;

	if (!pages || !nodes || !status || posix_memalign((void **)&p, CHUNK, size) ||
	    madvise(p, size, MADV_NOHUGEPAGE))
		die("memory");
	if (syscall(SYS_mbind, p, size, MPOL_BIND, &mask, 8 * sizeof(mask), 0))
		die("mbind");
	touch_pages(p, size);
	for (i = 0; i < nr; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = 1;
	}
	clock_start();
	if (syscall(SYS_move_pages, 0, nr, pages, nodes, status, 4 /* MPOL_MF_MOVE_ALL */))
		die("move_pages");
	touch_pages(p, size);
	clock_stop(nr);
	errno = EBUSY;
	for (i = 0; i < nr; i++)
		if (status[i] != 1)
			die("page %llu is on node %d", (unsigned long long)i, status[i]);
}

/* copy FILE SIZE: its first half to its second, by stores that go past the cache */
static void cmd_copy(char **arg)
{
	uint64_t size = number(arg[1]), i;
	int fd = open_file(arg[0], O_RDWR);
	long long *from = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);
	long long *to = from + size / sizeof(*to);

	if (from == MAP_FAILED)
		die("mmap");
	touch_pages((char *)from, 2 * size);
	clock_start();
	for (i = 0; i < size / sizeof(*to); i += 4) {
		_mm_stream_si64(to + i, from[i]);
		_mm_stream_si64(to + i + 1, from[i + 1]);
		_mm_stream_si64(to + i + 2, from[i + 2]);
		_mm_stream_si64(to + i + 3, from[i + 3]);
	}
	_mm_sfence();
	clock_stop(size / PAGE);
}

/* --- preparations, not measured ------------------------------------------ */

/* fill FILE SIZE: written blocks, so that no fault has to convert extents */
static void cmd_fill(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);
	uint64_t size = number(arg[1]), pos;
	char *buf = calloc(1, CHUNK);

	if (posix_fallocate(fd, 0, size))
		die("%s: fallocate", arg[0]);
	for (pos = 0; pos < size; pos += CHUNK)
		if (pwrite(fd, buf, CHUNK, pos) != (ssize_t)CHUNK)
			die("%s: write", arg[0]);
	if (fsync(fd))
		die("%s: fsync", arg[0]);
}

/* dot FILE SIZE: allocated all over, one block in 2 MiB written */
static void cmd_dot(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);
	uint64_t size = number(arg[1]), pos;
	char *buf = calloc(1, PAGE);

	if (posix_fallocate(fd, 0, size))
		die("%s: fallocate", arg[0]);
	for (pos = 0; pos < size; pos += CHUNK)
		if (pwrite(fd, buf, PAGE, pos) != (ssize_t)PAGE)
			die("%s: write", arg[0]);
	if (fsync(fd))
		die("%s: fsync", arg[0]);
}

static const struct {
	const char *name;
	int min_args;
	void (*run)(char **arg);
} commands[] = {
	{ "fault", 4, cmd_fault },
	{ "bind", 2, cmd_bind },
	{ "unbind", 2, cmd_unbind },
	{ "sparse", 6, cmd_sparse },
	{ "rw", 5, cmd_rw },
	{ "run", 2, cmd_run },
	{ "prefault", 5, cmd_prefault },
	{ "trim", 2, cmd_trim },
	{ "pin", 3, cmd_pin },
	{ "lookup", 2, cmd_lookup },
	{ "move", 2, cmd_move },
	{ "relocate", 4, cmd_relocate },
	{ "pause", 4, cmd_pause },
	{ "stall", 4, cmd_stall },
	{ "migrate", 1, cmd_migrate },
	{ "copy", 2, cmd_copy },
	{ "fill", 2, cmd_fill },
	{ "dot", 2, cmd_dot },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].min_args) {
			commands[i].run(argv + 2);
			return 0;
		}
	fputs("measure: see tests/bench/measure.c\n", stderr);
	return 2;
}
