// SPDX-License-Identifier: GPL-2.0
/*
 * pf chaos DISK gentle|rough SECONDS SEED: calls every ioctl and writes every
 * attribute with values from a seed, sensible and not. What it may do to a disk
 * with a mounted file system is gentle; a rough one loses all but its first
 * KEEP bytes. A new ioctl is a row in calls[], a new attribute is found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/blktrace_api.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/pinfold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "pf.h"

#define KEEP		(64 * MIB)
#define MAX_LEN		(32 * MIB)
#define MAX_ATTRS	128
#define CALLS_PER_OPEN	64

/* Not in every version of the header. */
#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ	_IOR(0x12, 128, __u64)
#endif

static uint64_t state, disk_size;
static char attrs[MAX_ATTRS][256];
static size_t nr_attrs;
static const char *disk;

static uint64_t pick(uint64_t below)
{
	return rng(&state) % below;
}

/* Numbers that programs get wrong. */
static uint64_t number(void)
{
	const uint64_t hostile[] = {
		0, 1, 511, 512, 4095, 4096, CHUNK - 1, CHUNK, CHUNK + 1,
		disk_size - 1, disk_size, disk_size + 1, disk_size - CHUNK,
		1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL, ~0ULL - 4095,
	};

	switch (pick(3)) {
	case 0:
		return hostile[pick(ARRAY_SIZE(hostile))];
	case 1:
		return pick(disk_size ?: 1);
	default:
		return rng(&state);
	}
}

/* Arguments: each fills the buffer that the ioctl gets. */
static void arg_random(void *buf)
{
	uint64_t *p = buf;
	size_t i;

	for (i = 0; i < 64; i++)
		p[i] = number();
}

static void arg_zero(void *buf)
{
	memset(buf, 0, 512);
}

static void arg_flag(void *buf)
{
	arg_zero(buf);
	*(int *)buf = !pick(8);
}

/* Bytes behind KEEP, or a range that no device can have. */
static void arg_range(void *buf)
{
	uint64_t *p = buf;
	uint64_t room = disk_size > KEEP ? disk_size - KEEP : 1;

	arg_zero(buf);
	p[0] = KEEP + pick(room) / 512 * 512;
	p[1] = (1 + pick(MAX_LEN)) / 512 * 512;
	if (!pick(4))
		p[0] += 1 + pick(511);
	if (!pick(4))
		p[1] = ~0ULL - pick(1 << 20);
	if (!pick(8))
		p[0] = disk_size + pick(1ULL << 40);
}

static void arg_prefault(void *buf)
{
	struct pinfold_range *range = buf;

	arg_random(buf);
	if (pick(4))
		range->flags = 0;
	if (pick(2))
		range->length = pick(MAX_LEN);
}

static void arg_trim(void *buf)
{
	struct pinfold_trim *trim = buf;

	arg_random(buf);
	if (pick(4))
		trim->flags = pick(2) ? PINFOLD_TRIM_MAPPED : 0;
}

/* A few pages of anything, wherever it is: what is in them stays the same. */
static void arg_move(void *buf)
{
	struct pinfold_move *move = buf;

	arg_random(buf);
	move->op = pick(6);
	if (pick(8)) {
		move->flags = 0;
		move->lost_sectors = 0;
	}
	if (pick(4)) {
		move->offset = pick(disk_size ?: 1) / PAGE * PAGE;
		move->length = (1 + pick(64)) * PAGE;
	}
}

static void arg_partition(void *buf)
{
	struct blkpg_ioctl_arg *arg = buf;
	struct blkpg_partition *part = (void *)(arg + 1);

	arg_zero(buf);
	arg->op = pick(2) ? BLKPG_ADD_PARTITION : BLKPG_DEL_PARTITION;
	arg->datalen = sizeof(*part);
	arg->data = part;
	part->pno = 1 + pick(3);
	part->start = KEEP + pick(disk_size > KEEP ? disk_size - KEEP : 1) /
		512 * 512;
	part->length = pick(8) ? 8 * MIB : number();
}

#define CALL(_cmd, _fill)	{ #_cmd, _cmd, _fill, false }
#define ROUGH(_cmd, _fill)	{ #_cmd, _cmd, _fill, true }

static const struct call {
	const char *name;
	unsigned long cmd;
	void (*fill)(void *buf);
	bool rough;
} calls[] = {
	CALL(PINFOLD_IOC_PREFAULT, arg_prefault),
	CALL(PINFOLD_IOC_TRIM, arg_trim),
	CALL(PINFOLD_IOC_MOVE, arg_move),
	CALL(BLKROGET, arg_zero),
	CALL(BLKGETSIZE64, arg_zero),
	CALL(BLKGETDISKSEQ, arg_zero),
	CALL(BLKSSZGET, arg_zero),
	CALL(BLKPBSZGET, arg_zero),
	CALL(BLKBSZGET, arg_zero),
	CALL(BLKIOMIN, arg_zero),
	CALL(BLKALIGNOFF, arg_zero),
	CALL(BLKROTATIONAL, arg_zero),
	CALL(BLKFLSBUF, arg_zero),
	CALL(BLKRASET, arg_zero),
	CALL(HDIO_GETGEO, arg_zero),
	CALL(BLKTRACESETUP, arg_zero),
	CALL(BLKTRACESTART, arg_zero),
	CALL(BLKTRACESTOP, arg_zero),
	CALL(BLKTRACETEARDOWN, arg_zero),
	ROUGH(BLKRRPART, arg_zero),
	ROUGH(BLKPG, arg_partition),
	ROUGH(BLKROSET, arg_flag),
	ROUGH(BLKDISCARD, arg_range),
	ROUGH(BLKSECDISCARD, arg_range),
	ROUGH(BLKZEROOUT, arg_range),
};

static unsigned long tried[ARRAY_SIZE(calls)], succeeded[ARRAY_SIZE(calls)];
static unsigned long unknown, written, refused, read_back;

/*
 * Now and then a wild pointer, a page that is not writable, or the end of what is
 * mapped. None of them leads to a range of bytes that a rough call would take.
 */
static void *argument(const struct call *c)
{
	static char *buf, *ro;

	if (!buf) {
		buf = xalloc(2 * PAGE);
		munmap(buf + PAGE, PAGE);
		ro = xmmap(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	switch (pick(16)) {
	case 0:
		return (void *)number();
	case 1:
		return ro;
	case 2:
		return buf + PAGE - 8;
	}
	c->fill(buf);
	return buf;
}

/* Each once, then at random. False: the disk is gone, let go of it. */
static bool one_call(int fd, bool rough)
{
	static size_t next;
	size_t i = next < ARRAY_SIZE(calls) ? next++ : pick(ARRAY_SIZE(calls));

	if (calls[i].rough && !rough)
		return true;
	tried[i]++;
	if (!ioctl(fd, calls[i].cmd, argument(&calls[i]))) {
		succeeded[i]++;
		return true;
	}
	return errno != ENODEV && errno != ENXIO;
}

/* No request of ours has this number, or this size. */
static void unknown_call(int fd)
{
	unsigned long cmd = _IOC(pick(4), PINFOLD_IOC_MAGIC, pick(256),
				 pick(1 << 10));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (cmd == calls[i].cmd)
			return;
	CHECK(ioctl(fd, cmd, number()) == -1, "ioctl %#lx exists", cmd);
	CHECK(errno == ENOTTY || errno == ENODEV || errno == EIO,
	      "ioctl %#lx", cmd);
	unknown++;
}

static size_t value(char *text, size_t size)
{
	static const char * const texts[] = {
		"", "\n", "0", "1", "-1", "y", "N", "off", "0x", "0x1G", "1 2",
		"1\n2\n", "%s%n", "18446744073709551615", "18446744073709551616",
		"99999999999999999999999999", "4294967296", "banana", " 7",
	};
	size_t i, n;

	switch (pick(4)) {
	case 0:
		return snprintf(text, size, "%llu",
				(unsigned long long)number());
	case 1:
		n = pick(size);
		for (i = 0; i < n; i++)
			text[i] = rng(&state);
		return n;
	default:
		return snprintf(text, size, "%s", texts[pick(ARRAY_SIZE(texts))]);
	}
}

static void one_attr(void)
{
	static char text[2 * PAGE];
	const char *path = attrs[pick(nr_attrs)];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	size_t n;

	if (fd < 0)
		fd = open(path, (pick(2) ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
	if (fd < 0)
		return;
	if (pick(2)) {
		read_back += pread(fd, text, 1 + pick(sizeof(text)),
				   pick(4) ? 0 : pick(PAGE)) >= 0;
	} else {
		n = value(text, sizeof(text));
		if (write(fd, text, n) == (ssize_t)n)
			written++;
		else
			refused++;
	}
	close(fd);
}

static void find_attrs(const char *format, const char *name)
{
	char dir[128], path[512];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), format, name);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || nr_attrs == MAX_ATTRS)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		snprintf(attrs[nr_attrs++], sizeof(attrs[0]), "%.255s", path);
	}
	if (d)
		closedir(d);
}

static void find_all_attrs(void)
{
	find_attrs("/sys/block/%s/pinfold", disk);
	find_attrs("/sys/block/%s/pinfold_media", disk);
	find_attrs("/sys/block/%s/dax", disk);
	find_attrs("/sys/module/%s/parameters", "dax_backing");
	find_attrs("/sys/module/%s/parameters", "nd_pinfold");
	CHECK(nr_attrs > 0, "no attributes");
}

static int open_disk(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", disk);
	fd = open(path, (pick(2) ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd >= 0)
		ioctl(fd, BLKGETSIZE64, &disk_size);
	return fd;
}

/* pf chaos list: the names of all ioctls, for comparison with the header */
static int list(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		note("%s", calls[i].name);
	return 0;
}

COMMAND(chaos)
{
	time_t end = time(NULL) + parse_size(argv[2]);
	bool rough = !strcmp(argv[1], "rough");
	unsigned long total = 0, ok = 0;
	size_t i;
	int fd;

	if (!strcmp(argv[0], "list"))
		return list();
	disk = argv[0];
	state = strtoull(argv[3], NULL, 0);
	find_all_attrs();
	while (time(NULL) < end) {
		fd = open_disk();
		for (i = 0; i < CALLS_PER_OPEN; i++) {
			one_attr();
			if (fd < 0)
				continue;
			if (!one_call(fd, rough))
				break;
			if (!pick(8))
				unknown_call(fd);
		}
		if (fd >= 0)
			close(fd);
		else
			usleep(10000);
	}
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		total += tried[i];
		ok += succeeded[i];
		CHECK(tried[i] || (calls[i].rough && !rough), "%s was not called",
		      calls[i].name);
	}
	note("chaos %s %s: seed %s: %lu ioctls, %lu succeeded, %lu unknown ones; attributes: %lu writes, %lu refused, %lu reads",
	     disk, argv[1], argv[3], total, ok, unknown, written, refused,
	     read_back);
	return 0;
}
