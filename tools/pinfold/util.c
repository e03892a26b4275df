// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "util.h"

extern char **environ;

static void complain(const char *thing, const char *fmt, va_list args)
{
	/* What was printed so far belongs before the complaint. */
	fflush(stdout);
	fputs("pinfold: ", stderr);
	if (thing)
		fprintf(stderr, "%s: ", thing);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

/**
 * fail() - tell the user what went wrong: "pinfold: thing: cause; next step"
 * @thing: what it went wrong with, or NULL
 * @fmt: cause and next step
 *
 * Return: always -1, for "return fail(...)".
 */
int fail(const char *thing, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(thing, fmt, args);
	va_end(args);
	return -1;
}

void warn(const char *thing, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(thing, fmt, args);
	va_end(args);
}

/**
 * confirm() - ask before something that cannot be undone
 *
 * Without a terminal nobody can answer, so the answer is no.
 */
bool confirm(const char *fmt, ...)
{
	char answer[16];
	va_list args;

	if (!isatty(STDIN_FILENO)) {
		warn(NULL, "not confirmed: standard input is not a terminal; use --force to go on without asking");
		return false;
	}
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs(" [y/N] ", stderr);
	if (!fgets(answer, sizeof(answer), stdin) ||
	    (answer[0] != 'y' && answer[0] != 'Y')) {
		warn(NULL, "nothing was changed");
		return false;
	}
	return true;
}

bool has_privileges(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data))
		return geteuid() == 0;
	return data[0].effective & (1U << CAP_SYS_ADMIN);
}

int require_privileges(const char *thing)
{
	if (has_privileges())
		return 0;
	return fail(thing, "needs root (CAP_SYS_ADMIN); run it with sudo");
}

/* Into an array of NAME_LEN; sysfs has no longer names. */
void copy_name(char *to, const char *from)
{
	snprintf(to, NAME_LEN, "%s", from);
}

static int suffix_shift(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *letter;

	if (!*suffix)
		return 0;
	letter = strchr(letters, toupper((unsigned char)*suffix));
	if (!letter || (suffix[1] && strcmp(suffix + 1, "iB")))
		return -1;
	return 10 * (letter - letters + 1);
}

/**
 * parse_size() - read a size in bytes, or in K, M, G or T (powers of 1024)
 *
 * Nothing has a size that does not fit loff_t; the largest u64 stands for "not
 * given" in some places.
 *
 * Return: 0, or -1 without a message: the caller knows whose argument it is.
 */
int parse_size(const char *text, u64 *size)
{
	unsigned long long value;
	char *end;
	int shift;

	/* strtoull() takes signs and blanks; a size has none. */
	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoull(text, &end, 0);
	shift = suffix_shift(end);
	if (errno || shift < 0 || value > ((u64)LLONG_MAX >> shift))
		return -1;
	*size = value << shift;
	return 0;
}

/* As ndctl prints sizes with -u: binary unit first, decimal in brackets. */
const char *format_size(u64 size, char *buf, size_t len)
{
	static const char units[] = "KMGTP";
	double binary = size, decimal = size;
	int i = -1, j = -1;

	while (binary >= 1024 && units[i + 1]) {
		binary /= 1024;
		i++;
	}
	while (decimal >= 1000 && units[j + 1]) {
		decimal /= 1000;
		j++;
	}
	if (i < 0 || j < 0)
		snprintf(buf, len, "%llu", (unsigned long long)size);
	else
		snprintf(buf, len, "%.2f %ciB (%.2f %cB)", binary, units[i],
			 decimal, units[j]);
	return buf;
}

/**
 * sysfs_read() - read an attribute without its trailing newline
 *
 * Return: 0 or a negative errno, without a message.
 */
int sysfs_read(const char *path, char *buf, size_t len)
{
	ssize_t n;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

/* Return: 0 or a negative errno, without a message. */
int sysfs_read_u64(const char *path, u64 *value)
{
	char text[NAME_LEN], *end;
	int rc;

	rc = sysfs_read(path, text, sizeof(text));
	if (rc)
		return rc;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno || end == text || *end ? -EINVAL : 0;
}

/* Return: 0 or a negative errno, without a message. */
int sysfs_write(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		rc = -errno;
	close(fd);
	return rc;
}

bool sysfs_exists(const char *path)
{
	return !access(path, F_OK);
}

/* Return: 0 or -ENOENT, without a message. */
int sysfs_first_entry(const char *path, char *name, size_t len)
{
	struct dirent *entry;
	int rc = -ENOENT;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return -ENOENT;
	while (rc && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, len, "%s", entry->d_name) < (int)len)
			rc = 0;
	}
	closedir(dir);
	return rc;
}

/* Return: 0 or a negative errno, -EIO for an early end; without a message. */
int read_full(int fd, void *buf, size_t len, u64 offset)
{
	char *at = buf;

	while (len) {
		ssize_t n = pread(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		len -= n;
		offset += n;
	}
	return 0;
}

/* Return: 0 or a negative errno, without a message. */
int write_full(int fd, const void *buf, size_t len, u64 offset)
{
	const char *at = buf;

	while (len) {
		ssize_t n = pwrite(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		len -= n;
		offset += n;
	}
	return 0;
}

/* Return: the program's exit code, or a negative errno; without a message. */
int run_program(char *const argv[])
{
	int status, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc)
		return -rc;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
