// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "command.h"
#include "describe.h"
#include "driver.h"
#include "signature.h"

/**
 * struct create - how
 * @spare_size: size of the spare area, PINFOLD_SPARE_DEFAULT if not given
 * @force: do not ask
 * @no_attach: leave the namespace bound as it was
 */
struct create {
	u64 spare_size;
	bool force;
	bool no_attach;
};

static int plan(const struct media *media, const struct create *create,
		struct pinfold_geometry *geo)
{
	char size[64];
	int rc;

	rc = pinfold_geometry_plan(media->ctx.ns_size, media->ctx.phys_base,
				   create->spare_size, geo);
	if (!rc)
		return 0;
	format_size(media->ctx.ns_size, size, sizeof(size));
	if (rc == -ENOSPC)
		return fail(media->name, "%s is too small; the metadata, the spare area and 2 MiB of data have to fit, and it must have at least 16 MiB: see --spare",
			    size);
	return fail(media->name, "no layout for %s at physical address %#llx; 'ndctl create-namespace' makes an aligned namespace",
		    size, media->ctx.phys_base);
}

static int ask(const struct media *media, const struct create *create)
{
	static struct media_info info;
	char found[256];

	if (create->force)
		return 0;
	media_read_info(media, &info);
	if (signature_describe(media, &info, found, sizeof(found)))
		return -1;
	if (!*found)
		return 0;
	warn(media->name, "found on it: %s", found);
	return confirm("Destroy what is on %s?", media->name) ? 0 : -1;
}

/*
 * Copy 0 is the claim to the media: it goes first and comes last, so that an
 * interruption anywhere leaves media that nobody takes for a pinfold namespace.
 */
static int write_media(const struct media *media,
		       const struct pinfold_info *info)
{
	static struct pinfold_info_block block;
	static struct media_info back;

	pinfold_info_prepare(&block, info);
	if (media_zero_copy(media, 0) ||
	    media_zero(media, 0, info->geo.data_offset) ||
	    signature_wipe(media) ||
	    media_write_copy(media, &block, 1) ||
	    media_write_copy(media, &block, 0))
		return -1;
	media_read_info(media, &back);
	if (media_copies_agree(&back))
		return 0;
	return fail(media->name, "what was written does not verify: %s, %s; the media is bad",
		    pinfold_verdict_string(back.copies[0].verdict),
		    pinfold_verdict_string(back.copies[1].verdict));
}

static int format_media(const struct media *media, const struct create *create,
			struct pinfold_info *info)
{
	memset(info, 0, sizeof(*info));
	if (plan(media, create, &info->geo) || ask(media, create))
		return -1;
	info->version_major = PINFOLD_VERSION_MAJOR;
	info->version_minor = PINFOLD_VERSION_MINOR;
	info->seq = 1;
	uuid_generate(info->uuid);
	memcpy(info->parent_uuid, media->ctx.parent_uuid, PINFOLD_UUID_SIZE);
	return write_media(media, info);
}

static int create_image(const char *path, const struct create *create)
{
	struct pinfold_info info;
	struct json_object *object;
	struct media media;
	int rc;

	if (media_open_image(&media, path, O_RDWR))
		return -1;
	rc = format_media(&media, create, &info);
	media_close(&media);
	if (rc)
		return rc;
	object = json_object_new_object();
	put_string(object, "file", path);
	put_size(object, "size", media.ctx.ns_size);
	describe_info(object, &info, false);
	return print_json(object);
}

static int format_ns(struct ns *ns, const struct create *create)
{
	struct pinfold_info info;
	struct media media;
	int rc;

	if (driver_bind_raw(ns))
		return -1;
	if (!ns->ctx.phys_known)
		return fail(ns->name, "its physical address is unknown; run it as root");
	if (media_open_ns(&media, ns, O_RDWR))
		return -1;
	rc = format_media(&media, create, &info);
	media_close(&media);
	return rc;
}

static int create_ns(const char *name, const struct create *create)
{
	struct binding before;
	struct ns ns;

	if (require_privileges(name) || ns_find(name, &ns) ||
	    ns_require_raw(&ns))
		return -1;
	if (ns_attached(&ns))
		return fail(ns.name, "is an attached pinfold namespace already; 'pinfold destroy %s' removes it first",
			    ns.name);
	binding_save(&ns, &before);
	if (format_ns(&ns, create)) {
		binding_restore(&ns, &before);
		return -1;
	}
	if (create->no_attach) {
		if (binding_restore(&ns, &before))
			return -1;
	} else if (driver_bind_pinfold(&ns, NULL)) {
		return -1;
	}
	return print_ns(&ns);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !ns_is_name(path) && !stat(path, &st) && S_ISREG(st.st_mode);
}

int cmd_create(const struct command *cmd, int argc, char **argv)
{
	struct create create = { .spare_size = PINFOLD_SPARE_DEFAULT };
	const struct option_def options[] = {
		{ "spare", 's', OPTION_SIZE, &create.spare_size, "SIZE",
		  "size of the spare area, 0 for none" },
		{ "force", 'f', OPTION_FLAG, &create.force, NULL,
		  "do not ask before destroying what is there" },
		{ "no-attach", 'n', OPTION_FLAG, &create.no_attach, NULL,
		  "write the info block only" },
		OPTION_HUMAN,
		OPTION_END,
	};
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (is_file(argv[0]))
		rc = create_image(argv[0], &create);
	else
		rc = create_ns(argv[0], &create);
	return rc ? EXIT_FAIL : EXIT_OK;
}
