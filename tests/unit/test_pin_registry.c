// SPDX-License-Identifier: GPL-2.0
/*
 * The pin registry (mm/) against a naive model (pin_model.c): random steps, most of
 * them while other steps are in the middle of something.
 */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "unit.h"
#include "pin_model.h"

#define STEPS		1000000
#define MAX_DEPTH	4

static struct task_struct tasks[MAX_DEPTH];
static unsigned long steps, moves_begun, moves_ending, moves_ended;
static int depth;

/*
 * In turns, there are many pins, so that everybody is in everybody's way, and few, so
 * that pages can move to and fro.
 */
static bool crowded(void)
{
	return steps / 50000 % 2 == 0;
}

static unsigned long pages_in_use(void)
{
	return crowded() ? MODEL_PAGES : 4 * PIN_CHUNK_PAGES;
}

unsigned long shim_random(unsigned long n)
{
	return unit_random_below(n);
}

/* --- user pins: no address space, or else as in user.c ---------------------- */

static struct kmem_cache user_cache = {
	.size = sizeof(struct pin_user),
	.construct = pin_construct,
};

/* Windows of two processes, which stay: their pins, and those that notifications find. */
static struct pin_window windows[2];
static unsigned long members[2], planted[2];

void window_plant(struct pin_user *u)
{
	NEVER(u->planted && u->serial);
	u->planted = true;
	u->serial = ++u->window->serial;
	planted[u->window - windows]++;
}

/* A notification looks for pins. */
static void look_in_windows(void)
{
	struct pin_window *w = &windows[shim_random(2)];

	spin_lock(&w->lock);
	lazy_plant(w);
	NEVER(planted[w - windows] != members[w - windows]);
	spin_unlock(&w->lock);
}

void window_put(struct pin_window *w)
{
	NEVER(atomic_dec_return(&w->users) < 1);
}

static void windows_init(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		atomic_set(&windows[i].users, 1);
		INIT_LIST_HEAD(&windows[i].listed);
	}
}

/* No pin of theirs is left, and nobody looks at them. */
static void windows_exit(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		NEVER(atomic_read(&windows[i].users) != 1);
		NEVER(windows[i].lazies.first || windows[i].lazy_pages);
		NEVER(members[i] || planted[i]);
		lazy_forget(&windows[i]);
		windows[i].is_listed = false;
	}
}

void user_reset(struct pin_user *u)
{
	u->window = &windows[shim_random(2)];
	u->serial = 0;
	atomic_inc(&u->window->users);
}

void user_end(struct pin_user *u)
{
	unsigned long w = u->window - windows;

	spin_lock(&u->window->lock);
	NEVER(!u->planted && !u->pin.lazy);
	planted[w] -= u->planted;
	members[w]--;
	lazy_remove(u);
	spin_unlock(&u->window->lock);
}

void user_free(struct pin_user *u)
{
	window_put(u->window);
	kmem_cache_free(&user_cache, u);
}

/* Most of them are lazy for a while; more so than in user.c, as nothing makes buckets. */
static int user_link(struct pin_handle *pin)
{
	struct pin_window *w = to_user(pin)->window;
	struct pin_span all = { 0, pin->nr };
	int err = 0;

	spin_lock(&w->lock);
	if (!lazy_add(to_user(pin))) {
		err = index_link(pin, all, pin->pages, NULL);
		if (!err)
			window_plant(to_user(pin));
	}
	if (!err) {
		members[w - windows]++;
		pin_made(pin);
	}
	spin_unlock(&w->lock);
	return err;
}

static struct pin_handle *user_pin(struct model_pin *m, bool buckets)
{
	struct pinner *p = model_pinners[m->by];
	struct pin_handle *pin;
	unsigned long j;
	int err;

	pin = pin_alloc(p, &user_cache, m->nr, PIN_WRITE, m, "user");
	if (IS_ERR(pin))
		return pin;
	for (j = 0; j < m->nr; j++) {
		pin->pages[j] = pfn_to_page(m->where[j]);
		pin->pages[j]->pins++;
	}
	err = buckets ? index_prepare(pin->pages, m->nr, GFP_KERNEL) : 0;
	if (!err)
		err = user_link(pin);
	if (!err) {
		pin_started(pin);
		return pin;
	}
	for (j = 0; j < m->nr; j++)
		unpin_user_page(pin->pages[j]);
	pin_free(pin);
	pinner_live_put(p);
	return ERR_PTR(err);
}

/* --- steps ---------------------------------------------------------------- */

/* Errors that need a reason; the others are expected. */
static void check_error(long err, bool moving)
{
	NEVER(err == -ENOMEM && !model_failing);
	NEVER(err == -EAGAIN && !moving);
	NEVER(err != -ENOMEM && err != -EAGAIN);
}

static bool room_for_pin(void)
{
	int i, n = 0;

	for (i = 0; i < MODEL_PINS; i++)
		n += !model_pins[i];
	/* Others may add some before we do. */
	return n > (crowded() ? MAX_DEPTH : MODEL_PINS - 2);
}

static struct pin_handle *kernel_pin(struct model_pin *m, bool scattered)
{
	struct page *pages[MODEL_PIN_PAGES];
	unsigned long j;

	if (!scattered)
		return pin_pages(model_pinners[m->by],
				 pfn_to_page(m->where[0]), m->nr, PIN_WRITE, m,
				 "kernel");
	for (j = 0; j < m->nr; j++)
		pages[j] = pfn_to_page(m->where[j]);
	return pin_page_array(model_pinners[m->by], pages, m->nr, 0, m, NULL);
}

static void step_pin(void)
{
	bool scattered = shim_random(3) == 0, moving = false;
	unsigned long j, nr, first, begun = moves_begun;
	struct pin_handle *pin;
	struct model_pin *m;

	if (!room_for_pin())
		return;
	nr = crowded() ? shim_random(shim_random(MODEL_PIN_PAGES) + 1) :
			 shim_random(PIN_CHUNK_PAGES);
	m = model_pin_new(shim_random(crowded() ? NR_PINNERS : STAYING), nr + 1);
	m->user = shim_random(2);
	first = shim_random(pages_in_use() - m->nr + 1);
	for (j = 0; j < m->nr; j++) {
		m->where[j] = first + j;
		if (scattered && shim_random(4) == 0)
			first = shim_random(pages_in_use() - m->nr + 1);
		moving |= model_page_moving(m->where[j]);
	}
	pin = m->user ? user_pin(m, shim_random(2)) : kernel_pin(m, scattered);
	if (!IS_ERR(pin)) {
		model_pin_add(m, pin);
		return;
	}
	/* A move that somebody else began meanwhile counts, too. */
	check_error(PTR_ERR(pin), moving || begun != moves_begun);
	free(m);
}

static void end_pin(struct model_pin *m)
{
	struct pinner *p = model_pinners[m->by];
	int err;

	m->ended++;
	err = pin_end(p, m->pin);
	NEVER(err && err != -EINPROGRESS &&
	      (err != -EALREADY || m->ended == 1));
	/* From its own callback it ends afterwards. */
	if (!err && !m->in_callback)
		model_pin_end(m);
}

static void step_end(void)
{
	struct model_pin *m = model_pin_random();

	if (!m || (!crowded() && shim_random(128)))
		return;
	NEVER(pin_end(model_pinners[(m->by + 1) % NR_PINNERS], m->pin) !=
	      -EPERM);
	end_pin(m);
}

static void step_reference(void)
{
	struct model_pin *m = model_pin_random();

	if (m && m->refs < 3) {
		pin_get(m->pin);
		m->refs++;
	}
}

static bool any_page(bool (*is)(unsigned long pfn), unsigned long pfn,
		     unsigned long nr)
{
	unsigned long i;

	for (i = pfn; i < pfn + nr; i++) {
		if (is(i))
			return true;
	}
	return false;
}

static void step_move(void)
{
	unsigned long nr = 1 + shim_random(PIN_CHUNK_PAGES);
	unsigned long room = PIN_CHUNK_PAGES - nr + 1;
	unsigned long chunks = pages_in_use() / PIN_CHUNK_PAGES;
	struct model_move *v = &model_moves[shim_random(MODEL_MOVES)];
	bool atomic = shim_random(4) == 0;
	unsigned long src, dst;
	bool onto;
	int err;

	src = shim_random(chunks) * PIN_CHUNK_PAGES + shim_random(room);
	dst = shim_random(chunks) * PIN_CHUNK_PAGES;
	/* Often to the same place in another chunk: pages come together again. */
	dst += shim_random(8) ? src % PIN_CHUNK_PAGES : shim_random(room);
	if (v->active || (src < dst + nr && dst < src + nr))
		return;
	/* Often enough to somebody who would notice. */
	onto = any_page(model_page_pinned, dst, nr);
	if (onto && shim_random(16))
		return;
	if (any_page(model_page_moving, src, nr) ||
	    any_page(model_page_moving, dst, nr))
		return;
	moves_begun++;
	v->active = true;
	v->prepared = false;
	v->src = src;
	v->dst = dst;
	v->nr = nr;
	err = pin_move_begin(&v->move, src, dst, nr,
			     jiffies + 1 + shim_random(400), atomic);
	if (!err) {
		NEVER(any_page(model_page_live, dst, nr));
		model_prepared(src, nr);
		v->prepared = true;
		return;
	}
	NEVER(err == -ENOMEM && !model_failing);
	NEVER(err != -ENOMEM && err != -EBUSY && err != -ETIMEDOUT &&
	      err != -EAGAIN && err != -EINVAL && err != -ENXIO);
	v->active = false;
}

static void end_move(struct model_move *v, bool commit)
{
	unsigned long stays[PIN_CHUNK_PAGES / BITS_PER_LONG + 1] = { }, i;
	bool some = shim_random(3) == 0;

	/* Whatever else runs meanwhile does not end it again. */
	v->prepared = false;
	moves_ending++;
	for (i = 0; i < v->nr; i++) {
		bool stay = !commit || (some && shim_random(2));

		if (stay)
			stays[i / BITS_PER_LONG] |= 1UL << i % BITS_PER_LONG;
		model_moved(v->src + i, stay ? v->src + i : v->dst + i, 1);
	}
	if (commit && some)
		pin_move_commit_some(&v->move, stays);
	else if (commit)
		pin_move_commit(&v->move);
	else
		pin_move_abort(&v->move);
	v->active = false;
	moves_ending--;
	moves_ended++;
}

static void step_end_move(void)
{
	struct model_move *v = &model_moves[shim_random(MODEL_MOVES)];

	if (v->prepared)
		end_move(v, shim_random(3));
}

/* Pages that move already do not move, and nothing else comes where they go. */
static void step_move_again(void)
{
	struct model_move *v = &model_moves[shim_random(MODEL_MOVES)];
	unsigned long here = shim_random(2) ? v->src : v->dst;
	unsigned long there = here ^ PIN_CHUNK_PAGES;
	struct pin_move move;
	int err;

	if (!v->prepared)
		return;
	if (shim_random(2))
		err = pin_move_begin(&move, here, there, v->nr, jiffies, false);
	else
		err = pin_move_begin(&move, there, here, v->nr, jiffies, false);
	NEVER(v->prepared && err != -EBUSY && err != -ENOMEM);
	if (!err)
		pin_move_abort(&move);
}

static void step_revoke(void)
{
	unsigned long first = shim_random(MODEL_PAGES);
	unsigned long nr = 1 + shim_random(shim_random(MODEL_PAGES - first) + 1);
	unsigned long j, before = model_serial, ended = moves_ended;
	bool alone = !moves_ending;
	int i, err;

	if (!crowded() && shim_random(128))
		return;
	err = pin_registry_revoke(first, nr, shim_random(2000));
	NEVER(err == -ENOMEM && !model_failing);
	alone = alone && ended == moves_ended;
	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		if (!m || m->ended || m->serial > before)
			continue;
		if (m->by == GENERAL)
			model_forget_lost(m);
		/* Unless others came by a move meanwhile, none is left. */
		for (j = 0; !err && alone && j < m->nr; j++) {
			NEVER(m->where[j] >= first &&
			      m->where[j] < first + nr);
		}
	}
}

/* As notify.c does when a mapping ends: it finds pins by their addresses. */
static void step_unmap(void)
{
	struct model_pin *m = model_pin_random();
	struct pin_handle *pin;
	struct pin_span where;

	if (!m || !m->user || (!crowded() && shim_random(128)))
		return;
	pin = pin_get(m->pin);
	where.first = shim_random(pin->nr);
	where.nr = 1 + shim_random(pin->nr - where.first);
	if (!pin_slot_take(pin, pin_deadline(pin), false) &&
	    pin_revoke(pin, where, PIN_REVOKE_UNMAP, pin_deadline(pin)) !=
	    -ETIMEDOUT)
		pin_slot_release(pin);
	if (m->by == GENERAL)
		model_forget_lost(m);
	pin_put(pin);
}

/* As notify.c does for a file that is written back. */
static void step_flush(void)
{
	struct model_pin *m = model_pin_random();
	struct pin_handle *pin;

	if (!m)
		return;
	pin = pin_get(m->pin);
	if (!pin_slot_take(pin, pin_deadline(pin), false)) {
		struct pin_span all = { 0, pin->nr };

		if (pin_call(pin, PIN_OP_FLUSH, all, 0, pin_deadline(pin)) !=
		    -ETIMEDOUT)
			pin_slot_release(pin);
	}
	pin_put(pin);
}

static void step_look(void)
{
	unsigned long pfn = shim_random(MODEL_PAGES);
	struct pin_handle *pin = pin_lookup(pfn);

	if (!pin)
		return;
	NEVER(pin_nr(pin) > MODEL_PIN_PAGES);
	pin_put(pin);
}

static void step_use(void)
{
	struct model_pin *m = model_pin_random();
	unsigned long j;

	if (!m || m->by != GENERAL || pin_use(m->pin))
		return;
	for (j = 0; j < m->nr; j++) {
		NEVER(pin_page(m->pin, j) && !m->ended &&
		      page_to_pfn(pin_page(m->pin, j)) != m->where[j]);
	}
	pin_unuse(m->pin);
}

static void step_batch(void)
{
	struct pin_request req[8] = {};
	unsigned long i, n = 1 + shim_random(8);
	int err;

	for (i = 0; i < n; i++) {
		req[i].page = pfn_to_page(shim_random(MODEL_PAGES - 8));
		req[i].nr = 1 + shim_random(8);
	}
	err = pin_batch(model_pinners[GENERAL], req, n);
	if (err) {
		check_error(err, true);
		for (i = 0; i < n; i++)
			NEVER(req[i].pin);
		return;
	}
	err = pin_end_batch(model_pinners[GENERAL], req, n);
	NEVER(err && err != -EINPROGRESS);
}

static void step_bad(void)
{
	struct pinner *p = model_pinners[ATOMIC];
	struct pin_move move;

	NEVER(pin_pages(p, NULL, 1, 0, NULL, NULL) != ERR_PTR(-EINVAL));
	NEVER(pin_pages(p, mem_map, 0, 0, NULL, NULL) != ERR_PTR(-EINVAL));
	NEVER(pin_pages(p, mem_map, 1, ~0U, NULL, NULL) != ERR_PTR(-EINVAL));
	NEVER(pin_end(p, NULL) != -EINVAL);
	NEVER(pin_move_begin(&move, 1, 1, 1, jiffies, false) != -EINVAL);
	NEVER(pin_move_begin(&move, 15, 32, 2, jiffies, false) != -EINVAL);
	NEVER(pin_registry_revoke(0, 0, 1) != -EINVAL);
	NEVER(pin_registry_move(0, 0, 1) != -EINVAL);
}

/* --- single pages ------------------------------------------------------------- */

static void object_moved(struct pin_range *range, struct page *dst,
			 struct page *src, bool atomic)
{
	struct model_object *o = pin_range_cookie(range);

	NEVER(o->page != src);
	NEVER(dst->content != o->content);
	NEVER(!dst->locked || !src->locked);
	o->page = dst;
	model_prepared(page_to_pfn(src), 1);
	model_moved(page_to_pfn(src), page_to_pfn(dst), 1);
	src->content = 0;
}

static const struct pin_mover_ops object_ops = {
	.moved = object_moved,
};

static void object_join(struct model_object *o)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct pin_range *range;

	if (!page)
		return;
	o->page = page;
	o->content = unit_random();
	page->content = o->content;
	range = pin_range_join_page("object", page, &object_ops, o);
	if (IS_ERR(range)) {
		NEVER(PTR_ERR(range) != -ENOMEM || !model_failing);
		put_page(page);
		return;
	}
	o->range = range;
}

static void object_leave(struct model_object *o)
{
	unsigned long pfn = page_to_pfn(o->page);
	bool pinned = model_page_pinned(pfn), live = model_page_live(pfn);
	int err = pin_range_leave(o->range);

	NEVER(!err && live);
	NEVER(err && (err != -EBUSY || (!depth && !pinned)));
	if (err)
		return;
	NEVER(o->page->content != o->content || o->page->ref != 1);
	o->range = NULL;
	put_page(o->page);
}

static void object_pin(struct model_object *o)
{
	struct pin_handle *pin;
	struct model_pin *m;
	bool exact;

	if (!room_for_pin())
		return;
	m = model_pin_new(shim_random(STAYING), 1);
	exact = shim_random(2);
	if (exact)
		pin = pin_pages(model_pinners[m->by], o->page, 1, 0, m, NULL);
	else
		pin = pin_range_pin(model_pinners[m->by], o->range, 0, m, NULL);
	if (IS_ERR(pin)) {
		/* It has moved away meanwhile. */
		if (PTR_ERR(pin) != -ENXIO || !exact)
			check_error(PTR_ERR(pin), true);
		free(m);
		return;
	}
	model_pin_add(m, pin);
	NEVER(pin_page(pin, 0) != o->page);
	NEVER(o->page->content != o->content);
}

/* As the memory manager does it. */
static int object_migrate(struct model_object *o)
{
	const struct movable_operations *ops = o->page->mapping;
	struct page *src = o->page, *dst = alloc_page(GFP_KERNEL);
	enum migrate_mode mode = shim_random(3);
	int err;

	if (!dst)
		return -ENOMEM;
	get_page(src);
	NEVER(!ops->isolate_page(src, 0));
	lock_page(src);
	lock_page(dst);
	src->isolated = true;
	err = ops->migrate_page(dst, src, mode);
	if (err)
		ops->putback_page(src);
	src->isolated = false;
	unlock_page(dst);
	unlock_page(src);
	put_page(src);
	put_page(dst);
	NEVER(err && err != -EAGAIN && err != -EBUSY);
	NEVER((o->page == src) != !!err);
	return err;
}

static void object_move(struct model_object *o)
{
	int err;

	if (shim_random(2))
		err = object_migrate(o);
	else
		err = pin_registry_move(page_to_pfn(o->page), 1,
					shim_random(400));
	NEVER(err == -ENOMEM && !model_failing);
	NEVER(o->page->content != o->content);
}

static void step_object(void)
{
	struct model_object *o = &model_objects[shim_random(MODEL_OBJECTS)];

	/* A page that is locked would have to be waited for. */
	if (o->page && o->page->locked)
		return;
	if (!o->range) {
		object_join(o);
		return;
	}
	switch (shim_random(5)) {
	case 0:
		object_leave(o);
		break;
	case 1:
	case 2:
		object_pin(o);
		break;
	default:
		object_move(o);
	}
}

/* --- one after the other, and inside each other --------------------------------- */

static void step_work(void)
{
	shim_work();
}

static void (*const all_steps[])(void) = {
	step_pin, step_pin, step_pin, step_end, step_end, step_reference,
	step_move, step_move, step_move, step_move_again, step_end_move, step_end_move,
	step_revoke, step_unmap, step_flush, step_look, step_use, step_batch, step_bad, step_object,
	step_object, step_object, step_work, step_work, look_in_windows,
};

static void step(void)
{
	steps++;
	if (!depth)
		shim_taken = 0;
	all_steps[shim_random(ARRAY_SIZE(all_steps))]();
}

void shim_elsewhere(void)
{
	struct task_struct *task = current;

	if (depth == MAX_DEPTH - 1 || shim_random(3))
		return;
	current = &tasks[++depth];
	step();
	depth--;
	current = task;
}

static void settle(void)
{
	int i;

	while (shim_work())
		;
	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		if (m && m->ended)
			model_pin_end(m);
		else if (m && m->by == GENERAL)
			model_forget_lost(m);
	}
}

static void check_some(void)
{
	unsigned long first = shim_random(SHIM_XA_SLOTS);
	int i;

	/* Nobody else meanwhile. */
	depth = MAX_DEPTH - 1;
	settle();
	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		if (!m)
			continue;
		model_check_pin(m);
		if (m->ended && shim_random(2))
			model_pin_put(m);
	}
	for (i = 0; i < 8; i++)
		model_check_page(shim_random(SHIM_XA_SLOTS));
	model_check_walk(first, first + shim_random(SHIM_XA_SLOTS - first));
	model_check_walk(0, ULONG_MAX);
	depth = 0;
}

static struct pin_range *ranges[3];

static void join_ranges(void)
{
	static const struct pin_mover_ops no_mover;
	/* In the middle of chunks, too. */
	static const unsigned long ends[] = { 0, 40, 128, MODEL_PAGES };
	struct pin_range *again;
	int i;

	for (i = 0; i < 3; i++) {
		ranges[i] = pin_range_join("test", ends[i], ends[i + 1] - ends[i],
					   &no_mover, NULL);
		NEVER(IS_ERR(ranges[i]));
		again = pin_range_join("again", ends[i + 1] - 1, 2, &no_mover,
				       NULL);
		NEVER(again != ERR_PTR(-EBUSY));
	}
}

/* Nobody asks any more: a new pin is lazy. */
static void check_askers(void)
{
	struct model_pin *m = model_pin_new(ATOMIC, 1);
	struct pin_handle *pin;

	m->user = true;
	pin = user_pin(m, false);
	NEVER(IS_ERR(pin) || !pin->lazy);
	model_pin_add(m, pin);
	end_pin(m);
	settle();
	model_pin_put(m);
}

/* Everything goes, and nothing is left. */
static void clean_up(void)
{
	unsigned long i;

	shim_alloc_fails = 0;
	model_failing = false;
	depth = MAX_DEPTH - 1;
	settle();
	for (i = 0; i < MODEL_MOVES; i++) {
		if (model_moves[i].prepared)
			end_move(&model_moves[i], true);
	}
	settle();
	for (i = 0; i < MODEL_PINS; i++) {
		if (model_pins[i])
			end_pin(model_pins[i]);
	}
	settle();
	for (i = 0; i < MODEL_PINS; i++) {
		while (model_pins[i])
			model_pin_put(model_pins[i]);
	}
	check_askers();
	depth = 0;
	for (i = 0; i < MODEL_OBJECTS; i++) {
		if (model_objects[i].range)
			object_leave(&model_objects[i]);
		NEVER(model_objects[i].range);
	}
	for (i = 0; i < 3; i++)
		NEVER(pin_range_leave(ranges[i]));
	for (i = 0; i < SHIM_XA_SLOTS; i++)
		NEVER(mem_map[i].pins || mem_map[i].ref != (i < MODEL_PAGES));
	windows_exit();
	index_exit();
	model_exit();
}

static void begin(void)
{
	current = &tasks[0];
	shim_alloc_fails = 0;
	shim_taken = 0;
	NEVER(pin_init());
	windows_init();
	model_init();
	join_ranges();
}

static void run(unsigned long fails)
{
	begin();
	shim_alloc_fails = fails;
	model_failing = fails;
	for (steps = 0; steps < STEPS;) {
		step();
		if (shim_random(16) == 0)
			check_some();
		else if (shim_random(4) == 0)
			shim_sleep(shim_random(50));
	}
	clean_up();
	pin_exit();
	CHECK(!shim_locks);
}

static void test_model(void)
{
	run(0);
}

static void test_model_no_memory(void)
{
	run(40);
}

static int count_pin(struct pin_handle *pin, const struct pin_info *info,
		     void *arg)
{
	*(unsigned long *)arg += info->nr;
	return 0;
}

/*
 * A lazy pin that has lost a page of its first chunk cannot enter the index, because
 * there is no bucket for its second one: what was entered is undone, around the hole.
 */
static void test_lazy_hole(void)
{
	struct model_pin *other = model_pin_new(ATOMIC, 1);
	struct model_pin *m = model_pin_new(ATOMIC, PIN_CHUNK_PAGES);
	struct pin_span hole = { 2, 1 };
	unsigned long j, told = 0;
	struct pin_handle *pin;

	begin();
	/* Nobody else meanwhile. */
	depth = MAX_DEPTH - 1;
	/* A bucket for the first chunk. */
	model_pin_add(other, kernel_pin(other, false));
	m->user = true;
	for (j = 0; j < m->nr; j++)
		m->where[j] = PIN_CHUNK_PAGES / 2 + j;
	pin = user_pin(m, false);
	NEVER(IS_ERR(pin));
	model_pin_add(m, pin);
	NEVER(!pin->lazy);
	NEVER(pin_slot_take(pin, pin_deadline(pin), false));
	NEVER(pin_revoke(pin, hole, PIN_REVOKE_UNMAP, pin_deadline(pin)));
	pin_slot_release(pin);

	shim_alloc_fails = 1;
	NEVER(pin_for_each(0, MODEL_PAGES - 1, count_pin, &told) != -ENOMEM);
	NEVER(!pin->lazy || pin_page(pin, hole.first));
	model_check_pin(m);
	/* Who asks has better memory than is there under locks. */
	shim_alloc_fails = 0;
	shim_nowait_fails = true;
	NEVER(pin_for_each(0, MODEL_PAGES - 1, count_pin, &told));
	shim_nowait_fails = false;
	/* And the other one's page. */
	NEVER(pin->lazy || told != m->nr - 1 + 1);
	for (j = 0; j < 2 * PIN_CHUNK_PAGES; j++)
		model_check_page(j);
	clean_up();
	pin_exit();
	CHECK(!shim_locks);
}

/*
 * The slot has become free since it could not be had: whoever leaves something to be
 * done then has to do it, as nobody else comes.
 */
static void test_left_to_nobody(void)
{
	struct model_pin *m = model_pin_new(ATOMIC, 1);
	struct pin_span all = { 0, 1 };
	struct pin_handle *pin;

	begin();
	depth = MAX_DEPTH - 1;
	pin = kernel_pin(m, false);
	NEVER(IS_ERR(pin));
	model_pin_add(m, pin);
	pin_revoke_later(pin, all, PIN_REVOKE_UNMAP);
	NEVER(m->use[0] != LOST || pin_page(pin, 0));
	NEVER(pin_slot_take(pin, pin_deadline(pin), false));
	pin_slot_release(pin);
	clean_up();
	pin_exit();
	CHECK(!shim_locks);
}

static const struct unit_test tests[] = {
	{ "pin registry: what is left when the slot is free is done",
	  test_left_to_nobody },
	{ "pin registry: a lazy pin with a hole enters the index, or does not",
	  test_lazy_hole },
	{ "pin registry: 1,000,000 steps as the model", test_model },
	{ "pin registry: the same with failing allocations",
	  test_model_no_memory },
};

/* Twenty times what they need, of the processor's time: the machine may be slow. */
static const struct itimerval most = { .it_value.tv_sec = 300 };

static void no_end(int signal)
{
	static const char text[] = "not ok pin registry: no end\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(2);
}

int main(void)
{
	signal(SIGVTALRM, no_end);
	setitimer(ITIMER_VIRTUAL, &most, NULL);
	return unit_run(tests, ARRAY_SIZE(tests));
}
