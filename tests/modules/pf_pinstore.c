// SPDX-License-Identifier: GPL-2.0
/*
 * Test: pages of the kernel with known contents, as a compressed store would keep
 * them, that joined the registry; see pf_pin.h.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pin_registry.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "pf_pin.h"

#define BLOCK_ORDER	9
#define BLOCK_PAGES	BIT(BLOCK_ORDER)
#define MOST_PAGES	BIT(20)
#define MOST_BLOCKS	BIT(14)
#define LEAVE_LIMIT	(60 * HZ)

/* Where the data of a page of a block are: moving decides who may move it. */
enum {
	HOME,
	MOVING,
	AWAY,
};

/**
 * struct item - data of one page
 * @store: in which store
 * @seed: of the contents; changes between pin_use() and pin_unuse()
 * @index: number of the item
 * @page: where it is
 * @home: where it was first
 * @range: of a single page
 * @pin: the store's own, of a single page
 * @place: of a page of a block: HOME, MOVING, AWAY
 */
struct item {
	struct store *store;
	u64 seed;
	unsigned long index;
	struct page *page;
	struct page *home;
	struct pin_range *range;
	struct pin_handle *pin;
	atomic_t place;
};

/**
 * struct block - 512 contiguous pages
 * @store: in which store
 * @index: number of the block
 * @page: the first page
 * @range: as which they joined
 */
struct block {
	struct store *store;
	unsigned long index;
	struct page *page;
	struct pin_range *range;
};

/**
 * struct store - an open file
 * @mutex: covers everything but the contents, which pins protect
 * @pinner: pins single pages
 * @items: data of each page
 * @nr: number of items
 * @blocks: memory, or NULL if it is single pages
 * @nr_blocks: number of blocks
 * @bad: wrong contents right after a move
 * @moved: number of moves
 * @taken: first of BLOCK_PAGES pages that were taken from others, or NULL
 * @free_work: empties and frees it, after it was closed
 */
struct store {
	struct mutex mutex;		/* see above */
	struct pinner *pinner;
	struct item *items;
	unsigned long nr;
	struct block *blocks;
	unsigned long nr_blocks;
	atomic64_t bad;
	atomic64_t moved;
	struct page *taken;
	struct work_struct free_work;
};

static struct workqueue_struct *store_wq;

static u64 word(const struct item *item, unsigned int at)
{
	return (item->seed ^ (item->index << 12 | at)) * 0x9e3779b97f4a7c15ULL +
		item->seed;
}

/* The slots at the beginning belong to devices. */
static void write_page(const struct item *item, struct page *page)
{
	u64 *p = kmap_local_page(page);
	unsigned int i;

	for (i = PF_DATA_START / 8; i < PAGE_SIZE / 8; i++)
		p[i] = word(item, i);
	kunmap_local(p);
}

static bool check_page(const struct item *item, struct page *page)
{
	u64 *p = kmap_local_page(page);
	bool good = true;
	unsigned int i;

	for (i = PF_DATA_START / 8; i < PAGE_SIZE / 8 && good; i++)
		good = p[i] == word(item, i);
	kunmap_local(p);
	return good;
}

static void moved(struct item *item, struct page *dst)
{
	item->page = dst;
	if (!check_page(item, dst))
		atomic64_inc(&item->store->bad);
	atomic64_inc(&item->store->moved);
}

static void page_moved(struct pin_range *range, struct page *dst,
		       struct page *src, bool atomic)
{
	struct item *item = pin_range_cookie(range);

	if (item->page != src)
		atomic64_inc(&item->store->bad);
	moved(item, dst);
}

static const struct pin_mover_ops page_ops = {
	.moved = page_moved,
};

/* One of the pages of a block; its item has been claimed. */
static void copy_moved(struct block *from, struct block *to, unsigned long at)
{
	struct item *item = &from->store->items[(from->index / 2) *
						BLOCK_PAGES + at];

	copy_highpage(to->page + at, from->page + at);
	moved(item, to->page + at);
}

/* Take the right to move items from a place, and give it back as another one. */
static unsigned long claim(struct item *items, unsigned long nr, int place)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (atomic_cmpxchg(&items[i].place, place, MOVING) != place)
			break;
	}
	return i;
}

static void unclaim(struct item *items, unsigned long nr, int place)
{
	while (nr--)
		atomic_set(&items[nr].place, place);
}

static int block_move(struct pin_range *range, unsigned long pfn,
		      unsigned long nr, unsigned long deadline)
{
	struct block *from = pin_range_cookie(range);
	struct block *to = &from->store->blocks[from->index ^ 1];
	unsigned long at = pfn - page_to_pfn(from->page), i, got;
	struct item *items = &from->store->items[(from->index / 2) *
						 BLOCK_PAGES + at];
	int place = from->index & 1 ? AWAY : HOME;
	struct pin_move move;
	int err = -EBUSY;

	got = claim(items, nr, place);
	if (got < nr)
		goto undo;
	err = pin_move_begin(&move, pfn, page_to_pfn(to->page) + at, nr,
			     deadline, false);
	if (err)
		goto undo;
	for (i = 0; i < nr; i++)
		copy_moved(from, to, at + i);
	pin_move_commit(&move);
	/* What moved away is no data any more. */
	for (i = 0; i < nr; i++)
		clear_highpage(from->page + at + i);
	place = place == HOME ? AWAY : HOME;
undo:
	unclaim(items, got, place);
	return err;
}

static const struct pin_mover_ops block_ops = {
	.move = block_move,
};

static void item_init(struct store *s, unsigned long i, u64 seed,
		     struct page *page)
{
	struct item *item = &s->items[i];

	item->store = s;
	item->seed = seed;
	item->index = i;
	item->page = page;
	item->home = page;
	atomic_set(&item->place, HOME);
	clear_highpage(page);
	write_page(item, page);
}

/*
 * Devices that pin our pages may be closed after us, and whoever moves them is done
 * soon. Pages that stay are lost, which the log tells.
 */
static bool leave(struct pin_range *range)
{
	unsigned long end = jiffies + LEAVE_LIMIT;

	while (pin_range_leave(range)) {
		if (WARN_ON_ONCE(time_after(jiffies, end)))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

/* A page that may have moved comes back to its owner, and is freed. */
static void item_free(struct item *item)
{
	struct page *page = item->page;

	if (item->pin) {
		WARN_ON(pin_end(item->store->pinner, item->pin));
		pin_put(item->pin);
	}
	if (item->range) {
		if (!leave(item->range))
			return;
		page = item->page;
	}
	put_page(page);
}

/* The store's pin was revoked: the page is still there, somewhere. */
static int pin_again(struct item *item)
{
	struct pin_handle *pin;

	if (item->pin) {
		WARN_ON(pin_end(item->store->pinner, item->pin));
		pin_put(item->pin);
	}
	pin = pin_range_pin(item->store->pinner, item->range, PIN_WRITE, item,
			    "store");
	item->pin = IS_ERR(pin) ? NULL : pin;
	return PTR_ERR_OR_ZERO(pin);
}

static int make_page(struct store *s, unsigned long i, u64 seed)
{
	struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE);
	struct item *item = &s->items[i];
	int err;

	if (!page)
		return -ENOMEM;
	item_init(s, i, seed, page);
	item->range = pin_range_join_page("pf_pinstore", page, &page_ops, item);
	if (IS_ERR(item->range)) {
		err = PTR_ERR(item->range);
		item->range = NULL;
		goto undo;
	}
	err = pin_again(item);
	if (!err)
		return 0;
undo:
	item_free(item);
	return err;
}

static int make_pages(struct store *s, const struct pf_store_make *make)
{
	static atomic_t serial;
	struct pinner_desc desc = {
		.class = PIN_RECLAIM,
		.ops = &pin_general_ops,
		.owner = THIS_MODULE,
	};
	char name[32];
	int err = 0;

	snprintf(name, sizeof(name), "pf-store-%d", atomic_inc_return(&serial));
	desc.name = name;
	s->pinner = pinner_register(&desc);
	if (IS_ERR(s->pinner)) {
		err = PTR_ERR(s->pinner);
		s->pinner = NULL;
		return err;
	}
	s->items = kvcalloc(make->nr, sizeof(*s->items), GFP_KERNEL);
	if (!s->items)
		return -ENOMEM;
	for (; !err && s->nr < make->nr; s->nr++) {
		err = make_page(s, s->nr, make->seed);
		if (err)
			break;
		cond_resched();
	}
	return err;
}

static int make_block(struct store *s, u64 seed)
{
	struct block *b = &s->blocks[s->nr_blocks];
	unsigned long i;

	b->store = s;
	b->index = s->nr_blocks;
	b->page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, BLOCK_ORDER);
	if (!b->page)
		return -ENOMEM;
	s->nr_blocks++;
	for (i = 0; i < BLOCK_PAGES && !(b->index & 1); i++)
		item_init(s, s->nr++, seed, b->page + i);
	b->range = pin_range_join("pf_pinstore", page_to_pfn(b->page),
				  BLOCK_PAGES, &block_ops, b);
	if (IS_ERR(b->range)) {
		int err = PTR_ERR(b->range);

		b->range = NULL;
		return err;
	}
	return 0;
}

static int make_blocks(struct store *s, const struct pf_store_make *make)
{
	int err = 0;

	s->blocks = kvcalloc(make->nr, sizeof(*s->blocks), GFP_KERNEL);
	s->items = kvcalloc(make->nr / 2 * BLOCK_PAGES, sizeof(*s->items),
			    GFP_KERNEL);
	if (!s->blocks || !s->items)
		return -ENOMEM;
	while (!err && s->nr_blocks < make->nr)
		err = make_block(s, make->seed);
	return err;
}

static void store_empty(struct store *s)
{
	unsigned long i;

	for (i = 0; i < s->nr_blocks; i++) {
		struct block *b = &s->blocks[i];

		if (!b->range || leave(b->range))
			__free_pages(b->page, BLOCK_ORDER);
	}
	for (i = 0; i < s->nr && !s->blocks; i++)
		item_free(&s->items[i]);
	WARN_ON(pinner_unregister(s->pinner, 0));
	kvfree(s->blocks);
	kvfree(s->items);
	s->blocks = NULL;
	s->items = NULL;
	s->pinner = NULL;
	s->nr = 0;
	s->nr_blocks = 0;
}

static int store_make(struct store *s, const struct pf_store_make *make)
{
	bool blocks = make->kind == PF_STORE_BLOCKS;
	int err;

	if (s->items || !make->nr || make->nr > MOST_PAGES ||
	    (blocks && (make->nr > MOST_BLOCKS || make->nr % 2)))
		return -EINVAL;
	err = blocks ? make_blocks(s, make) : make_pages(s, make);
	if (err)
		store_empty(s);
	return err;
}

/* How often a page that is moving is looked for. */
#define TRIES	100000

/* Return: a page that stays until pin_unuse(). */
static struct page *get_item(struct item *item)
{
	struct page *page;
	int tries, err;

	for (tries = TRIES; tries; tries--) {
		if (!item->pin || pin_use(item->pin)) {
			err = item->pin ? 0 : pin_again(item);
			if (err && err != -EAGAIN)
				return ERR_PTR(err);
			cond_resched();
			continue;
		}
		page = pin_page(item->pin, 0);
		if (page)
			return page;
		pin_unuse(item->pin);
		err = pin_again(item);
		if (err && err != -EAGAIN)
			return ERR_PTR(err);
	}
	return ERR_PTR(-EAGAIN);
}

/* Look at, or change, the contents of a single page. */
static int use_item(struct item *item, u64 *new_seed)
{
	struct page *page = get_item(item);
	bool good;

	if (IS_ERR(page))
		return PTR_ERR(page);
	good = page == item->page && check_page(item, page);
	if (good && new_seed) {
		item->seed = *new_seed;
		write_page(item, page);
	}
	pin_unuse(item->pin);
	return good ? 0 : -EIO;
}

static int store_check(struct store *s, struct pf_store_state *state)
{
	unsigned long i;
	int err;

	memset(state, 0, sizeof(*state));
	for (i = 0; i < s->nr; i++) {
		struct item *item = &s->items[i];

		if (s->blocks)
			err = check_page(item, item->page) ? 0 : -EIO;
		else
			err = use_item(item, NULL);
		if (err && err != -EIO)
			return err;
		state->bad += !!err;
		state->away += item->page != item->home;
		cond_resched();
	}
	state->bad += atomic64_read(&s->bad);
	state->moved = atomic64_read(&s->moved);
	return 0;
}

static int store_churn(struct store *s, u64 seed)
{
	unsigned long i;
	int err = 0;

	if (s->blocks)
		return -EINVAL;
	for (i = 0; i < s->nr && !err; i++) {
		err = use_item(&s->items[i], &seed);
		cond_resched();
	}
	return err;
}

static int store_where(struct store *s, const struct pf_store_pfns *p)
{
	u64 __user *to = u64_to_user_ptr(p->pfns);
	unsigned long i;
	u64 pfn;

	if (p->nr > (s->blocks ? s->nr_blocks : s->nr))
		return -EINVAL;
	for (i = 0; i < p->nr; i++) {
		pfn = page_to_pfn(s->blocks ? s->blocks[i].page :
				  s->items[i].page);
		if (put_user(pfn, to + i))
			return -EFAULT;
	}
	return 0;
}

/* What a device leaves in pages that are not its any more is seen there. */
#define TAKEN	0x7461616b

static void give(struct store *s)
{
	free_contig_range(page_to_pfn(s->taken), BLOCK_PAGES);
	s->taken = NULL;
}

static bool holds_data(struct store *s, unsigned long first)
{
	unsigned long i;

	for (i = 0; i < s->nr; i++) {
		if (page_to_pfn(s->items[i].page) - first < BLOCK_PAGES)
			return true;
	}
	return false;
}

/*
 * A contiguous allocation of a whole pageblock, as CMA and huge pages make them: all
 * that is there has to move, single pages of ours with their pins among it.
 */
static int store_take(struct store *s, unsigned long first)
{
	struct page *page = pfn_to_online_page(first);
	unsigned long i;
	int err;

	if (s->taken || s->blocks || !page || first % BLOCK_PAGES ||
	    first % pageblock_nr_pages)
		return -EINVAL;
	err = alloc_contig_range(first, first + BLOCK_PAGES, MIGRATE_MOVABLE,
				 GFP_KERNEL | __GFP_NOWARN);
	if (err)
		return err;
	s->taken = page;
	if (holds_data(s, first)) {
		give(s);
		return -EIO;
	}
	for (i = 0; i < BLOCK_PAGES; i++)
		memset32(page_address(page + i), TAKEN, PAGE_SIZE / 4);
	return 0;
}

static int store_give(struct store *s)
{
	unsigned long i;
	int err = 0;

	if (!s->taken)
		return -EINVAL;
	for (i = 0; i < BLOCK_PAGES; i++) {
		const u32 *p = page_address(s->taken + i);

		/* The same number everywhere. */
		if (*p != TAKEN || memcmp(p, p + 1, PAGE_SIZE - 4))
			err = -EIO;
	}
	give(s);
	return err;
}

static void free_fn(struct work_struct *work)
{
	struct store *s = container_of(work, struct store, free_work);

	if (s->taken)
		give(s);
	store_empty(s);
	kfree(s);
}

static int store_open(struct inode *inode, struct file *file)
{
	struct store *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	mutex_init(&s->mutex);
	INIT_WORK(&s->free_work, free_fn);
	file->private_data = s;
	return 0;
}

/* Not here: a process that exits may close the devices on our pages after us. */
static int store_release(struct inode *inode, struct file *file)
{
	struct store *s = file->private_data;

	queue_work(store_wq, &s->free_work);
	return 0;
}

static long store_command(struct store *s, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct pf_store_make make;
	struct pf_store_pfns pfns;
	struct pf_store_state state;
	struct pf_store_block block;
	int err;

	switch (cmd) {
	case PF_STORE_MAKE:
		if (copy_from_user(&make, user, sizeof(make)))
			return -EFAULT;
		return store_make(s, &make);
	case PF_STORE_CHECK:
		err = store_check(s, &state);
		if (!err && copy_to_user(user, &state, sizeof(state)))
			return -EFAULT;
		return err;
	case PF_STORE_WHERE:
		if (copy_from_user(&pfns, user, sizeof(pfns)))
			return -EFAULT;
		return store_where(s, &pfns);
	case PF_STORE_CHURN:
		return store_churn(s, arg);
	case PF_STORE_TAKE:
		if (copy_from_user(&block, user, sizeof(block)))
			return -EFAULT;
		return store_take(s, block.pfn);
	case PF_STORE_GIVE:
		return store_give(s);
	}
	return -ENOTTY;
}

static long store_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct store *s = file->private_data;
	long ret;

	mutex_lock(&s->mutex);
	ret = store_command(s, cmd, arg);
	mutex_unlock(&s->mutex);
	return ret;
}

static const struct file_operations store_fops = {
	.owner = THIS_MODULE,
	.open = store_open,
	.release = store_release,
	.unlocked_ioctl = store_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice store_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pf_pinstore",
	.fops = &store_fops,
	.mode = 0600,
};

static int __init pinstore_init(void)
{
	int err;

	store_wq = alloc_workqueue("pf_pinstore", WQ_UNBOUND, 0);
	if (!store_wq)
		return -ENOMEM;
	err = misc_register(&store_misc);
	if (err)
		destroy_workqueue(store_wq);
	return err;
}

static void __exit pinstore_exit(void)
{
	misc_deregister(&store_misc);
	/* Waits for what was closed. */
	destroy_workqueue(store_wq);
}

module_init(pinstore_init);
module_exit(pinstore_exit);
MODULE_DESCRIPTION("Test: pages of the kernel that joined the pin registry");
MODULE_LICENSE("GPL");
