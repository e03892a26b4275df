// SPDX-License-Identifier: GPL-2.0
/*
 * pf piped FILE DEVICE: pages that a pipe refers to. A trim takes neither the entry
 * that lets the file system wait for them, nor their struct pages once the file
 * system has not waited, as it does not for a file that nobody maps.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/pinfold.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pf.h"

#define SEED	0x919ed
#define LEN	(4 * CHUNK)
/* The chunks at the ends of the disk always have struct pages. */
#define AT	(2 * CHUNK)

static int file_fd;
static atomic_bool punched;

static void trim_all(const char *device)
{
	struct pinfold_trim trim = { .flags = PINFOLD_TRIM_MAPPED };
	int fd = xopen(device, O_RDONLY);

	CHECK(!ioctl(fd, PINFOLD_IOC_TRIM, &trim), "trim");
	close(fd);
}

static void *punch(void *arg)
{
	CHECK(!fallocate(file_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 AT, PAGE), "punch");
	atomic_store(&punched, true);
	return arg;
}

static void give_to_pipe(int pipe_fd, char *page)
{
	struct iovec iov = { page, PAGE };

	CHECK_EQ(probe_write(page, NULL), 0, "touch");
	CHECK_EQ(vmsplice(pipe_fd, &iov, 1, 0), PAGE, "vmsplice");
}

static void take_from_pipe(int pipe_fd, char *buf)
{
	CHECK_EQ(read(pipe_fd, buf, PAGE), PAGE, "read of the pipe");
}

COMMAND(piped)
{
	char *map, *buf = xalloc(PAGE);
	uint64_t populated;
	pthread_t thread;
	int fds[2];

	file_fd = xopen(argv[0], O_RDWR | O_CREAT | O_TRUNC);
	write_pattern(file_fd, LEN, SEED);
	trim_all(argv[1]);
	populated = stat_get("populated_bytes");
	CHECK(!pipe(fds), "pipe");

	/* The other page stays mapped: the file system looks for entries. */
	map = map_shared(file_fd, LEN);
	give_to_pipe(fds[1], map + AT);
	trim_all(argv[1]);
	CHECK(!pthread_create(&thread, NULL, punch, NULL), "thread");
	usleep(500 * 1000);
	CHECK(!atomic_load(&punched), "blocks of a page in use are punched");
	take_from_pipe(fds[0], buf);
	verify(buf, PAGE, SEED, AT, "from the pipe");
	CHECK(!pthread_join(thread, NULL), "join");
	verify_zero(map + AT, PAGE, "the hole");

	give_to_pipe(fds[1], map + AT + PAGE);
	munmap(map, LEN);
	CHECK(!ftruncate(file_fd, 0), "truncate");
	trim_all(argv[1]);
	CHECK(stat_get("populated_bytes") > populated,
	      "struct pages went below a page in use");
	take_from_pipe(fds[0], buf);
	trim_all(argv[1]);
	CHECK_EQ(stat_get("populated_bytes"), populated, "populated");
	note("piped: ok");
	return 0;
}
