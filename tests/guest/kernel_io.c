// SPDX-License-Identifier: GPL-2.0
/* The kernel and its devices as users of mapped pages. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)

/*
 * pf ktouch FILE SCRATCH: the first touch of a mapping is the kernel's, by
 * read(2) into it and by write(2) from it.
 */
COMMAND(ktouch)
{
	int fd = xcreate(argv[0], 3 * LEN);
	int scratch = xopen(argv[1], O_RDWR | O_CREAT | O_TRUNC);
	char *map = map_shared(fd, 3 * LEN);
	uint64_t before = stat_get("populated_bytes"), after;

	write_pattern(scratch, LEN, 1);
	xread(scratch, map, LEN, 0);
	after = stat_get("populated_bytes");
	CHECK(after > before, "read(2) into the mapping populated nothing");
	verify_file(fd, LEN, 1, "read(2) into a never-touched mapping");
	verify(map, LEN, 1, 0, "the same, mapped");

	write_pattern(fd, 3 * LEN, 2);
	xwrite(scratch, map + 2 * LEN, LEN, 2 * LEN);
	munmap(map, 3 * LEN);
	map = xalloc(LEN);
	xread(scratch, map, LEN, 2 * LEN);
	verify(map, LEN, 2, 2 * LEN, "write(2) from a never-touched mapping");
	note("ktouch: ok, populated %llu -> %llu -> %llu KiB",
	     (unsigned long long)before >> 10, (unsigned long long)after >> 10,
	     (unsigned long long)stat_get("populated_bytes") >> 10);
	return 0;
}

static void direct_sizes(int dev, char *map, int fd)
{
	static const size_t sizes[] = { 512, 4 * KIB, 12 * KIB, 64 * KIB, MIB };
	char *buf = xalloc(MIB);
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		/* From the mapping, off its page's start. */
		fill(map, MIB + PAGE, 10 + i, 0);
		xwrite(dev, map + 512, n, i * MIB);
		CHECK_EQ(pread(dev, buf, n, i * MIB), n, "O_DIRECT read");
		verify(buf, n, 10 + i, 512, "O_DIRECT from the mapping");
		/* And back into another part, which nobody touched before. */
		xread(dev, map + 2 * MIB + 512, n, i * MIB);
		verify(map + 2 * MIB + 512, n, 10 + i, 512,
		       "O_DIRECT into the mapping");
		xread(fd, buf, n, 2 * MIB + 512);
		verify(buf, n, 10 + i, 512, "the same by the file");
	}
}

/* pf direct FILE DEVICE */
COMMAND(direct)
{
	int fd = xcreate(argv[0], 4 * LEN), dev = xopen(argv[1], O_RDWR | O_DIRECT);
	char *map = map_shared(fd, 4 * LEN);

	direct_sizes(dev, map, fd);

	/* Untouched pages, all at once. */
	write_pattern(fd, 2 * LEN, 20);
	xwrite(dev, map + LEN, LEN, 0);
	xread(dev, map + 2 * LEN, LEN, 0);
	verify(map + 2 * LEN, LEN, 20, LEN, "O_DIRECT of untouched pages");
	note("direct: ok");
	return 0;
}

static void copy_sendfile(int from, int to, size_t len)
{
	off_t off = 0;

	CHECK(!ftruncate(to, 0) && !lseek(to, 0, SEEK_SET), "rewind");
	while (off < (off_t)len)
		CHECK(sendfile(to, from, &off, len - off) > 0, "sendfile");
}

static void copy_splice(int from, int to, size_t len)
{
	loff_t in = 0, out = 0;
	int p[2];
	ssize_t n;

	CHECK(!pipe(p), "pipe");
	while (in < (loff_t)len) {
		n = splice(from, &in, p[1], NULL, 64 * KIB, 0);
		CHECK(n > 0, "splice to the pipe");
		for (; n > 0; n -= splice(p[0], NULL, to, &out, n, 0))
			;
	}
	CHECK_EQ(out, len, "splice from the pipe");
	close(p[0]);
	close(p[1]);
}

static void test_vmsplice(char *map)
{
	struct iovec iov = { map + PAGE, 8 * PAGE };
	char *buf = xalloc(8 * PAGE);
	size_t got = 0;
	int p[2];

	CHECK(!pipe(p), "pipe");
	CHECK_EQ(vmsplice(p[1], &iov, 1, 0), 8 * PAGE, "vmsplice");
	/* The pipe has the pages, not a copy: it sees later stores. */
	fill(map, LEN, 5, 0);
	while (got < 8 * PAGE) {
		ssize_t n = read(p[0], buf + got, 8 * PAGE - got);

		CHECK(n > 0, "read of the pipe");
		got += n;
	}
	verify(buf, 8 * PAGE, 5, PAGE, "vmsplice");
	/* And out of a pipe, into the mapping. */
	fill(buf, 8 * PAGE, 6, 0);
	CHECK_EQ(write(p[1], buf, 8 * PAGE), 8 * PAGE, "write to the pipe");
	iov.iov_base = map + MIB;
	CHECK_EQ(vmsplice(p[0], &iov, 1, 0), 8 * PAGE, "vmsplice from pipe");
	verify(map + MIB, 8 * PAGE, 6, 0, "vmsplice into the mapping");
	close(p[0]);
	close(p[1]);
}

/* pf splice FILE SCRATCH */
COMMAND(splice)
{
	int fd = xcreate(argv[0], LEN);
	int scratch = xopen(argv[1], O_RDWR | O_CREAT | O_TRUNC);
	char *map = map_shared(fd, LEN);

	fill(map, LEN, 1, 0);
	copy_sendfile(fd, scratch, LEN);
	verify_file(scratch, LEN, 1, "sendfile from the mapped file");
	write_pattern(scratch, LEN, 2);
	copy_splice(scratch, fd, LEN);
	verify(map, LEN, 2, 0, "splice into the mapped file");
	fill(map, LEN, 3, 0);
	copy_splice(fd, scratch, LEN);
	verify_file(scratch, LEN, 3, "splice from the mapped file");
	write_pattern(scratch, LEN, 4);
	CHECK(!lseek(fd, 0, SEEK_SET), "lseek");
	{
		off_t off = 0;

		while (off < (off_t)LEN)
			CHECK(sendfile(fd, scratch, &off, LEN - off) > 0,
			      "sendfile into the mapped file");
	}
	verify(map, LEN, 4, 0, "sendfile into the mapped file");
	test_vmsplice(map);
	note("splice: ok");
	return 0;
}

static int uring_one(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int rc;

	CHECK_EQ(io_uring_submit(ring), 1, "io_uring_submit");
	CHECK(!io_uring_wait_cqe(ring, &cqe), "io_uring_wait_cqe");
	rc = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return rc;
}

static void uring_write(struct io_uring *ring, int fd, void *buf, size_t len)
{
	io_uring_prep_write(io_uring_get_sqe(ring), fd, buf, len, 0);
	CHECK_EQ(uring_one(ring), len, "IORING_OP_WRITE");
}

static void uring_read(struct io_uring *ring, int fd, void *buf, size_t len)
{
	io_uring_prep_read(io_uring_get_sqe(ring), fd, buf, len, 0);
	CHECK_EQ(uring_one(ring), len, "IORING_OP_READ");
}

/*
 * Fixed buffers are pinned for long: fsdax refuses them. With ordinary memory as
 * the fixed buffer the mapped file itself is read and written.
 */
static void uring_fixed(struct io_uring *ring, int fd, char *map)
{
	struct iovec iov = { map, MIB };
	int rc = io_uring_register_buffers(ring, &iov, 1);

	note("uring: register of mapped buffers: %d", rc);
	iov.iov_base = xalloc(MIB);
	CHECK(!io_uring_register_buffers(ring, &iov, 1), "register");
	fill(iov.iov_base, MIB, 3, 0);
	io_uring_prep_write_fixed(io_uring_get_sqe(ring), fd, iov.iov_base, MIB,
				  0, 0);
	CHECK_EQ(uring_one(ring), MIB, "WRITE_FIXED");
	verify(map, MIB, 3, 0, "WRITE_FIXED to the mapped file");
	fill(map, MIB, 4, 0);
	io_uring_prep_read_fixed(io_uring_get_sqe(ring), fd, iov.iov_base, MIB,
				 0, 0);
	CHECK_EQ(uring_one(ring), MIB, "READ_FIXED");
	verify(iov.iov_base, MIB, 4, 0, "READ_FIXED from the mapped file");
	CHECK(!io_uring_unregister_buffers(ring), "unregister");
}

/* pf uring FILE DEVICE: buffers in the mapping, I/O on a device */
COMMAND(uring)
{
	int fd = xcreate(argv[0], 2 * LEN), dev = xopen(argv[1], O_RDWR | O_DIRECT);
	char *map = map_shared(fd, 2 * LEN);
	struct io_uring ring;

	CHECK(!io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
	fill(map, MIB, 1, 0);
	uring_write(&ring, dev, map, MIB);
	uring_read(&ring, dev, map + LEN, MIB);
	verify(map + LEN, MIB, 1, 0, "write from, read into the mapping");
	fill(map, MIB, 2, 0);
	uring_write(&ring, fd, map, MIB);
	verify(map, MIB, 2, 0, "the mapped file written from its mapping");
	uring_fixed(&ring, fd, map);
	io_uring_queue_exit(&ring);
	note("uring: ok");
	return 0;
}
