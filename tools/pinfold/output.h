/* SPDX-License-Identifier: GPL-2.0 */
/* JSON on stdout, as ndctl has it: plain numbers, or readable ones with -u. */
#ifndef _PINFOLD_TOOL_OUTPUT_H
#define _PINFOLD_TOOL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <linux/types.h>

/* Set by -u/--human: print sizes and times with units. */
extern bool human;

void put_string(struct json_object *object, const char *key, const char *value);
void put_count(struct json_object *object, const char *key, u64 value);
void put_size(struct json_object *object, const char *key, u64 value);
void put_time_ns(struct json_object *object, const char *key, u64 value);
void put_bool(struct json_object *object, const char *key, bool value);
void put_uuid(struct json_object *object, const char *key, const u8 *uuid);

int print_json(struct json_object *object);

#endif /* _PINFOLD_TOOL_OUTPUT_H */
