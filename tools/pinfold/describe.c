// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "describe.h"

static bool is_zero_uuid(const u8 *uuid)
{
	static const u8 zero[PINFOLD_UUID_SIZE];

	return !memcmp(uuid, zero, sizeof(zero));
}

static void put_version(struct json_object *object,
			const struct pinfold_info *info)
{
	char text[16];

	snprintf(text, sizeof(text), "%u.%u", info->version_major,
		 info->version_minor);
	put_string(object, "version", text);
}

static void put_features(struct json_object *object,
			 const struct pinfold_info *info)
{
	put_count(object, "compat", info->compat);
	put_count(object, "ro_compat", info->ro_compat);
	put_count(object, "incompat", info->incompat);
}

static void put_layout(struct json_object *object,
		       const struct pinfold_geometry *geo)
{
	put_count(object, "data_offset", geo->data_offset);
	if (!geo->spare_size)
		return;
	put_count(object, "spare_offset", geo->spare_offset);
	put_count(object, "table0_offset", geo->table_offset[0]);
	put_count(object, "table1_offset", geo->table_offset[1]);
	put_size(object, "table_size", geo->table_size);
}

/* What an intact info block says. */
void describe_info(struct json_object *object, const struct pinfold_info *info,
		   bool verbose)
{
	put_uuid(object, "uuid", info->uuid);
	put_version(object, info);
	put_size(object, "data_size", info->geo.data_size);
	put_size(object, "spare_size", info->geo.spare_size);
	if (!verbose)
		return;
	put_count(object, "seq", info->seq);
	if (!is_zero_uuid(info->parent_uuid))
		put_uuid(object, "parent_uuid", info->parent_uuid);
	put_size(object, "ns_size", info->geo.ns_size);
	put_layout(object, &info->geo);
	put_features(object, info);
}

enum attribute_kind { ATTR_TEXT, ATTR_COUNT, ATTR_SIZE };

struct attribute {
	const char *name;
	enum attribute_kind kind;
	bool verbose;
};

static void put_attribute(struct json_object *object, const struct ns *ns,
			  const char *group, const struct attribute *attr)
{
	char path[PATH_MAX], text[256];
	u64 value;

	if (ns_attribute(ns, group, attr->name, path))
		return;
	if (attr->kind == ATTR_TEXT) {
		if (!sysfs_read(path, text, sizeof(text)))
			put_string(object, attr->name, text);
		return;
	}
	if (sysfs_read_u64(path, &value))
		return;
	if (attr->kind == ATTR_SIZE)
		put_size(object, attr->name, value);
	else
		put_count(object, attr->name, value);
}

/* What the driver tells about the media while it has it. */
static void describe_media_attributes(struct json_object *object,
				      const struct ns *ns, bool verbose)
{
	static const struct attribute attrs[] = {
		{ "uuid", ATTR_TEXT, false },
		{ "version", ATTR_TEXT, false },
		{ "spare_size", ATTR_SIZE, false },
		{ "seq", ATTR_COUNT, true },
		{ "info_copies", ATTR_COUNT, true },
		{ "data_offset", ATTR_COUNT, true },
		{ "spare_offset", ATTR_COUNT, true },
		{ "remapped", ATTR_COUNT, true },
		{ "retired", ATTR_COUNT, true },
		{ "spare_free", ATTR_COUNT, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		if (verbose || !attrs[i].verbose)
			put_attribute(object, ns, "pinfold_media", &attrs[i]);
}

static void describe_attached(struct json_object *object, const struct ns *ns,
			      bool verbose)
{
	static const struct attribute populated = {
		"populated_bytes", ATTR_SIZE, false
	};
	char path[PATH_MAX];
	u64 value;

	put_string(object, "state", "attached");
	if (!ns_disk_size(ns, &value))
		put_size(object, "data_size", value);
	describe_media_attributes(object, ns, verbose);
	put_attribute(object, ns, "pinfold", &populated);
	if (!ns_attribute(ns, "pinfold_media", "info_copies", path) &&
	    !sysfs_read_u64(path, &value) && value < PINFOLD_INFO_COPIES)
		put_string(object, "health", "one info block is damaged");
}

/* nd_pmem has it: look at the media, which changes nothing. */
static bool describe_raw(struct json_object *object, const struct ns *ns,
			 bool verbose)
{
	static struct media_info info;
	struct media media;
	int rc;

	rc = media_peek_ns(&media, ns);
	if (rc) {
		put_string(object, "state", "raw");
		put_string(object, "health", strerror(-rc));
		return false;
	}
	media_read_info(&media, &info);
	media_close(&media);
	if (info.choice == PINFOLD_NOT_OURS ||
	    info.choice == PINFOLD_ILLEGIBLE) {
		put_string(object, "state", "raw");
		if (info.choice == PINFOLD_ILLEGIBLE)
			put_string(object, "health",
				   pinfold_choice_string(info.choice));
		return false;
	}
	put_string(object, "state", "detached");
	if (media_chosen(&info))
		describe_info(object, media_chosen(&info), verbose);
	if (!media_copies_agree(&info))
		put_string(object, "health", info.choice == PINFOLD_USE ?
			   "one info block is damaged" :
			   pinfold_choice_string(info.choice));
	return true;
}

/**
 * describe_ns() - a namespace as JSON
 * @ours: whether it is, or while it is disabled may be, a pinfold namespace
 */
struct json_object *describe_ns(const struct ns *ns, bool verbose, bool *ours)
{
	struct json_object *object = json_object_new_object();

	put_string(object, "dev", ns->name);
	put_size(object, "size", ns->ctx.ns_size);
	if (*ns->disk)
		put_string(object, "blockdev", ns->disk);
	*ours = true;
	if (ns_attached(ns)) {
		describe_attached(object, ns, verbose);
	} else if (*ns->claim) {
		put_string(object, "state", "claimed");
		put_string(object, "claim", ns->claim);
		*ours = false;
	} else if (*ns->disk) {
		*ours = describe_raw(object, ns, verbose);
	} else {
		put_string(object, "state", "disabled");
	}
	return object;
}

int print_ns(const struct ns *ns)
{
	bool ours;

	return print_json(describe_ns(ns, false, &ours));
}
