// SPDX-License-Identifier: GPL-2.0
/*
 * Machine checks of our memory. A page whose errors are still being corrected, but
 * more and more of them, is moved and its place retired before it is lost. An
 * uncorrected error is put on the list of bad blocks: memory_failure() knows only
 * pages that have a struct page, and of the buses only NFIT's listens itself. What
 * can still be read of its page moves, too, and so it does if a scrub found the error.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pinfold.h>

#include <asm/mce.h>

#include "pinfold.h"

/* Places with corrected errors that are remembered. */
#define MAX_COUNTS	4096
/* A page that is in use is tried again, this often and after this time. */
#define RETIRE_TRIES	10
#define RETIRE_PAUSE	(10 * HZ)

static unsigned int retire_threshold = 16;
module_param(retire_threshold, uint, 0644);
MODULE_PARM_DESC(retire_threshold, "Corrected memory errors in a page after which it is moved and its place not used again; 0 for never (default 16)");

static bool salvage = true;
module_param(salvage, bool, 0644);
MODULE_PARM_DESC(salvage, "Move a page of which a part cannot be read, and do not use its place again (default Y)");

/* What is to be done with a place: how often that was tried, and why. */
#define FAILING_UNCORRECTED	BIT(0)
#define FAILING_TRY		BIT(1)

/* Attached namespaces. The lock covers the list and their counts. */
static LIST_HEAD(attached);
static DEFINE_MUTEX(attached_lock);

static struct pinfold *find_namespace(u64 addr)
{
	struct pinfold *pf;

	list_for_each_entry(pf, &attached, errors.node)
		if (addr >= pf->phys &&
		    addr - pf->phys < pinfold_mapped_size(&pf->info.geo))
			return pf;
	return NULL;
}

static void retire_soon(struct pinfold *pf, u64 place, unsigned long why)
{
	if (xa_is_err(xa_store(&pf->errors.failing, place, xa_mk_value(why),
			       GFP_KERNEL)))
		return;
	if (xa_erase(&pf->errors.counts, place))
		pf->errors.nr_counts--;
	mod_delayed_work(system_unbound_wq, &pf->errors.work, 0);
}

static void count_corrected(struct pinfold *pf, u64 place)
{
	struct pinfold_errors *e = &pf->errors;
	unsigned int threshold = READ_ONCE(retire_threshold);
	void *old = xa_load(&e->counts, place);
	unsigned long count = old ? xa_to_value(old) + 1 : 1;

	if (!threshold || xa_load(&e->failing, place) ||
	    (!old && e->nr_counts >= MAX_COUNTS))
		return;
	if (xa_is_err(xa_store(&e->counts, place, xa_mk_value(count),
			       GFP_KERNEL)))
		return;
	e->nr_counts += !old;
	if (count >= threshold)
		retire_soon(pf, place, 0);
}

/* Is there something to be saved? */
static void salvage_soon(struct pinfold *pf, u64 place)
{
	u64 page = pinfold_page_at(pf, place);

	if (READ_ONCE(salvage) && pf->info.geo.spare_size && !pf->read_only &&
	    page != U64_MAX && !xa_load(&pf->errors.failing, place) &&
	    pinfold_bad_sectors(pf, page) != BIT(PAGE_SECTORS) - 1)
		retire_soon(pf, place, FAILING_UNCORRECTED);
}

static void note_uncorrected(struct pinfold *pf, const struct mce *m)
{
	/* As much as the machine says, or a cache line. */
	unsigned int lsb = clamp_t(unsigned int, MCI_MISC_ADDR_LSB(m->misc),
				   L1_CACHE_SHIFT, PAGE_SHIFT);
	u64 offset = round_down(m->addr - pf->phys, BIT_ULL(lsb));
	bool used = pinfold_note_bad(pf, offset, BIT(lsb)) != U64_MAX;

	dev_err_ratelimited(pf->dev, "uncorrected memory error at %#llx%s\n",
			    pf->phys + offset, used ? "" : ", where no data are");
	salvage_soon(pf, PHYS_PFN(offset));
}

static int handle_mce(struct notifier_block *nb, unsigned long val, void *data)
{
	struct mce *m = data;
	struct pinfold *pf;

	if (!m || !mce_is_memory_error(m) || !mce_usable_address(m))
		return NOTIFY_DONE;
	mutex_lock(&attached_lock);
	pf = find_namespace(m->addr);
	if (pf) {
		if (mce_is_correctable(m))
			count_corrected(pf, PHYS_PFN(m->addr - pf->phys));
		else
			note_uncorrected(pf, m);
	}
	mutex_unlock(&attached_lock);
	return NOTIFY_DONE;
}

/* Before memory_failure(), which knows no less than a page. */
static struct notifier_block mce_nb = {
	.notifier_call = handle_mce,
	.priority = MCE_PRIO_EARLY,
};

/**
 * pinfold_salvage_bad() - look after pages that the platform calls bad
 * @pf: attached namespace
 *
 * Context: process context, may sleep; not while the driver is being unbound.
 */
void pinfold_salvage_bad(struct pinfold *pf)
{
	u64 place;

	mutex_lock(&attached_lock);
	for (place = pinfold_next_bad(pf, 0); place != U64_MAX;
	     place = pinfold_next_bad(pf, place + 1))
		salvage_soon(pf, place);
	mutex_unlock(&attached_lock);
}

/* Return: false if it should be tried again. */
static bool retire(struct pinfold *pf, u64 place, unsigned long failing)
{
	const char *why = failing & FAILING_UNCORRECTED ?
		"an uncorrected error" : "too many corrected errors";
	struct pinfold_move arg = {
		.op = PINFOLD_MOVE_RETIRE,
		.offset = pinfold_place_offset(place),
		.length = PAGE_SIZE,
	};
	int err = pinfold_move_pages(pf, &arg);
	u64 addr = pf->phys + pinfold_place_offset(place);

	if (!err && !arg.failed) {
		dev_notice(pf->dev, "page at %#llx had %s: moved, and not used again\n",
			   addr, why);
		return true;
	}
	if (!err)
		err = -(int)arg.fail_error;
	if ((err == -EBUSY || err == -EAGAIN || err == -ENOMEM) &&
	    failing / FAILING_TRY < RETIRE_TRIES)
		return false;
	if (err != -ENODEV)
		dev_warn(pf->dev, "page at %#llx has %s, but cannot be retired (error %d%s%s); run: pinfold status %s\n",
			 addr, why, err, arg.blocker[0] ? ", held by " : "",
			 arg.blocker, dev_name(pf->dev));
	return true;
}

static void retire_work_fn(struct work_struct *work)
{
	struct pinfold *pf = container_of(to_delayed_work(work),
					  struct pinfold, errors.work);
	unsigned long place;
	bool again = false;
	void *entry;

	xa_for_each(&pf->errors.failing, place, entry) {
		unsigned long failing = xa_to_value(entry) + FAILING_TRY;

		if (retire(pf, place, failing)) {
			xa_erase(&pf->errors.failing, place);
			continue;
		}
		/* Replaces a value: needs no memory. */
		xa_store(&pf->errors.failing, place, xa_mk_value(failing),
			 GFP_KERNEL);
		again = true;
	}
	if (again)
		mod_delayed_work(system_unbound_wq, &pf->errors.work,
				 RETIRE_PAUSE);
}

/**
 * pinfold_mce_start() - listen to errors of a namespace
 * @pf: attached namespace
 *
 * Context: probe; may sleep.
 */
void pinfold_mce_start(struct pinfold *pf)
{
	xa_init(&pf->errors.counts);
	xa_init(&pf->errors.failing);
	INIT_DELAYED_WORK(&pf->errors.work, retire_work_fn);
	mutex_lock(&attached_lock);
	list_add(&pf->errors.node, &attached);
	mutex_unlock(&attached_lock);
}

/**
 * pinfold_mce_stop() - do not listen any more
 * @pf: namespace that is being unbound, after pinfold_stop_moves()
 *
 * Context: process context; waits for a page that is being retired.
 */
void pinfold_mce_stop(struct pinfold *pf)
{
	mutex_lock(&attached_lock);
	list_del(&pf->errors.node);
	mutex_unlock(&attached_lock);
	cancel_delayed_work_sync(&pf->errors.work);
	xa_destroy(&pf->errors.counts);
	xa_destroy(&pf->errors.failing);
}

/**
 * pinfold_mce_init() - begin to listen
 *
 * Context: module init.
 */
void pinfold_mce_init(void)
{
	mce_register_decode_chain(&mce_nb);
}

/**
 * pinfold_mce_exit() - undo pinfold_mce_init()
 *
 * Context: module exit.
 */
void pinfold_mce_exit(void)
{
	mce_unregister_decode_chain(&mce_nb);
}
