// SPDX-License-Identifier: GPL-2.0
/* pf failnth: dma-bufs of a DAX file, and the test importer. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <linux/pinfold_dmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../modules/pf_importer.h"
#include "failnth.h"

/* enum dma_data_direction */
#define BOTH	0

struct source {
	int file;
	size_t len;
	char *map;
};

static struct source source_open(char **arg)
{
	struct source s = {
		.file = xopen(arg[0], O_RDWR),
		.len = parse_size(arg[1]),
	};
	size_t at;

	s.map = xmmap(s.len, PROT_READ | PROT_WRITE, MAP_SHARED, s.file, 0);
	for (at = 0; at < s.len; at += PAGE)
		CHECK_EQ(probe_write(s.map + at, NULL), 0, "touch");
	return s;
}

static void source_close(struct source *s)
{
	munmap(s->map, s->len);
	close(s->file);
}

/* Returns the dma-buf, or a negative errno. */
static int export(struct source *s, const char *flags, long n, bool *fired)
{
	struct pinfold_dmabuf_export e = {
		.addr = (uintptr_t)s->map,
		.length = s->len,
		.flags = strtoul(flags, NULL, 0),
	};
	int dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR), fd;

	nth_arm(n);
	fd = ioctl(dev, PINFOLD_DMABUF_EXPORT, &e);
	if (fd < 0)
		fd = -errno;
	*fired = nth_disarm(n);
	close(dev);
	return fd;
}

static int imp(int dev, enum pf_imp_op op, int64_t arg)
{
	struct pf_imp p = { .op = op, .arg = arg };

	return ioctl(dev, PF_IMP, &p) ? errno : 0;
}

/* FILE LENGTH FLAGS: as a dma-buf, which is closed */
int nth_export(long n, char **arg, bool *fired)
{
	struct source s = source_open(arg);
	int fd = export(&s, arg[2], n, fired);

	if (fd >= 0)
		close(fd);
	source_close(&s);
	return fd < 0 ? -fd : 0;
}

/* FILE LENGTH FLAGS: attached by who follows, or cannot if the dma-buf is pinnable, and mapped */
int nth_import(long n, char **arg, bool *fired)
{
	struct source s = source_open(arg);
	int fd = export(&s, arg[2], 0, fired);
	int dev = xopen(PF_IMPORTER, O_RDWR), err;
	bool pinnable = strtoul(arg[2], NULL, 0) & PINFOLD_DMABUF_PINNABLE;

	CHECK(fd >= 0, "export");
	nth_arm(n);
	err = imp(dev, pinnable ? PF_IMP_ATTACH_STATIC : PF_IMP_ATTACH, fd);
	if (!err)
		err = imp(dev, PF_IMP_MAP, BOTH);
	*fired = nth_disarm(n);
	close(dev);
	close(fd);
	source_close(&s);
	return err;
}

/* FILE LENGTH DEVICE OP OFFSET: moves so much there, while an importer has a mapping */
int nth_follow(long n, char **arg, bool *fired)
{
	struct pinfold_move move = {
		.op = parse_size(arg[3]),
		.offset = parse_size(arg[4]),
		.length = parse_size(arg[1]),
	};
	struct source s = source_open(arg);
	int fd = export(&s, "1", 0, fired), err;
	int dev = xopen(PF_IMPORTER, O_RDWR);
	int disk = xopen(arg[2], O_RDONLY);

	CHECK(fd >= 0, "export");
	CHECK_EQ(imp(dev, PF_IMP_ATTACH, fd), 0, "attach");
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH), 0, "map");
	err = nth_ioctl(n, disk, PINFOLD_IOC_MOVE, &move, fired);
	/* Whether or not the pages moved, the buffer is theirs. */
	CHECK_EQ(imp(dev, PF_IMP_MAP, BOTH), 0, "map after the move");
	CHECK_EQ(imp(dev, PF_IMP_READ, 0), 0, "read after the move");
	close(disk);
	close(dev);
	close(fd);
	source_close(&s);
	return err;
}
