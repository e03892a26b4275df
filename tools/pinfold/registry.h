/* SPDX-License-Identifier: GPL-2.0 */
/* The files of the pin registry in debugfs: lines of "key=value" pairs. */
#ifndef _PINFOLD_TOOL_REGISTRY_H
#define _PINFOLD_TOOL_REGISTRY_H

#include <stdio.h>

#include "util.h"

/**
 * struct registry_line - a line that was taken apart
 * @file: file it is from, for messages
 * @nr: its number, from 1
 * @text: what keys and values point into
 * @keys: keys
 * @values: their values
 * @count: number of pairs
 */
struct registry_line {
	const char *file;
	unsigned long nr;
	char *text;
	const char *keys[24];
	const char *values[24];
	int count;
};

int registry_read(const char *file,
		  int (*fn)(const struct registry_line *line, void *arg),
		  void *arg);
const char *registry_value(const struct registry_line *line, const char *key);
int registry_number(const struct registry_line *line, const char *key,
		    u64 *value);
int registry_garbled(const struct registry_line *line);

#endif /* _PINFOLD_TOOL_REGISTRY_H */
