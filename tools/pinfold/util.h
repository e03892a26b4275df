/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every command needs: errors, sizes, sysfs, whole reads and writes.
 *
 * Convention of the tool: a function that can fail has told the user why and
 * returns -1, unless its comment says that it returns a negative errno.
 */
#ifndef _PINFOLD_TOOL_UTIL_H
#define _PINFOLD_TOOL_UTIL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* Exit codes, as ndctl and mount have them. */
enum { EXIT_OK = 0, EXIT_FAIL = 1, EXIT_USAGE = 2 };

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Longest name of a device or driver in sysfs that we handle. */
#define NAME_LEN	64

#define __printf(format, args) \
	__attribute__((__format__(printf, format, args)))
#define __noreturn		__attribute__((__noreturn__))
#define __aligned(bytes)	__attribute__((__aligned__(bytes)))

__printf(2, 3)
int fail(const char *thing, const char *fmt, ...);
__printf(2, 3)
void warn(const char *thing, const char *fmt, ...);
__printf(1, 2)
bool confirm(const char *fmt, ...);

bool has_privileges(void);
int require_privileges(const char *thing);

void copy_name(char *to, const char *from);
int parse_size(const char *text, u64 *size);
const char *format_size(u64 size, char *buf, size_t len);

int sysfs_read(const char *path, char *buf, size_t len);
int sysfs_read_u64(const char *path, u64 *value);
int sysfs_write(const char *path, const char *text);
bool sysfs_exists(const char *path);
int sysfs_first_entry(const char *dir, char *name, size_t len);

int read_full(int fd, void *buf, size_t len, u64 offset);
int write_full(int fd, const void *buf, size_t len, u64 offset);
int run_program(char *const argv[]);

#endif /* _PINFOLD_TOOL_UTIL_H */
