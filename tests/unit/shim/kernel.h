/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of a kernel as mm/ needs to run in a host program of one thread.
 *
 * "At the same time" means inside: where the kernel sleeps, and where it is about to
 * take a first lock, shim_elsewhere() lets the test do something as another task.
 * Locks check their use: no lock twice, none where somebody may sleep. Time passes
 * where somebody waits. Allocations fail when the test says so.
 */
#ifndef _PINFOLD_SHIM_KERNEL_H
#define _PINFOLD_SHIM_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

/* --- checks -------------------------------------------------------------- */

void __attribute__((noreturn)) shim_bug(const char *file, int line,
					const char *what);

#define NEVER(cond) do {						\
	if (cond)							\
		shim_bug(__FILE__, __LINE__, #cond);			\
} while (0)
/* The kernel's warnings end the test. */
#define WARN_ON_ONCE(cond)	({ bool _w = (cond); NEVER(_w); _w; })
#define WARN_ON(cond)		WARN_ON_ONCE(cond)
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define WARN_ONCE(cond, ...)	WARN_ON_ONCE(cond)

/* --- what the test provides ------------------------------------------------ */

/* Another task runs. */
void shim_elsewhere(void);
/* Below @n, repeatable. */
unsigned long shim_random(unsigned long n);

/* Others run, maybe. May not be called with a lock held. */
void shim_yield(void);
/* The same where the kernel can be interrupted at most: seldom. */
void shim_preempt(void);

/* --- compiler --------------------------------------------------------------- */

#define __percpu
#define __user
#define __must_check
#undef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#define BIT(n)			(1UL << (n))
#define __force
#define __init
#define __exit
#define fallthrough		__attribute__((__fallthrough__))
#define noinline		__attribute__((__noinline__))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define barrier()		asm volatile("" ::: "memory")
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_mb()		barrier()
#define smp_wmb()		barrier()
#define smp_rmb()		barrier()
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define __releases(lock)
#define __acquires(lock)
#define __acquire(lock)		((void)0)
#define __release(lock)		((void)0)
#define EXPORT_SYMBOL_GPL(sym)	extern int shim_exported
#define EXPORT_SYMBOL(sym)	extern int shim_exported
#define sizeof_field(t, f)	sizeof(((t *)NULL)->f)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define pr_err(...)		shim_log(__VA_ARGS__)
#define pr_err_once(...)	shim_log(__VA_ARGS__)

static inline void __attribute__((format(printf, 1, 2)))
shim_log(const char *fmt, ...)
{
}

#define MAX_ERRNO		4095
#define IS_ERR_VALUE(x)		((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(ptr)		((long)(ptr))
#define IS_ERR(ptr)		IS_ERR_VALUE(ptr)
#define IS_ERR_OR_NULL(ptr)	(!(ptr) || IS_ERR(ptr))
#define PTR_ERR_OR_ZERO(ptr)	(IS_ERR(ptr) ? (int)PTR_ERR(ptr) : 0)

static inline ssize_t strscpy(char *dst, const char *src, size_t n)
{
	return snprintf(dst, n, "%s", src);
}

static inline u64 div_u64(u64 n, u32 by)
{
	return n / by;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#define __ffs(x)		__builtin_ctzl(x)

#define BITS_PER_LONG		64

static inline bool test_bit(unsigned long nr, const unsigned long *words)
{
	return words[nr / BITS_PER_LONG] >> nr % BITS_PER_LONG & 1;
}

static inline bool test_and_set_bit(int nr, unsigned long *word)
{
	bool was = *word >> nr & 1;

	*word |= 1UL << nr;
	return was;
}

/* --- tasks, time -------------------------------------------------------------- */

struct task_struct {
	int tgid;
};

extern struct task_struct *current;
extern unsigned long jiffies;
#define HZ			250
#define NSEC_PER_USEC		1000
#define msecs_to_jiffies(ms)	DIV_ROUND_UP((unsigned long)(ms) * HZ, 1000)
#define jiffies_to_msecs(j)	((unsigned int)((j) * (1000 / HZ)))
#define DIV_ROUND_UP(n, by)	(((n) + (by) - 1) / (by))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)

/* Sleep; others run meanwhile. */
void shim_sleep(unsigned long ticks);
u64 ktime_get_mono_fast_ns(void);

#define usleep_range(a, b)	shim_sleep(1)
#define msleep(ms)		shim_sleep(msecs_to_jiffies(ms))
#define cond_resched()		shim_sleep(0)
#define cpu_relax()		NEVER(!"somebody else to wait for")

/* --- locks ---------------------------------------------------------------------- */

/* Spinlocks and the like held now; with them nobody sleeps. */
extern int shim_locks;
/* Locks taken since the test was at the top last: what goes round and round ends. */
extern unsigned long shim_taken;
#define SHIM_MOST_TAKEN		10000000

typedef struct {
	bool held;
} spinlock_t;

#define spin_lock_init(l)	((l)->held = false)
#define DEFINE_SPINLOCK(name)	spinlock_t name
#define lockdep_assert_held(l)	NEVER(!(l)->held)

static inline void spin_lock(spinlock_t *lock)
{
	if (!shim_locks)
		shim_preempt();
	NEVER(lock->held);
	NEVER(++shim_taken > SHIM_MOST_TAKEN);
	lock->held = true;
	shim_locks++;
}

#define SINGLE_DEPTH_NESTING	1
#define spin_lock_nested(l, d)	spin_lock(l)

static inline void spin_unlock(spinlock_t *lock)
{
	NEVER(!lock->held);
	lock->held = false;
	shim_locks--;
}

struct mutex {
	bool held;
};

#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_lock(m)		do { NEVER((m)->held); (m)->held = true; } while (0)
#define mutex_unlock(m)		((m)->held = false)

#define preempt_disable()	(shim_locks++)
#define preempt_enable()	(shim_locks--)
#define rcu_read_lock()		(shim_locks++)
#define rcu_read_unlock()	(shim_locks--)
#define rcu_assign_pointer(p, v) ((p) = (v))
#define rcu_dereference_raw(p)	(p)

struct rcu_head {
	int unused;
};

#define kfree_rcu(p, rcu)	free(p)

/* --- atomics -------------------------------------------------------------------- */

typedef struct {
	int v;
} atomic_t;

typedef struct {
	long v;
} atomic_long_t;

typedef struct {
	s64 v;
} atomic64_t;

#define atomic_read(a)		((a)->v)
#define atomic_set(a, i)	((a)->v = (i))
#define ATOMIC_INIT(n)		{ n }
#define smp_mb__after_atomic()	barrier()
#define atomic_inc(a)		((a)->v++)
#define atomic_dec(a)		((a)->v--)
#define atomic_dec_return(a)	(--(a)->v)
#define atomic_inc_not_zero(a)	((a)->v ? (a)->v++, true : false)
#define atomic_cmpxchg(a, o, n)	({ __typeof__((a)->v) _v = (a)->v;	\
				   (a)->v = _v == (o) ? (n) : _v; _v; })
#define atomic_long_inc_return(a) (++(a)->v)
#define atomic_long_dec_return(a) (--(a)->v)
#define atomic_long_dec(a)	((a)->v--)
#define atomic_long_cmpxchg	atomic_cmpxchg
#define atomic64_read(a)	((a)->v)
#define atomic64_set(a, i)	((a)->v = (i))
#define atomic64_add(i, a)	((a)->v += (i))
#define atomic64_sub(i, a)	((a)->v -= (i))
#define atomic64_dec_return(a)	(--(a)->v)
#define atomic64_try_cmpxchg(a, old, n) ({ bool _same = (a)->v == *(old); \
	if (_same) (a)->v = (n); else *(old) = (a)->v; _same; })

typedef struct {
	int v;
} refcount_t;

#define refcount_set(r, n)	((r)->v = (n))

static inline void refcount_inc(refcount_t *r)
{
	NEVER(r->v <= 0);
	r->v++;
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return r->v ? r->v++, true : false;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	NEVER(r->v <= 0);
	return --r->v == 0;
}

static inline void refcount_dec(refcount_t *r)
{
	NEVER(r->v <= 1);
	r->v--;
}

static inline bool refcount_dec_if_one(refcount_t *r)
{
	NEVER(r->v <= 0);
	return r->v == 1 ? r->v--, true : false;
}

/* --- memory --------------------------------------------------------------------- */

typedef unsigned int gfp_t;
#define GFP_KERNEL		1U
#define GFP_NOIO		3U
#define GFP_NOWAIT		4U
#define __GFP_NOWARN		8U
#define __GFP_HIGHMEM		0U
#define __GFP_MOVABLE		0U
#define __GFP_ZERO		16U
#define __GFP_NOFAIL		32U

/* One in so many allocations fails; 0 for none. */
extern unsigned long shim_alloc_fails;
/* What must not wait for memory does not get any. */
extern bool shim_nowait_fails;

void *shim_alloc(size_t size, gfp_t gfp);

#define kmalloc(size, gfp)	shim_alloc(size, gfp)
#define kzalloc(size, gfp)	shim_alloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(n, size, gfp) shim_alloc((n) * (size), gfp)
#define kcalloc(n, size, gfp)	shim_alloc((n) * (size), (gfp) | __GFP_ZERO)
#define kvcalloc(n, size, gfp)	kcalloc(n, size, gfp)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

/* What is given out is as constructed, or as it was when it was given back. */
struct kmem_cache {
	size_t size;
	void (*construct)(void *memory);
	void *last;
};

#define kmem_cache_create(name, bytes, align, flags, ctor) ({		\
	struct kmem_cache *_c = malloc(sizeof(*_c));			\
	_c->size = bytes;						\
	_c->construct = ctor;						\
	_c->last = NULL;						\
	_c; })
#define kmem_cache_destroy(c)	do { free((c)->last); free(c); } while (0)
#define kmem_cache_alloc(c, gfp) ({					\
	void *_m = shim_alloc((c)->size, gfp);				\
	if (_m && (c)->last)						\
		memcpy(_m, (c)->last, (c)->size);			\
	else if (_m)							\
		(c)->construct(_m);					\
	_m; })
#define kmem_cache_free(c, p)	do {					\
	void *_p = p;							\
	if (!(c)->last)							\
		(c)->last = malloc((c)->size);				\
	memcpy((c)->last, _p, (c)->size);				\
	free(_p);							\
} while (0)

#define alloc_percpu(type)	((type *)shim_alloc(sizeof(type), GFP_KERNEL | __GFP_ZERO))
#define free_percpu(p)		free(p)
#define CONFIG_KASAN		1
#define IS_ENABLED(option)	option
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define per_cpu(var, cpu)	((void)(cpu), (var))
#define this_cpu_xchg(var, new)	({ __typeof__(var) _v = (var); (var) = (new); _v; })
#define this_cpu_cmpxchg(var, old, new) ({ __typeof__(var) _v = (var);	\
	(var) = _v == (old) ? (new) : _v; _v; })
#define this_cpu_add(var, n)	((var) += (n))

struct module;
#define THIS_MODULE		((struct module *)NULL)
#define try_module_get(m)	true
#define module_put(m)		((void)(m))

/* --- lists, xarray, sort ------------------------------------------------------------ */

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct llist_node {
	void *unused;
};

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		n->next->pprev = &n->next;
	h->first = n;
	n->pprev = &h->first;
}

static inline void hlist_add_behind(struct hlist_node *n,
				    struct hlist_node *prev)
{
	n->next = prev->next;
	prev->next = n;
	n->pprev = &prev->next;
	if (n->next)
		n->next->pprev = &n->next;
}

/* What is linked is so once. */
static inline void __hlist_del(struct hlist_node *n)
{
	NEVER(*n->pprev != n);
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}

#define hlist_entry_safe(ptr, type, member) ({				\
	__typeof__(ptr) shim_ptr = (ptr);				\
	shim_ptr ? container_of(shim_ptr, type, member) : NULL;		\
})

#define hlist_for_each_entry(pos, head, member)				\
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member); \
	     pos;							\
	     pos = hlist_entry_safe(pos->member.next, __typeof__(*pos), member))

#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))
#define list_empty(l)		((l)->next == (l))
#define list_for_each_entry(pos, head, member)				\
	for (pos = container_of((head)->next, __typeof__(*pos), member);	\
	     &pos->member != (head);					\
	     pos = container_of(pos->member.next, __typeof__(*pos), member))

static inline void list_add(struct list_head *new, struct list_head *head)
{
	new->next = head->next;
	new->prev = head;
	head->next->prev = new;
	head->next = new;
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	list_add(new, head->prev);
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry->prev = NULL;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

#define list_first_entry(l, type, member) container_of((l)->next, type, member)

/* The test's memory is small: an array. */
#define SHIM_XA_SLOTS		512

struct xarray {
	void *slot[SHIM_XA_SLOTS];
};

#define DEFINE_XARRAY(name)	struct xarray name
#define XA_PRESENT		0
#define xa_is_err(p)		IS_ERR(p)
#define xa_err(p)		PTR_ERR_OR_ZERO(p)
#define xa_load(xa, i)		((i) < SHIM_XA_SLOTS ? (xa)->slot[i] : NULL)
#define xa_erase(xa, i)		((xa)->slot[i] = NULL)
#define xa_lock(xa)		(shim_locks++)
#define xa_unlock(xa)		(shim_locks--)
#define __xa_erase(xa, i)	xa_erase(xa, i)
#define xa_destroy(xa)		memset(xa, 0, sizeof(*(xa)))
#define xa_for_each(xa, i, p)	xa_for_each_start(xa, i, p, 0)
#define xa_for_each_start(xa, i, p, start)				\
	for (i = (start), p = xa_find(xa, &i, ULONG_MAX, XA_PRESENT); p;	\
	     i++, p = xa_find(xa, &i, ULONG_MAX, XA_PRESENT))

#define xa_for_each_range(xa, i, p, first, last)				\
	for (i = (first), p = xa_find(xa, &i, last, XA_PRESENT); p;	\
	     i++, p = xa_find(xa, &i, last, XA_PRESENT))

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long last,
	      int filter);
void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *new,
		 gfp_t gfp);
int xa_insert(struct xarray *xa, unsigned long index, void *new, gfp_t gfp);
void *xa_store_range(struct xarray *xa, unsigned long first,
		     unsigned long last, void *new, gfp_t gfp);

void sort(void *base, size_t n, size_t size,
	  int (*cmp)(const void *a, const void *b), void *swap);

/* --- work, waiting ------------------------------------------------------------------- */

struct work_struct {
	void (*fn)(struct work_struct *work);
	unsigned long due;
	bool queued;
};

struct delayed_work {
	struct work_struct work;
};

struct workqueue_struct {
	int unused;
};

#define WQ_UNBOUND		0
#define WQ_MEM_RECLAIM		0
#define WQ_HIGHPRI		0
#define alloc_workqueue(...)	((struct workqueue_struct *)malloc(1))
#define destroy_workqueue(wq)	free(wq)
#define INIT_WORK(w, f)		((w)->fn = (f))
#define INIT_DELAYED_WORK(w, f)	((w)->work.fn = (f))
#define DECLARE_DELAYED_WORK(name, f) struct delayed_work name = { { .fn = f } }
#define delayed_work_pending(w)	((w)->work.queued)
#define queue_work(wq, w)	shim_queue(w, 0)
#define queue_delayed_work(wq, w, d) shim_queue(&(w)->work, d)

bool shim_queue(struct work_struct *work, unsigned long delay);
bool cancel_delayed_work_sync(struct delayed_work *work);
struct work_struct *current_work(void);
/* Run a work that is due. Return: false if there is none. */
bool shim_work(void);

struct completion {
	bool done;
};

#define init_completion(c)	((c)->done = false)
#define reinit_completion(c)	((c)->done = false)
#define complete(c)		((c)->done = true)

unsigned long wait_for_completion_timeout(struct completion *c,
					  unsigned long ticks);

#define wake_up_var(var)	((void)(var))
#define wait_var_event_timeout(var, cond, ticks) ({			\
	unsigned long _end = jiffies + (ticks);				\
	bool _ok;							\
	while (!(_ok = (cond)) && time_before(jiffies, _end))		\
		shim_sleep(1 + shim_random(_end - jiffies));		\
	_ok; })

/* --- pages ----------------------------------------------------------------------------- */

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
/* Small chunks: that many pages matter, not how large they are. */
#define PMD_SHIFT		(PAGE_SHIFT + 4)
#define GUP_PIN_COUNTING_BIAS	1024
#define NR_FOLL_PIN_ACQUIRED	0

struct page {
	int ref;
	int pins;
	bool locked;
	bool isolated;
	const void *mapping;
	u64 content;
};

struct folio;

extern struct page mem_map[SHIM_XA_SLOTS];
#define pfn_to_page(pfn)	(&mem_map[pfn])
#define page_to_pfn(page)	((unsigned long)((page) - mem_map))
#define compound_head(page)	(page)
#define page_pgdat(page)	NULL
#define page_folio(page)	((struct folio *)(page))
#define folio_set_dirty(folio)	((void)(folio))
#define folio_test_dirty(folio)	((void)(folio), false)
#define PageCompound(page)	((void)(page), false)
#define PageSlab(page)		((void)(page), false)
#define PageIsolated(page)	((page)->isolated)
#define is_zone_device_page(page) ((void)(page), false)
#define mod_node_page_state(node, item, n) ((void)(n))
#define copy_highpage(dst, src)	((dst)->content = (src)->content)

static inline void page_ref_add(struct page *page, int n)
{
	NEVER(n != GUP_PIN_COUNTING_BIAS);
	page->pins++;
}

static inline void unpin_user_page(struct page *page)
{
	NEVER(page->pins <= 0);
	page->pins--;
}

static inline void unpin_user_page_range_dirty_lock(struct page *page,
						    unsigned long nr,
						    bool dirty)
{
	while (nr--)
		unpin_user_page(page + nr);
}

static inline void unpin_user_pages(struct page **pages, unsigned long nr)
{
	while (nr--)
		unpin_user_page(pages[nr]);
}

static inline void get_page(struct page *page)
{
	NEVER(page->ref <= 0);
	page->ref++;
}

static inline bool get_page_unless_zero(struct page *page)
{
	return page->ref ? page->ref++, true : false;
}

void put_page(struct page *page);
struct page *alloc_page(gfp_t gfp);

static inline void lock_page(struct page *page)
{
	NEVER(page->locked);
	page->locked = true;
}

static inline void unlock_page(struct page *page)
{
	NEVER(!page->locked);
	page->locked = false;
}

typedef int isolate_mode_t;
enum migrate_mode { MIGRATE_ASYNC, MIGRATE_SYNC_LIGHT, MIGRATE_SYNC };
#define MIGRATEPAGE_SUCCESS	0
#define compat_migrate_copies(mode) ((mode) <= MIGRATE_SYNC)

struct movable_operations {
	bool (*isolate_page)(struct page *page, isolate_mode_t mode);
	int (*migrate_page)(struct page *dst, struct page *src,
			    enum migrate_mode mode);
	void (*putback_page)(struct page *page);
};

#define __SetPageMovable(page, ops) ((page)->mapping = (ops))
#define __ClearPageMovable(page) ((page)->mapping = NULL)
#define PAGE_MAPPING_MOVABLE	2

#include <linux/interval_tree.h>

/* User pins are the test's own here, see user.c for the real ones. */
struct mm_struct;

struct mmu_interval_notifier {
	struct interval_tree_node interval_tree;
};

struct mmu_interval_notifier_ops {
	void *unused;
};

/* --- tracepoints ------------------------------------------------------------------------ */

static inline void shim_trace(int dummy, ...)
{
}

#define trace_pin_start(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_end(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_prepare(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_commit(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_abort(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_revoke(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_flush(...)	shim_trace(0, __VA_ARGS__)
#define trace_pin_move(...)	shim_trace(0, __VA_ARGS__)

#endif /* _PINFOLD_SHIM_KERNEL_H */
