// SPDX-License-Identifier: GPL-2.0
/* Pins of a process's memory, and their ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pin.h"

#define LEN	(64 * PAGE)
#define HUGE	(2 * MIB)

/* A device writes to memory that the process uses meanwhile. */
static void use(const char *what, const char *kind, char *map, size_t len)
{
	int dev = dev_open("use", kind, PIN_DEVICE_IO, 1);
	size_t pages = len / PAGE;
	uint32_t id;

	paint(map, len, 1);
	id = dev_pin(dev, map, len);
	CHECK_EQ(pinned_pages(), pages, "pages accounted");
	dev_run(dev, true);
	dev_round(dev, id);
	paint(map, len, 2);
	dev_round(dev, id);
	dev_run(dev, false);
	dev_check(dev, id, pages, what);
	check_slots(dev, id, map, len, 1, what);
	check_paint(map, len, 2, what);
	CHECK_EQ(dev_pfn(dev, id, pages - 1), pfn_of(map + len - PAGE), what);
	dev_unpin(dev, id);
	CHECK_EQ(pinned_pages(), 0, "pages accounted after unpin");
	close(dev);
	note("%s, %s: ok", what, kind);
}

static char *map_memfd(const char *name, unsigned int flags, size_t len, int *fd)
{
	*fd = memfd_create(name, flags);
	if (*fd < 0 || ftruncate(*fd, len))
		die("memfd %s", name);
	return map_shared(*fd, len);
}

/* pf pin kinds -: anonymous, shmem and huge pages */
PIN_TEST(kinds)
{
	static const char * const kinds[] = { "quiet", "atomic", "general",
					      "slow", "refusing" };
	char *map;
	size_t i;
	int fd;

	(void)path;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		map = xalloc(LEN);
		use("anonymous", kinds[i], map, LEN);
		munmap(map, LEN);
		map = map_memfd("shmem", 0, LEN, &fd);
		use("shmem", kinds[i], map, LEN);
		munmap(map, LEN);
		close(fd);
	}
	map = map_memfd("hugetlb", MFD_HUGETLB, HUGE, &fd);
	use("hugetlb", "quiet", map, HUGE);
	munmap(map, HUGE);
	close(fd);
}

/* pf pin dax FILE: pages of a DAX file */
PIN_TEST(dax)
{
	int fd = xcreate(path, LEN);
	char *map = map_shared(fd, LEN);

	use("dax", "quiet", map, LEN);
	use("dax", "atomic", map, LEN);
	use("dax", "general", map, LEN);
	munmap(map, LEN);
	close(fd);
	unlink(path);
}

/**
 * struct bench - a device at work on memory whose end is coming
 * @dev: the device, which is the parent's
 * @id: area
 * @map: memory
 * @fd: of a file that is mapped, or -1
 * @path: the file
 */
struct bench {
	int dev;
	uint32_t id;
	char *map;
	int fd;
	const char *path;
};

static void do_munmap(struct bench *b)
{
	munmap(b->map, LEN);
}

static void do_mremap(struct bench *b)
{
	char *to = xalloc(LEN);

	CHECK(mremap(b->map, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
	      "mremap");
	check_paint(to, LEN, 3, "after mremap");
}

static void do_exit(struct bench *b)
{
	(void)b;
	_exit(0);
}

static void do_kill(struct bench *b)
{
	(void)b;
	raise(SIGKILL);
}

static void do_exec(struct bench *b)
{
	char text[64];

	snprintf(text, sizeof(text), "%d,%u", b->dev, b->id);
	/* It was opened to be closed on exec. */
	fcntl(b->dev, F_SETFD, 0);
	execl("/proc/self/exe", "pf", "pin", "after_exec", text, NULL);
	die("exec");
}

static void do_truncate(struct bench *b)
{
	CHECK(!ftruncate(b->fd, 0), "truncate");
}

static void do_punch(struct bench *b)
{
	CHECK(!fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 LEN), "punch");
	/* Memory that is mapped again is pinned again; a file's pages are not. */
	if (!strcmp(b->path, "shmem"))
		return;
	CHECK_EQ(probe_read(b->map, NULL), 0, "read of a hole");
	verify_zero(b->map, PAGE, "hole");
}

/* What the last program pinned is gone in this one: pf pin after_exec DEV,ID */
PIN_TEST(after_exec)
{
	struct pf_report r;
	uint32_t id;
	int dev;

	if (sscanf(path, "%d,%u", &dev, &id) != 2)
		die("not a device and an area: %s", path);
	r = dev_report(dev, id);
	CHECK_EQ(r.present, 0, "pages left after exec");
	CHECK_EQ(r.why[PIN_REVOKE_UNMAP], LEN / PAGE, "pages revoked by exec");
}

static const struct ending {
	const char *name;
	void (*act)(struct bench *b);
	int why;
} endings[] = {
	{ "munmap", do_munmap, PIN_REVOKE_UNMAP },
	{ "mremap", do_mremap, PIN_REVOKE_UNMAP },
	{ "exit", do_exit, PIN_REVOKE_UNMAP },
	{ "kill", do_kill, PIN_REVOKE_UNMAP },
	{ "exec", do_exec, PIN_REVOKE_UNMAP },
	{ "truncate", do_truncate, PIN_REVOKE_CLEAR },
	{ "punch", do_punch, PIN_REVOKE_CLEAR },
};

static void open_memory(struct bench *b)
{
	b->fd = -1;
	if (!strcmp(b->path, "anonymous")) {
		b->map = xalloc(LEN);
		return;
	}
	if (!strcmp(b->path, "shmem")) {
		b->map = map_memfd("shmem", 0, LEN, &b->fd);
		return;
	}
	b->fd = xcreate(b->path, LEN);
	b->map = map_shared(b->fd, LEN);
}

/* The child pins and meets its end; the device outlives it. */
static void end_in_child(const struct ending *e, struct bench *b)
{
	open_memory(b);
	paint(b->map, LEN, 3);
	b->id = dev_pin(b->dev, b->map, LEN);
	CHECK_EQ(b->id, 1, "first area");
	dev_run(b->dev, true);
	dev_round(b->dev, b->id);
	e->act(b);
	_exit(0);
}

static void end_one(const struct ending *e, const char *path, const char *kind)
{
	struct bench b = {
		.dev = dev_open("ends", kind, PIN_DEVICE_IO, 2),
		.path = path,
		.id = 1,
	};
	pid_t pid = xfork();
	struct pf_report r;
	int status;

	if (!pid)
		end_in_child(e, &b);
	CHECK(waitpid(pid, &status, 0) == pid, "wait");
	if (e->act != do_kill)
		CHECK_EQ(status, 0, "child's status");
	/* Of others than DAX it is found out later that they are gone. */
	if (e->why == PIN_REVOKE_CLEAR && !strcmp(path, "shmem"))
		WAIT_FOR(dev_report(b.dev, b.id).present == 0 &&
			 dev_report(b.dev, b.id).lost +
			 dev_report(b.dev, b.id).why[PIN_REVOKE_UNMAP] == LEN / PAGE,
			 e->name);
	r = dev_report(b.dev, b.id);
	CHECK_EQ(r.present, 0, e->name);
	CHECK_EQ(r.misuse, 0, e->name);
	CHECK_EQ(r.errors, 0, e->name);
	if (strcmp(path, "shmem") || e->why == PIN_REVOKE_UNMAP)
		CHECK_EQ(r.why[e->why], LEN / PAGE, e->name);
	close(b.dev);
	note("%s ends %s, %s: ok", e->name, path, kind);
}

static void end_all(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		if (endings[i].why == PIN_REVOKE_CLEAR && !strcmp(path, "anonymous"))
			continue;
		end_one(&endings[i], path, "quiet");
		end_one(&endings[i], path, "atomic");
	}
}

/* pf pin ends -: what ends pins of anonymous memory and shmem */
PIN_TEST(ends)
{
	(void)path;
	end_all("anonymous");
	end_all("shmem");
}

/* A private mapping of a DAX file, pinned to be read, and then written to. */
static void copy_on_write(const char *path)
{
	int dev = dev_open("cow", "quiet", PIN_DEVICE_IO, 0);
	int fd = xcreate(path, LEN);
	struct pf_report r;
	uint32_t id;
	char *map;

	write_pattern(fd, LEN, 4);
	map = xmmap(LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK_EQ(dev_try_pin(dev, PF_USER, (uintptr_t)map, LEN, 0, &id), 0,
		 "pin for reading");
	map[0] = 1;
	map[3 * PAGE] = 1;
	r = dev_report(dev, id);
	CHECK_EQ(r.why[PIN_REVOKE_CLEAR], 2, "pages that were copied on write");
	CHECK_EQ(r.present, LEN / PAGE - 2, "pages left");
	CHECK_EQ(dev_pfn(dev, id, 3), 0, "page that was copied");
	CHECK_EQ(dev_pfn(dev, id, 4), pfn_of(map + 4 * PAGE), "page beside it");
	dev_unpin(dev, id);
	close(dev);
	close(fd);
	munmap(map, LEN);
	note("copy on write: ok");
}

/* pf pin dax_ends FILE: the same for a DAX file, and copy on write */
PIN_TEST(dax_ends)
{
	end_all(path);
	copy_on_write(path);
	unlink(path);
}

/* pf pin limit -: pins count as locked memory, of a user without privileges */
PIN_TEST(limit)
{
	struct rlimit lim = { 16 * PAGE, 16 * PAGE };
	int dev = dev_open("limit", "quiet", PIN_DEVICE_IO, 0);
	char *map = xalloc(LEN);
	uint32_t a, b;

	(void)path;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &lim), "setrlimit");
	/* Root may pin more. */
	a = dev_pin(dev, map, 17 * PAGE);
	CHECK_EQ(pinned_pages(), 17, "pinned by root");
	dev_unpin(dev, a);
	CHECK(!setresuid(65534, 65534, 65534), "setresuid");
	CHECK_EQ(dev_try_pin(dev, PF_USER, (uintptr_t)map, 17 * PAGE, PF_WRITE,
			     NULL), -ENOMEM, "pin over the limit");
	CHECK_EQ(pinned_pages(), 0, "pinned after a refusal");
	a = dev_pin(dev, map, 10 * PAGE);
	CHECK_EQ(dev_try_pin(dev, PF_USER, (uintptr_t)map, 7 * PAGE, PF_WRITE,
			     NULL), -ENOMEM, "second pin over the limit");
	b = dev_pin(dev, map, 6 * PAGE);
	CHECK_EQ(pinned_pages(), 16, "pinned at the limit");
	dev_unpin(dev, a);
	CHECK_EQ(pinned_pages(), 6, "pinned after an unpin");
	a = dev_pin(dev, map + 20 * PAGE, 10 * PAGE);
	/* What was revoked still counts, until the pin ends. */
	munmap(map + 20 * PAGE, 10 * PAGE);
	CHECK_EQ(dev_report(dev, a).present, 0, "present after munmap");
	dev_unpin(dev, a);
	dev_unpin(dev, b);
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
	close(dev);
}
