// SPDX-License-Identifier: GPL-2.0
/* The commands that move pages: to the spare area, back home, or off some media. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/align.h>
#include <linux/pinfold_media.h>

#include "command.h"
#include "mover.h"
#include "output.h"

#define NOT_GIVEN	(~0ULL)

/**
 * struct request - the command line
 * @offset: --offset, or NOT_GIVEN
 * @length: --length, or NOT_GIVEN
 * @physical: --physical, or NOT_GIVEN
 * @mover: gets the rest of it
 */
struct request {
	u64 offset;
	u64 length;
	u64 physical;
	struct mover mover;
};

static void put_attribute(struct json_object *object, const struct ns *ns,
			  const char *name)
{
	u64 value;

	if (!ns_read_u64(ns, "pinfold_media", name, &value))
		put_count(object, name, value);
}

static void put_failure(struct json_object *object, const struct mover *mover)
{
	struct json_object *failure = json_object_new_object();

	put_count(failure, "offset", mover->fail_offset);
	put_string(failure, "error", strerror(mover->fail_error));
	if (*mover->blocker)
		put_string(failure, "blocker", mover->blocker);
	json_object_object_add(object, "first_failure", failure);
}

/* Runs of the sectors that are lost, of the first page that lost some. */
static void put_lost(struct json_object *object, const struct mover *mover)
{
	struct json_object *list = json_object_new_array();
	unsigned int first, end;

	for (first = 0; mover->lost_sectors >> first; first = end + 1) {
		struct json_object *range = json_object_new_object();

		for (end = first; mover->lost_sectors >> end & 1; end++)
			;
		if (end == first) {
			json_object_put(range);
			continue;
		}
		put_count(range, "offset", mover->lost_offset +
			  first * PINFOLD_LOST_UNIT);
		put_count(range, "length", (end - first) * PINFOLD_LOST_UNIT);
		json_object_array_add(list, range);
	}
	json_object_object_add(object, "first_lost", list);
}

static int report(const struct mover *mover, const char *file)
{
	int rc;

	struct json_object *object = json_object_new_object();

	if (file)
		put_string(object, "file", file);
	put_string(object, "dev", mover->ns->name);
	put_string(object, "blockdev", mover->ns->disk);
	put_size(object, "moved", mover->progress.result);
	put_size(object, "failed", mover->failed * PINFOLD_PAGE_SIZE);
	if (mover->failed)
		put_failure(object, mover);
	put_count(object, "pages_with_losses", mover->lost);
	if (mover->lost)
		put_lost(object, mover);
	put_attribute(object, mover->ns, "remapped");
	put_attribute(object, mover->ns, "retired");
	put_attribute(object, mover->ns, "spare_free");
	if (print_json(object))
		return -1;
	rc = mover_report_lost(mover);
	return mover_report_failed(mover) ? -1 : rc;
}

/* Whole pages that the range touches. */
static void grow(struct range *range)
{
	u64 start = ALIGN_DOWN(range->offset, (u64)PINFOLD_PAGE_SIZE);

	range->length = ALIGN(range->offset + range->length,
			      (u64)PINFOLD_PAGE_SIZE) - start;
	range->offset = start;
}

static int move_extents(struct mover *mover, const struct ns *ns,
			const char *file, const struct extents *extents)
{
	mover->ns = ns;
	mover->progress.thing = file ? file : ns->name;
	catch_interrupt();
	if (mover_run(mover, extents))
		return -1;
	return report(mover, file);
}

/* One range of the namespace, in @mover, already clipped. */
static int move_range(struct mover *mover, const struct ns *ns)
{
	struct extents extents = { .unit = PINFOLD_PAGE_SIZE };
	struct range *range = &mover->range;
	int rc;

	grow(range);
	rc = extents_add(&extents, range->offset,
			 range->offset + range->length, range->offset);
	if (!rc)
		rc = move_extents(mover, ns, NULL, &extents);
	extents_free(&extents);
	return rc;
}

static int move_disk(struct mover *mover, const char *name)
{
	struct ns ns;

	if (target_find_ns(name, &ns) || target_clip_ns(&ns, &mover->range))
		return -1;
	return move_range(mover, &ns);
}

static int move_placed(struct mover *mover, int fd, const char *path,
		       const char *disk, u64 disk_start)
{
	struct extents extents = { .unit = PINFOLD_PAGE_SIZE };
	struct range *range = &mover->range;
	struct ns ns;
	int rc;

	if (require_privileges(path) || ns_find(disk, &ns))
		return -1;
	grow(range);
	rc = extents_of_file(fd, path, range->offset, range->length, disk_start,
			     &extents);
	if (!rc)
		rc = move_extents(mover, &ns, path, &extents);
	extents_free(&extents);
	return rc;
}

static int move_file(struct mover *mover, const char *path)
{
	int fd = target_open_file(path, &mover->range), rc;
	char disk[NAME_LEN];
	u64 start;

	if (fd < 0)
		return -1;
	switch (extents_place(fd, disk, &start)) {
	case PLACED_DIRECT:
		rc = move_placed(mover, fd, path, disk, start);
		break;
	case PLACED_INDIRECT:
		rc = fail(path, "another block device is between it and pinfold, whose pages cannot be asked for; only file systems on a namespace or its partitions can");
		break;
	default:
		rc = target_elsewhere(path);
	}
	close(fd);
	return rc;
}

static int media_number(const struct ns *ns, const char *name, u64 *value)
{
	if (!ns_read_u64(ns, "pinfold_media", name, value))
		return 0;
	return fail(ns->name, "the loaded driver does not tell its %s; 'pinfold version' shows the driver",
		    name);
}

/* From the start of the data to the end of the spare area. */
static int media_size(const struct ns *ns, u64 *size)
{
	u64 data, spare, spare_size;

	if (media_number(ns, "spare_size", &spare_size))
		return -1;
	/* The driver refuses it, and explains. */
	if (!spare_size)
		return ns_disk_size(ns, size);
	if (media_number(ns, "data_offset", &data) ||
	    media_number(ns, "spare_offset", &spare))
		return -1;
	*size = spare + spare_size - data;
	return 0;
}

/* A physical address, as the kernel's log has it, to an offset of the media. */
static int from_physical(const struct ns *ns, u64 address, u64 *offset)
{
	u64 data, size;

	if (!ns->ctx.phys_known)
		return fail(ns->name, "its physical address is hidden; give --offset instead");
	if (media_number(ns, "data_offset", &data) || media_size(ns, &size))
		return -1;
	data += ns->ctx.phys_base;
	if (address < data || address - data >= size)
		return fail(ns->name, "address 0x%llx is not in its data or spare area, which are at 0x%llx to 0x%llx",
			    address, data, data + size - 1);
	*offset = address - data;
	return 0;
}

static int move_media(struct request *request, const char *name)
{
	struct range *range = &request->mover.range;
	struct ns ns;
	u64 size;

	if (target_find_ns(name, &ns) || media_size(&ns, &size))
		return -1;
	if (request->physical != NOT_GIVEN &&
	    from_physical(&ns, request->physical, &range->offset))
		return -1;
	if (target_clip(ns.name, range, size))
		return -1;
	return move_range(&request->mover, &ns);
}

#define OPTION_OFFSET(request)	{ "offset", 'o', OPTION_SIZE, \
				  &(request)->offset, "SIZE", \
				  "where to begin" }
#define OPTION_LENGTH(request)	{ "length", 'l', OPTION_SIZE, \
				  &(request)->length, "SIZE", "how much" }
#define OPTION_RATE(request)	{ "rate", 'r', OPTION_SIZE, \
				  &(request)->mover.rate, "SIZE", \
				  "move no more than that in a second" }

static void init_request(struct request *request, const struct command *cmd,
			 unsigned int op)
{
	memset(request, 0, sizeof(*request));
	request->offset = NOT_GIVEN;
	request->length = NOT_GIVEN;
	request->physical = NOT_GIVEN;
	request->mover.op = op;
	request->mover.command = cmd->name;
}

/* Of a file or the disk: all of it, unless the options say less. */
static int run_on_pages(const struct command *cmd, int argc, char **argv,
			unsigned int op)
{
	struct request request;
	const struct option_def options[] = {
		OPTION_OFFSET(&request),
		OPTION_LENGTH(&request),
		OPTION_RATE(&request),
		OPTION_HUMAN,
		OPTION_END,
	};
	struct mover *mover = &request.mover;
	int rc;

	init_request(&request, cmd, op);
	argv = parse_options(cmd, argc, argv, options);
	mover->range.length = request.length;
	if (request.offset != NOT_GIVEN)
		mover->range.offset = request.offset;
	if (target_is_ns(argv[0]))
		rc = move_disk(mover, argv[0]);
	else
		rc = move_file(mover, argv[0]);
	return rc ? EXIT_FAIL : EXIT_OK;
}

/* Of the media: never more than was asked for. */
static int run_on_media(const struct command *cmd, int argc, char **argv,
			unsigned int op)
{
	struct request request;
	const struct option_def options[] = {
		OPTION_OFFSET(&request),
		OPTION_LENGTH(&request),
		{ "physical", 'p', OPTION_SIZE, &request.physical, "ADDRESS",
		  "where to begin, as the kernel's log has it" },
		OPTION_RATE(&request),
		OPTION_HUMAN,
		OPTION_END,
	};
	bool by_offset, by_physical;

	init_request(&request, cmd, op);
	argv = parse_options(cmd, argc, argv, options);
	by_offset = request.offset != NOT_GIVEN;
	by_physical = request.physical != NOT_GIVEN;
	if (by_offset == by_physical)
		usage_error(cmd, "needs either --offset or --physical");
	/* The page around it. */
	if (request.length == NOT_GIVEN)
		request.length = 1;
	request.mover.range.offset = request.offset;
	request.mover.range.length = request.length;
	return move_media(&request, argv[0]) ? EXIT_FAIL : EXIT_OK;
}

int cmd_relocate(const struct command *cmd, int argc, char **argv)
{
	return run_on_pages(cmd, argc, argv, PINFOLD_MOVE_RELOCATE);
}

int cmd_restore(const struct command *cmd, int argc, char **argv)
{
	return run_on_pages(cmd, argc, argv, PINFOLD_MOVE_RESTORE);
}

int cmd_evacuate(const struct command *cmd, int argc, char **argv)
{
	return run_on_media(cmd, argc, argv, PINFOLD_MOVE_EVACUATE);
}

int cmd_retire(const struct command *cmd, int argc, char **argv)
{
	return run_on_media(cmd, argc, argv, PINFOLD_MOVE_RETIRE);
}
