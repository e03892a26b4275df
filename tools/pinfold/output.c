// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "output.h"
#include "util.h"

bool human;

void put_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

void put_count(struct json_object *object, const char *key, u64 value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void put_size(struct json_object *object, const char *key, u64 value)
{
	char text[64];

	if (human)
		put_string(object, key, format_size(value, text, sizeof(text)));
	else
		put_count(object, key, value);
}

void put_time_ns(struct json_object *object, const char *key, u64 value)
{
	char text[64];

	if (!human) {
		put_count(object, key, value);
		return;
	}
	if (value < 1000000)
		snprintf(text, sizeof(text), "%.2f us", value / 1e3);
	else if (value < 1000000000)
		snprintf(text, sizeof(text), "%.2f ms", value / 1e6);
	else
		snprintf(text, sizeof(text), "%.2f s", value / 1e9);
	put_string(object, key, text);
}

void put_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void put_uuid(struct json_object *object, const char *key, const u8 *uuid)
{
	char text[UUID_STR_LEN];

	uuid_unparse(uuid, text);
	put_string(object, key, text);
}

/**
 * print_json() - print and free
 *
 * Return: 0, or -1 if the output did not arrive (a full disk, a closed pipe).
 */
int print_json(struct json_object *object)
{
	int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;

	printf("%s\n", json_object_to_json_string_ext(object, flags));
	json_object_put(object);
	if (fflush(stdout) || ferror(stdout))
		return fail("standard output", "%s", strerror(errno));
	return 0;
}
