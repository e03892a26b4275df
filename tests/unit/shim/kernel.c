// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

struct task_struct *current;
unsigned long jiffies;
int shim_locks;
unsigned long shim_taken;
unsigned long shim_alloc_fails;
bool shim_nowait_fails;
struct page mem_map[SHIM_XA_SLOTS];

void shim_bug(const char *file, int line, const char *what)
{
	printf("not ok %s:%d: %s\n", file, line, what);
	fflush(stdout);
	abort();
}

void sort(void *base, size_t n, size_t size,
	  int (*cmp)(const void *a, const void *b), void *swap)
{
	qsort(base, n, size, cmp);
}

/* --- memory --------------------------------------------------------------- */

static bool out_of_memory(gfp_t gfp)
{
	if (shim_nowait_fails && !(gfp & (GFP_KERNEL | __GFP_NOFAIL)))
		return true;
	return !(gfp & __GFP_NOFAIL) && shim_alloc_fails &&
		shim_random(shim_alloc_fails) == 0;
}

static void may_sleep(gfp_t gfp)
{
	NEVER(gfp & GFP_KERNEL && shim_locks);
}

void *shim_alloc(size_t size, gfp_t gfp)
{
	may_sleep(gfp);
	if (out_of_memory(gfp))
		return NULL;
	return gfp & __GFP_ZERO ? calloc(1, size) : malloc(size);
}

void put_page(struct page *page)
{
	NEVER(page->ref <= 0);
	page->ref--;
	/* Its last reference ends a page's life: it is as new. */
	if (!page->ref)
		NEVER(page->mapping || page->locked || page->pins);
}

struct page *alloc_page(gfp_t gfp)
{
	unsigned long i, at = shim_random(SHIM_XA_SLOTS);

	may_sleep(gfp);
	if (out_of_memory(gfp))
		return NULL;
	for (i = 0; i < SHIM_XA_SLOTS; i++, at = (at + 1) % SHIM_XA_SLOTS) {
		struct page *page = &mem_map[at];

		if (!page->ref && !page->pins) {
			page->ref = 1;
			return page;
		}
	}
	return NULL;
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long last,
	      int filter)
{
	for (; *index <= last && *index < SHIM_XA_SLOTS; ++*index) {
		if (xa->slot[*index])
			return xa->slot[*index];
	}
	return NULL;
}

void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *new,
		 gfp_t gfp)
{
	void *was = xa->slot[index];

	may_sleep(gfp);
	if (new && out_of_memory(gfp))
		return ERR_PTR(-ENOMEM);
	if (was == old)
		xa->slot[index] = new;
	return was;
}

int xa_insert(struct xarray *xa, unsigned long index, void *new, gfp_t gfp)
{
	void *old = xa_cmpxchg(xa, index, NULL, new, gfp);

	return xa_err(old) ?: old ? -EBUSY : 0;
}

/* On failure some are stored, as by the real one. */
void *xa_store_range(struct xarray *xa, unsigned long first,
		     unsigned long last, void *new, gfp_t gfp)
{
	unsigned long i;

	may_sleep(gfp);
	for (i = first; i <= last; i++) {
		if (new && out_of_memory(gfp))
			return ERR_PTR(-ENOMEM);
		xa->slot[i] = new;
	}
	return NULL;
}

/* --- time and work ------------------------------------------------------------ */

#define MAX_WORKS	4096

static struct work_struct *works[MAX_WORKS];
static int nr_works;
static struct work_struct *running;

u64 ktime_get_mono_fast_ns(void)
{
	static u64 ns;

	return ns += 1000;
}

bool shim_queue(struct work_struct *work, unsigned long delay)
{
	if (work->queued)
		return false;
	NEVER(nr_works == MAX_WORKS);
	work->queued = true;
	work->due = jiffies + delay;
	works[nr_works++] = work;
	return true;
}

static void take(int i)
{
	works[i]->queued = false;
	works[i] = works[--nr_works];
}

bool cancel_delayed_work_sync(struct delayed_work *work)
{
	int i;

	for (i = 0; i < nr_works; i++) {
		if (works[i] == &work->work) {
			take(i);
			return true;
		}
	}
	return false;
}

struct work_struct *current_work(void)
{
	return running;
}

bool shim_work(void)
{
	static struct task_struct worker;
	struct work_struct *was = running, *work = NULL;
	struct task_struct *task = current;
	int i, n;

	NEVER(shim_locks);
	if (!nr_works)
		return false;
	for (n = 0, i = shim_random(nr_works); n < nr_works; n++) {
		if (!time_before(jiffies, works[i]->due))
			work = works[i];
		if (work)
			break;
		i = (i + 1) % nr_works;
	}
	if (!work)
		return false;
	take(i);
	running = work;
	current = &worker;
	work->fn(work);
	running = was;
	current = task;
	return true;
}

void shim_yield(void)
{
	struct work_struct *was = running;

	NEVER(shim_locks);
	running = NULL;
	shim_elsewhere();
	running = was;
}

void shim_preempt(void)
{
	if (shim_random(16) == 0)
		shim_yield();
}

void shim_sleep(unsigned long ticks)
{
	shim_yield();
	jiffies += ticks;
}

/* Mostly what is waited for happens in time. */
unsigned long wait_for_completion_timeout(struct completion *c,
					  unsigned long ticks)
{
	unsigned long end = jiffies + ticks;

	NEVER(shim_locks);
	while (!c->done && time_before(jiffies, end)) {
		if (shim_random(100) == 0)
			jiffies = end;
		else if (!shim_work())
			jiffies += 1 + shim_random(ticks);
	}
	return c->done;
}
