// SPDX-License-Identifier: GPL-2.0
/*
 * pf disturb KIND ARG SECONDS SEED: what goes on in a machine while pages are
 * touched for the first time. Says how often it succeeded; status 77 if this
 * machine cannot do it, and failure if it never did.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pf.h"

#define SKIP		77
#define MAX_NAMES	64
#define MEMORY		"/sys/devices/system/memory"
#define CPUS		"/sys/devices/system/cpu"

/* An offline that does not end is interrupted after this. */
#define OFFLINE_SECONDS	3
#define MORE_SECONDS	60

/* What can be had at once, for all others: a block of memory may go. */
#define SPARE_KIB	(256 * KIB)
#define STREAM_LEN	(256 * MIB)
#define SPARSE_LEN	(4096 * MIB)
#define BURST		(32 * MIB)
#define MAX_INODES	8192

struct names {
	size_t nr;
	char name[MAX_NAMES][32];
};

static uint64_t state;
static unsigned long done, refused;

static uint64_t pick(uint64_t below)
{
	return rng(&state) % below;
}

static void nap(unsigned int max_ms)
{
	usleep(1000 * (1 + pick(max_ms)));
}

/* Success is counted, and so is a refusal. */
static bool tell(const char *path, const char *text)
{
	int fd = xopen(path, O_WRONLY);
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	if (ok)
		done++;
	else
		refused++;
	return ok;
}

static bool ask(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Entries of @dir with a name like @prefix0 whose @file says @word. */
static void find(struct names *names, const char *dir, const char *prefix,
		 const char *file, const char *word)
{
	DIR *d = opendir(dir);
	char path[512], text[256];
	struct dirent *e;

	names->nr = 0;
	while (d && names->nr < MAX_NAMES && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", dir, e->d_name, file);
		if (ask(path, text, sizeof(text)) && strstr(text, word))
			snprintf(names->name[names->nr++], 32, "%.31s",
				 e->d_name);
	}
	if (d)
		closedir(d);
}

/* One off and on again, with a pause; a few tries, lest it stay off. */
static void off_and_on(const char *dir, const char *name, const char *file,
		       const char *off, const char *on)
{
	char path[256];
	int i;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	alarm(OFFLINE_SECONDS);
	tell(path, off);
	alarm(0);
	nap(50);
	for (i = 0; i < 100 && !tell(path, on) && errno != EINVAL; i++)
		nap(100);
}

static struct names victims;

static int cpus_begin(const char *arg)
{
	(void)arg;
	find(&victims, CPUS, "cpu", "online", "1");
	return victims.nr ? 0 : SKIP;
}

static void cpus(const char *arg)
{
	(void)arg;
	off_and_on(CPUS, victims.name[pick(victims.nr)], "online", "0", "1");
	nap(50);
}

/* Blocks of ZONE_MOVABLE: what else there is may refuse for ever. */
static int memory_begin(const char *arg)
{
	(void)arg;
	find(&victims, MEMORY, "memory", "valid_zones", "Movable");
	return victims.nr ? 0 : SKIP;
}

static void memory(const char *arg)
{
	(void)arg;
	off_and_on(MEMORY, victims.name[pick(victims.nr)], "state", "offline",
		   "online_movable");
	nap(100);
}

/* ARG: a cgroup; whose tasks' policies are bound anew, and pages moved. */
static int cpuset_begin(const char *arg)
{
	char path[256], text[64];

	snprintf(path, sizeof(path), "%s/cpuset.mems", arg);
	if (access(path, W_OK))
		return SKIP;
	ask("/sys/devices/system/node/has_normal_memory", text, sizeof(text));
	return strpbrk(text, "-,") ? 0 : SKIP;
}

static void cpuset(const char *arg)
{
	static const char * const masks[] = { "0", "1", "0-1" };
	char path[256];

	snprintf(path, sizeof(path), "%s/cpuset.mems", arg);
	tell(path, masks[pick(ARRAY_SIZE(masks))]);
	nap(50);
}

/* ARG: a directory of the file system whose journal is committed. */
static void commit(const char *arg)
{
	int fd = xopen(arg, O_RDONLY | O_DIRECTORY);

	CHECK(!syncfs(fd), "syncfs %s", arg);
	close(fd);
	done++;
	nap(50);
}

static uint64_t meminfo_kib(const char *name)
{
	char text[4096], *at;

	CHECK(ask("/proc/meminfo", text, sizeof(text)), "meminfo");
	at = strstr(text, name);
	CHECK(at, "%s", name);
	return strtoull(at + strlen(name), NULL, 10);
}

static struct {
	char *anon, *stream, *sparse;
	size_t len, used;
} hog;

static char *file_in(const char *dir, const char *name, size_t len, bool sparse)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!sparse)
		return map_shared(xcreate(path, len), len);
	fd = xopen(path, O_RDWR | O_CREAT | O_TRUNC);
	CHECK(!ftruncate(fd, len), "%s", path);
	return map_shared(fd, len);
}

/* ARG: a directory on a disk, whose files go through the page cache. */
static int pressure_begin(const char *arg)
{
	hog.len = meminfo_kib("MemTotal:") * KIB;
	hog.anon = xmmap(hog.len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hog.stream = file_in(arg, "stream", STREAM_LEN, false);
	hog.sparse = file_in(arg, "sparse", SPARSE_LEN, true);
	return 0;
}

static void hog_more(size_t len)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		hog.anon[hog.used + i] = 1;
	hog.used += len;
}

static void hog_less(size_t len)
{
	len = len < hog.used ? len : hog.used;
	hog.used -= len;
	CHECK(!madvise(hog.anon + hog.used, len, MADV_DONTNEED), "madvise");
}

/* Reads holes: page cache without I/O, faster than kswapd follows. */
static void burst(void)
{
	size_t at = pick(SPARSE_LEN / BURST) * BURST, i;
	volatile char *page = hog.sparse + at;

	for (i = 0; i < BURST; i += PAGE)
		(void)page[i];
}

/*
 * Takes most of what is free for good, makes pages dirty that only writing back
 * gets rid of, and wants more than is left again and again, but only for what
 * reclaim can take away: there is no swap, and killing is not the point.
 */
static void pressure(const char *arg)
{
	uint64_t left_kib = meminfo_kib("MemAvailable:");
	size_t i, at, step = 4 * MIB;

	(void)arg;
	if (left_kib > SPARE_KIB && hog.used + SPARE_KIB * KIB < hog.len) {
		hog_more(step);
		return;
	}
	if (left_kib < SPARE_KIB * 3 / 4)
		hog_less(8 * step);
	at = pick(STREAM_LEN / step) * step;
	for (i = 0; i < step; i += PAGE)
		hog.stream[at + i]++;
	burst();
	done++;
	nap(100);
}

/* ARG: a directory to fill with files that nobody uses, for reclaim to evict. */
static void inodes(const char *arg)
{
	static unsigned long next;
	char path[256];
	int i, fd;

	for (i = 0; i < 64; i++, next++) {
		snprintf(path, sizeof(path), "%s/%lu", arg, next % MAX_INODES);
		if (next >= MAX_INODES)
			CHECK(!unlink(path), "%s", path);
		fd = xopen(path, O_CREAT | O_WRONLY);
		xwrite(fd, path, 64, 0);
		close(fd);
		done++;
	}
	nap(20);
}

static const struct disturbance {
	const char *kind;
	int (*begin)(const char *arg);
	void (*once)(const char *arg);
} disturbances[] = {
	{ "cpus", cpus_begin, cpus },
	{ "memory", memory_begin, memory },
	{ "cpuset", cpuset_begin, cpuset },
	{ "commit", NULL, commit },
	{ "pressure", pressure_begin, pressure },
	{ "inodes", NULL, inodes },
};

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * Who takes memory is whom the kernel kills when reclaim is not fast enough, and
 * nobody else. Another one goes on.
 */
static void expendable(time_t end)
{
	int status, fd;
	pid_t pid;

	while (time(NULL) < end) {
		pid = xfork();
		if (!pid) {
			fd = xopen("/proc/self/oom_score_adj", O_WRONLY);
			CHECK_EQ(write(fd, "1000", 4), 4, "oom_score_adj");
			close(fd);
			return;
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid, "waitpid");
		if (WIFEXITED(status))
			exit(WEXITSTATUS(status));
		CHECK_EQ(WTERMSIG(status), SIGKILL, "signal");
		note("disturb: killed for want of memory");
	}
	exit(0);
}

COMMAND(disturb)
{
	const struct disturbance *d = disturbances;
	struct sigaction sa = { .sa_handler = on_alarm };
	time_t end = time(NULL) + parse_size(argv[2]);
	int err;

	while (d < disturbances + ARRAY_SIZE(disturbances) &&
	       strcmp(d->kind, argv[0]))
		d++;
	CHECK(d < disturbances + ARRAY_SIZE(disturbances), "%s", argv[0]);
	state = strtoull(argv[3], NULL, 0);
	sigaction(SIGALRM, &sa, NULL);
	if (d->once == pressure)
		expendable(end);
	err = d->begin ? d->begin(argv[1]) : 0;
	if (err) {
		note("disturb %s: this machine cannot", d->kind);
		return err;
	}
	/* What was refused each time may work when others have ended. */
	while (time(NULL) < end || (!done && time(NULL) < end + MORE_SECONDS))
		d->once(argv[1]);
	note("disturb %s: %lu done, %lu refused", d->kind, done, refused);
	return done ? 0 : 1;
}
