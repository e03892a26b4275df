// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "registry.h"

/* Another place for debugfs, or for captured files. */
static const char *debugfs(void)
{
	const char *dir = getenv("PINFOLD_DEBUGFS");

	return dir && *dir ? dir : "/sys/kernel/debug";
}

static int explain(const char *path, int err)
{
	struct statfs fs;

	if (err == EACCES || (err == EPERM && !has_privileges()))
		return fail(path, "needs root; run it with sudo");
	if (err == EPERM)
		return fail(path, "%s; the kernel is locked down, see kernel_lockdown(7)",
			    strerror(err));
	if (err != ENOENT && err != ENOTDIR)
		return fail(path, "%s", strerror(err));
	if (statfs(debugfs(), &fs) || fs.f_type != DEBUGFS_MAGIC)
		return fail(debugfs(), "debugfs is not mounted here; 'mount -t debugfs none %s' does it",
			    debugfs());
	return fail(path, "the pin registry is not loaded; 'modprobe pin_registry' loads it");
}

/* Blanks and backslashes come as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*to++ = (text[1] - '0') * 64 + (text[2] - '0') * 8 +
				text[3] - '0';
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Return: false if there is anything but pairs. */
static bool take_apart(struct registry_line *line)
{
	char *save, *word, *value;

	line->count = 0;
	line->text[strcspn(line->text, "\n")] = '\0';
	for (word = strtok_r(line->text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		value = strchr(word, '=');
		if (!value || line->count == ARRAY_SIZE(line->keys))
			return false;
		*value++ = '\0';
		unescape(value);
		line->keys[line->count] = word;
		line->values[line->count++] = value;
	}
	return line->count;
}

/* The module is of another version than the tool, or this is no such file. */
int registry_garbled(const struct registry_line *line)
{
	return fail(line->file, "line %lu is not understood; 'pinfold version' and 'modinfo pin_registry' show whether tool and module belong together",
		    line->nr);
}

/* Return: the value of a key, or NULL without a message. */
const char *registry_value(const struct registry_line *line, const char *key)
{
	int i;

	for (i = 0; i < line->count; i++)
		if (!strcmp(line->keys[i], key))
			return line->values[i];
	return NULL;
}

int registry_number(const struct registry_line *line, const char *key,
		    u64 *value)
{
	const char *text = registry_value(line, key);
	char *end;

	if (!text || !isdigit((unsigned char)*text))
		return registry_garbled(line);
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno || *end ? registry_garbled(line) : 0;
}

/**
 * registry_read() - go through a file of the registry
 * @file: its name
 * @fn: called for each line; anything but 0 ends it
 * @arg: for @fn
 *
 * Return: 0, what @fn returned, or -1.
 */
int registry_read(const char *file,
		  int (*fn)(const struct registry_line *line, void *arg),
		  void *arg)
{
	struct registry_line line = {};
	char path[PATH_MAX];
	size_t room = 0;
	int rc = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/pin_registry/%s", debugfs(), file);
	f = fopen(path, "re");
	if (!f)
		return explain(path, errno);
	line.file = path;
	errno = 0;
	while (!rc && getline(&line.text, &room, f) >= 0) {
		line.nr++;
		rc = take_apart(&line) ? fn(&line, arg) :
		     registry_garbled(&line);
		errno = 0;
	}
	if (!rc && ferror(f))
		rc = fail(path, "%s", strerror(errno));
	free(line.text);
	fclose(f);
	return rc;
}
