// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "registry.h"

#define PAGE_SIZE	4096

/* As mm/pinner.c of the registry names them. */
static const char * const classes[] = {
	"mlock", "reclaim", "device-io", "low-latency", "migration", "perf",
	"cross-system",
};

/**
 * struct filter - which pins are shown
 * @by_page: those on page @page
 * @page: pfn
 * @pinner: of this pinner, or NULL
 * @class: of this class, or NULL
 * @min_age_us: pinned for longer than this
 */
struct filter {
	bool by_page;
	u64 page;
	const char *pinner;
	const char *class;
	u64 min_age_us;
};

/**
 * struct listing - what is being made of the lines of a file
 * @filter: what to take
 * @array: the result
 */
struct listing {
	struct filter filter;
	struct json_object *array;
};

/* "10", "10s", "1.5 s" is none: a number and at most one unit. */
static int parse_time(const char *text, u64 *us)
{
	static const struct {
		const char *suffix;
		u64 us;
	} units[] = {
		{ "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "", 1000000 },
		{ "m", 60000000 }, { "h", 3600000000ULL },
		{ "d", 86400000000ULL },
	};
	unsigned long long value;
	char *end;
	size_t i;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].suffix, end))
			continue;
		if (errno || value > LLONG_MAX / units[i].us)
			return -1;
		*us = value * units[i].us;
		return 0;
	}
	return -1;
}

static int parse_pfn(const char *text, u64 *pfn)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*pfn = strtoull(text, &end, 0);
	return errno || *end ? -1 : 0;
}

static bool known_class(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i], name))
			return true;
	return false;
}

static bool same(const char *wanted, const char *value)
{
	return !wanted || (value && !strcmp(wanted, value));
}

/* What of a line is the same in both files. Return: false if it is filtered out. */
static bool by_whom(const struct registry_line *line, const struct filter *f)
{
	return same(f->pinner, registry_value(line, "pinner")) &&
	       same(f->class, registry_value(line, "class"));
}

static void put_pfn(struct json_object *object, u64 pfn)
{
	char text[32];

	if (!human) {
		put_count(object, "pfn", pfn);
		return;
	}
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)pfn);
	put_string(object, "pfn", text);
}

static void put_value(struct json_object *object,
		      const struct registry_line *line, const char *key)
{
	const char *value = registry_value(line, key);

	if (value)
		put_string(object, key, value);
}

static int add_pin(const struct registry_line *line, void *arg)
{
	u64 pfn, first, nr, total, write, age_us, pid;
	struct listing *list = arg;
	struct filter *f = &list->filter;
	struct json_object *object;

	if (registry_number(line, "pfn", &pfn) ||
	    registry_number(line, "first", &first) ||
	    registry_number(line, "nr", &nr) ||
	    registry_number(line, "total", &total) ||
	    registry_number(line, "write", &write) ||
	    registry_number(line, "age_us", &age_us) ||
	    registry_number(line, "pid", &pid))
		return -1;
	if (!by_whom(line, f) || age_us < f->min_age_us ||
	    (f->by_page && (f->page < pfn || f->page - pfn >= nr)))
		return 0;
	object = json_object_new_object();
	put_value(object, line, "pin");
	put_value(object, line, "pinner");
	put_value(object, line, "class");
	put_value(object, line, "kind");
	put_value(object, line, "why");
	put_pfn(object, pfn);
	put_size(object, "size", nr * PAGE_SIZE);
	put_count(object, "first_page", first);
	put_count(object, "pages", nr);
	put_count(object, "total_pages", total);
	put_bool(object, "write", write);
	put_time_ns(object, "age_ns", age_us * 1000);
	put_count(object, "pid", pid);
	json_object_array_add(list->array, object);
	return 0;
}

/* "<1:5,<1024:2,": five pins lived for less than 1 us, two for less than 1024. */
static int put_ages(struct json_object *object, const struct registry_line *line)
{
	const char *text = registry_value(line, "age_us");
	struct json_object *array = json_object_new_array();

	json_object_object_add(object, "ended", array);
	while (text && *text) {
		struct json_object *bar = json_object_new_object();
		unsigned long long below, pins;
		int len = 0;

		json_object_array_add(array, bar);
		if (sscanf(text, "<%llu:%llu,%n", &below, &pins, &len) != 2 ||
		    !len)
			return registry_garbled(line);
		put_time_ns(bar, "below_ns", below * 1000);
		put_count(bar, "pins", pins);
		text += len;
	}
	return text ? 0 : registry_garbled(line);
}

/* Summed up while pins come and go, it may be off by a few: below 0, too. */
static int put_counter(struct json_object *object,
		       const struct registry_line *line, const char *key)
{
	const char *text = registry_value(line, key);
	u64 value = 0;

	if ((!text || *text != '-') && registry_number(line, key, &value))
		return -1;
	put_count(object, key, value);
	return 0;
}

static int add_pinner(const struct registry_line *line, void *arg)
{
	static const char * const counters[] = {
		"pins", "pages", "moves", "refused", "timeouts", "revoked",
	};
	struct json_object *object;
	struct listing *list = arg;
	size_t i;

	if (!by_whom(line, &list->filter))
		return 0;
	object = json_object_new_object();
	json_object_array_add(list->array, object);
	put_value(object, line, "pinner");
	put_value(object, line, "class");
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (put_counter(object, line, counters[i]))
			return -1;
	return put_ages(object, line);
}

static int show(struct listing *list, bool statistics)
{
	int rc;

	list->array = json_object_new_array();
	rc = statistics ? registry_read("statistics", add_pinner, list) :
			  registry_read("pins", add_pin, list);
	if (!rc)
		return print_json(list->array);
	json_object_put(list->array);
	return rc;
}

int cmd_pins(const struct command *cmd, int argc, char **argv)
{
	const char *page = NULL, *longer = NULL;
	struct listing list = {};
	struct filter *f = &list.filter;
	bool statistics = false;
	const struct option_def options[] = {
		{ "page", 'P', OPTION_STRING, &page, "PFN",
		  "pins of this page only" },
		{ "pinner", 'p', OPTION_STRING, &f->pinner, "NAME",
		  "pins of this pinner only" },
		{ "class", 'c', OPTION_STRING, &f->class, "CLASS",
		  "pins of this class only" },
		{ "longer-than", 'l', OPTION_STRING, &longer, "TIME",
		  "pins that old only: 500ms, 10s, 2h" },
		{ "statistics", 's', OPTION_FLAG, &statistics, NULL,
		  "counters of each pinner instead" },
		OPTION_HUMAN,
		OPTION_END,
	};

	parse_options(cmd, argc, argv, options);
	if (page && parse_pfn(page, &f->page))
		usage_error(cmd, "--page %s: not a page frame number such as 4096 or 0x1000",
			    page);
	if (longer && parse_time(longer, &f->min_age_us))
		usage_error(cmd, "--longer-than %s: not a time such as 100us, 500ms, 10s, 5m, 2h or 1d",
			    longer);
	if (f->class && !known_class(f->class))
		usage_error(cmd, "--class %s: not one of mlock, reclaim, device-io, low-latency, migration, perf, cross-system",
			    f->class);
	if (statistics && (page || longer))
		usage_error(cmd, "--statistics: goes with --pinner and --class only");
	f->by_page = page;
	return show(&list, statistics) ? EXIT_FAIL : EXIT_OK;
}
