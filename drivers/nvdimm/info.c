// SPDX-License-Identifier: GPL-2.0
/*
 * Finding out whether a namespace is ours, and telling why if it is but cannot
 * be attached: once, with the thing, the cause and the next step. A namespace
 * without a trace of pinfold is declined without a word.
 */
#include <linux/device.h>
#include <linux/slab.h>

#include <compat/nvdimm.h>

#include "pinfold.h"

static void describe_namespace(struct nd_namespace_common *ndns,
			       struct pinfold_info_ctx *ctx)
{
	const struct resource *res = &to_nd_namespace_io(&ndns->dev)->res;
	const uuid_t *uuid = nd_dev_to_uuid(&ndns->dev);

	memset(ctx, 0, sizeof(*ctx));
	ctx->ns_size = resource_size(res);
	ctx->phys_known = true;
	ctx->phys_base = res->start;
	ctx->parent_known = true;
	if (uuid)
		export_uuid(ctx->parent_uuid, uuid);
}

static void read_copy(struct nd_namespace_common *ndns, void *buf,
		      unsigned int nr, const struct pinfold_info_ctx *ctx,
		      struct pinfold_copy *copy)
{
	if (nvdimm_read_bytes(ndns, pinfold_info_offset(nr), buf,
			      PINFOLD_INFO_SIZE, 0))
		copy->verdict = PINFOLD_UNREADABLE;
	else
		copy->verdict = pinfold_info_verify(buf, nr, ctx, &copy->info);
}

static void report_refusal(struct device *dev, const struct pinfold_copy *copy,
			   const struct pinfold_info_ctx *ctx)
{
	const struct pinfold_info *info = &copy->info;

	switch (copy->verdict) {
	case PINFOLD_BAD_VERSION:
		dev_err(dev, "not attached: format version %u.%u, known is %u.x; use a pinfold that knows it\n",
			info->version_major, info->version_minor,
			PINFOLD_VERSION_MAJOR);
		break;
	case PINFOLD_BAD_INCOMPAT:
		dev_err(dev, "not attached: unknown incompatible features %#llx; use a pinfold that knows them\n",
			info->incompat & ~PINFOLD_INCOMPAT_KNOWN);
		break;
	case PINFOLD_BAD_PARENT:
		dev_err(dev, "not attached: its info block was copied from namespace %pUb, this is %pUb; run: pinfold check %s\n",
			info->parent_uuid, ctx->parent_uuid, dev_name(dev));
		break;
	case PINFOLD_BAD_NS_SIZE:
		dev_err(dev, "not attached: its info block is for %llu bytes, the namespace has %llu; restore its size, or run: pinfold check %s\n",
			info->geo.ns_size, ctx->ns_size, dev_name(dev));
		break;
	case PINFOLD_BAD_ALIGNMENT:
		dev_err(dev, "not attached: its data is at %#llx, no multiple of 2 MiB (has the namespace moved?); run: pinfold check %s\n",
			ctx->phys_base + info->geo.data_offset, dev_name(dev));
		break;
	default:
		dev_err(dev, "not attached: %s in its info block; run: pinfold check %s\n",
			pinfold_verdict_string(copy->verdict), dev_name(dev));
	}
}

static void report_decline(struct device *dev, enum pinfold_choice choice,
			   const struct pinfold_copy *copies)
{
	const char *copy0 = pinfold_verdict_string(copies[0].verdict);
	const char *copy1 = pinfold_verdict_string(copies[1].verdict);

	if (choice == PINFOLD_NOT_OURS)
		dev_dbg(dev, "declined: %s, %s\n", copy0, copy1);
	else if (choice == PINFOLD_ILLEGIBLE)
		dev_warn(dev, "not attached: %s, so if it is a pinfold namespace, nothing tells where its data are; run: pinfold check %s\n",
			 pinfold_choice_string(choice), dev_name(dev));
	else if (choice == PINFOLD_REUSED)
		dev_warn(dev, "not attached: %s; to see more or to recover, run: pinfold check %s\n",
			 pinfold_choice_string(choice), dev_name(dev));
	else
		dev_err(dev, "not attached: %s (first: %s, second: %s); run: pinfold check %s\n",
			pinfold_choice_string(choice), copy0, copy1,
			dev_name(dev));
}

/* Attaching goes on, but the owner should know what to repair or replace. */
static void report_degraded(struct device *dev, unsigned int chosen,
			    const struct pinfold_copy *copies)
{
	const struct pinfold_copy *other = &copies[!chosen];

	if (!pinfold_verdict_intact(other->verdict))
		dev_warn(dev, "info block copy %u: %s; using copy %u; run: pinfold check %s\n",
			 !chosen, pinfold_verdict_string(other->verdict),
			 chosen, dev_name(dev));
	if (copies[chosen].verdict == PINFOLD_VALID_READ_ONLY)
		dev_warn(dev, "attached read-only: unknown features %#llx; to write, use a pinfold that knows them\n",
			 copies[chosen].info.ro_compat &
			 ~PINFOLD_RO_COMPAT_KNOWN);
}

/**
 * pinfold_info_read() - read both copies of the info block and decide
 * @ndns: namespace, enabled for raw access to its first PINFOLD_META_SIZE bytes
 * @info: contents of the chosen copy
 * @valid_copies: how many copies are intact
 * @read_only: it may be read only
 *
 * Context: probe; may sleep.
 * Return: 0, -ENODEV if the namespace is not ours or cannot be attached (the
 * reason was told), or -ENOMEM.
 */
int pinfold_info_read(struct nd_namespace_common *ndns,
		      struct pinfold_info *info, unsigned int *valid_copies,
		      bool *read_only)
{
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	struct device *dev = &ndns->dev;
	struct pinfold_info_ctx ctx;
	enum pinfold_choice choice;
	unsigned int i, chosen = 0;
	void *buf;

	buf = kmalloc(PINFOLD_INFO_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	describe_namespace(ndns, &ctx);
	*valid_copies = 0;
	for (i = 0; i < PINFOLD_INFO_COPIES; i++) {
		read_copy(ndns, buf, i, &ctx, &copies[i]);
		*valid_copies += pinfold_verdict_intact(copies[i].verdict);
	}
	kfree(buf);

	choice = pinfold_info_choose(copies, &chosen);
	if (choice == PINFOLD_REFUSE)
		report_refusal(dev, &copies[chosen], &ctx);
	else if (choice != PINFOLD_USE)
		report_decline(dev, choice, copies);
	if (choice != PINFOLD_USE)
		return -ENODEV;

	report_degraded(dev, chosen, copies);
	*info = copies[chosen].info;
	*read_only = copies[chosen].verdict == PINFOLD_VALID_READ_ONLY;
	return 0;
}
