// SPDX-License-Identifier: GPL-2.0
/*
 * pf failnth: does one thing at a time with the Nth allocation (or user copy) of
 * it made to fail, by /proc/<task>/fail-nth (Documentation/fault-injection in the
 * kernel's tree). Where the failing task is a kernel worker, all of them are told;
 * a stack filter sees to it that they count what is ours only.
 *
 * Reads lines "N COMMAND ARG...", N is 0 for no fault, and answers with
 * "fired|quiet CODE LOG": whether the Nth was reached; 0, an errno, or 1000 plus a
 * signal; and what the kernel's log says of a probe: "told", a reason ("not
 * attached: "), "mute", none though the driver core knows of a failure, or "none".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failnth.h"

#define MAX_WORDS	8
#define MAX_WORKERS	256
#define SIGNALLED	1000

struct workers {
	char name[MAX_WORKERS][64];
	int nr;
};

static int own_fd, log_fd;

static bool write_number(int fd, long n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", n);

	return pwrite(fd, text, len, 0) == len;
}

void nth_arm(long n)
{
	if (n && !write_number(own_fd, n))
		die("fail-nth");
}

/* The copies of reading and writing the number count, too. */
bool nth_disarm(long n)
{
	char text[24] = "";
	ssize_t len = pread(own_fd, text, sizeof(text) - 1, 0);
	bool fired = n && len > 0 && !strtol(text, NULL, 10);

	while (!write_number(own_fd, 0))
		;
	return fired;
}

static bool is_worker(const char *pid)
{
	char path[300], name[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return !strncmp(name, "kworker/u", strlen("kworker/u"));
}

static bool arm_worker(const char *path, long n)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && write_number(fd, n);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void arm_workers(struct workers *w, long n)
{
	struct dirent *entry;
	DIR *proc;

	w->nr = 0;
	if (!n)
		return;
	proc = opendir("/proc");
	if (!proc)
		die("/proc");
	while ((entry = readdir(proc)) && w->nr < MAX_WORKERS) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !is_worker(entry->d_name))
			continue;
		snprintf(w->name[w->nr], sizeof(w->name[0]),
			 "/proc/%.10s/task/%.10s/fail-nth", entry->d_name,
			 entry->d_name);
		if (arm_worker(w->name[w->nr], n))
			w->nr++;
	}
	closedir(proc);
	if (!w->nr)
		die("no kernel worker has a fail-nth");
}

/* A worker that ended meanwhile has done nothing of ours. */
static bool disarm_workers(struct workers *w)
{
	bool fired = false;
	char text[24];
	int i, fd;

	for (i = 0; i < w->nr; i++) {
		fd = open(w->name[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(text, 0, sizeof(text));
		if (read(fd, text, sizeof(text) - 1) > 0 &&
		    !strtol(text, NULL, 10))
			fired = true;
		write_number(fd, 0);
		close(fd);
	}
	return fired;
}

static void log_skip(void)
{
	char record[8192];

	while (read(log_fd, record, sizeof(record)) > 0 || errno == EPIPE)
		;
}

static const char *log_tells(void)
{
	bool told = false, failed = false;
	char record[8192];
	ssize_t len;

	while ((len = read(log_fd, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		record[len] = '\0';
		told |= !!strstr(record, "not attached: ");
		failed |= !!strstr(record, "nd_pinfold failed");
	}
	return told ? "told" : failed ? "mute" : "none";
}

static int do_write(long n, char **arg, bool *fired)
{
	int fd = xopen(arg[0], O_WRONLY), err = 0;
	size_t len = strlen(arg[1]);

	nth_arm(n);
	if (write(fd, arg[1], len) != (ssize_t)len)
		err = errno;
	*fired = nth_disarm(n);
	close(fd);
	return err;
}

static int do_load(long n, char **arg, bool *fired)
{
	int fd = xopen(arg[0], O_RDONLY), err = 0;
	struct stat st;
	char *image;

	if (fstat(fd, &st))
		die("%s", arg[0]);
	image = xalloc(st.st_size);
	xread(fd, image, st.st_size, 0);
	close(fd);
	nth_arm(n);
	if (syscall(SYS_init_module, image, st.st_size, ""))
		err = errno;
	*fired = nth_disarm(n);
	munmap(image, st.st_size);
	return err;
}

static int do_unload(long n, char **arg, bool *fired)
{
	int err = 0;

	nth_arm(n);
	if (syscall(SYS_delete_module, arg[0], O_NONBLOCK))
		err = errno;
	*fired = nth_disarm(n);
	return err;
}

int nth_ioctl(long n, int fd, unsigned long cmd, void *arg, bool *fired)
{
	int err = 0;

	nth_arm(n);
	if (ioctl(fd, cmd, arg))
		err = errno;
	*fired = nth_disarm(n);
	return err;
}

static int do_ioctl(long n, const char *path, unsigned long cmd, void *arg,
		    bool *fired)
{
	int fd = xopen(path, O_RDONLY);
	int err = nth_ioctl(n, fd, cmd, arg, fired);

	close(fd);
	return err;
}

static int do_prefault(long n, char **arg, bool *fired)
{
	struct pinfold_range range = {
		.offset = parse_size(arg[1]),
		.length = parse_size(arg[2]),
	};

	return do_ioctl(n, arg[0], PINFOLD_IOC_PREFAULT, &range, fired);
}

static int do_trim(long n, char **arg, bool *fired)
{
	struct pinfold_trim trim = { .flags = PINFOLD_TRIM_MAPPED };

	return do_ioctl(n, arg[0], PINFOLD_IOC_TRIM, &trim, fired);
}

/*
 * How many pages moved is not asked: those that did not are passed over. A place on
 * the media is retired once, so each time it is the next.
 */
static int do_move(long n, char **arg, bool *fired)
{
	static unsigned long retired;
	struct pinfold_move move = {
		.op = parse_size(arg[1]),
		.offset = parse_size(arg[2]),
		.length = parse_size(arg[3]),
	};

	if (move.op == PINFOLD_MOVE_RETIRE)
		move.offset += retired++ * move.length;

	return do_ioctl(n, arg[0], PINFOLD_IOC_MOVE, &move, fired);
}

static int touch(long n, char **arg, bool *fired, bool by_worker)
{
	int fd = xopen(arg[0], O_RDWR), sig;
	size_t offset = parse_size(arg[1]);
	static struct workers workers;
	char *map;

	map = xmmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (by_worker)
		arm_workers(&workers, n);
	else
		nth_arm(n);
	sig = probe_write(map, NULL);
	*fired = by_worker ? disarm_workers(&workers) : nth_disarm(n);
	munmap(map, PAGE);
	close(fd);
	return sig ? SIGNALLED + sig : 0;
}

static int do_touch(long n, char **arg, bool *fired)
{
	return touch(n, arg, fired, false);
}

static int do_wtouch(long n, char **arg, bool *fired)
{
	return touch(n, arg, fired, true);
}

static const struct {
	const char *name;
	int nr_args;
	int (*run)(long n, char **arg, bool *fired);
} verbs[] = {
	{ "write", 2, do_write },	/* FILE TEXT */
	{ "load", 1, do_load },		/* FILE */
	{ "unload", 1, do_unload },	/* MODULE */
	{ "prefault", 3, do_prefault },	/* DEVICE OFFSET LENGTH */
	{ "trim", 1, do_trim },		/* DEVICE */
	{ "move", 4, do_move },		/* DEVICE OP OFFSET LENGTH */
	{ "touch", 2, do_touch },	/* FILE OFFSET */
	{ "wtouch", 2, do_wtouch },	/* FILE OFFSET, faults in the workers */
	{ "dmload", 4, nth_dm_load },	/* NAME SECTORS TARGET PARAMETERS */
	{ "dmclear", 1, nth_dm_clear },	/* NAME */
	{ "dmresume", 1, nth_dm_resume },	/* NAME */
	{ "dmmessage", 2, nth_dm_message },	/* NAME MESSAGE */
	{ "export", 3, nth_export },	/* FILE LENGTH FLAGS */
	{ "import", 3, nth_import },	/* FILE LENGTH FLAGS */
	{ "follow", 5, nth_follow },	/* FILE LENGTH DEVICE OP OFFSET */
};

static void serve(char **word, int nr)
{
	bool fired = false;
	size_t i;
	int code;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (nr != verbs[i].nr_args + 2 ||
		    strcmp(word[1], verbs[i].name))
			continue;
		log_skip();
		code = verbs[i].run(strtol(word[0], NULL, 10), word + 2,
				    &fired);
		note("%s %d %s", fired ? "fired" : "quiet", code,
		     log_tells());
		return;
	}
	die("unknown command");
}

int pf_failnth(char **argv)
{
	char line[1024], *word[MAX_WORDS], *rest;
	int nr;

	(void)argv;
	own_fd = xopen("/proc/thread-self/fail-nth", O_RDWR);
	log_fd = xopen("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (lseek(log_fd, 0, SEEK_END) < 0)
		die("/dev/kmsg");
	while (fgets(line, sizeof(line), stdin)) {
		rest = line;
		for (nr = 0; nr < MAX_WORDS; nr++) {
			word[nr] = strtok_r(nr ? NULL : rest, "\n ", &rest);
			if (!word[nr])
				break;
		}
		serve(word, nr);
	}
	return 0;
}
