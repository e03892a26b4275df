// SPDX-License-Identifier: GPL-2.0
#include "pin_model.h"

struct pinner *model_pinners[NR_PINNERS];
struct model_pin *model_pins[MODEL_PINS];
struct model_move model_moves[MODEL_MOVES];
struct model_object model_objects[MODEL_OBJECTS];
unsigned long model_serial;
bool model_failing;

/* --- pins ---------------------------------------------------------------- */

static bool inside(unsigned long pfn, unsigned long first, unsigned long nr)
{
	return pfn != NOWHERE && pfn >= first && pfn - first < nr;
}

static bool moving_away(unsigned long pfn)
{
	int i;

	for (i = 0; i < MODEL_MOVES; i++) {
		struct model_move *v = &model_moves[i];

		if (v->prepared && inside(pfn, v->src, v->nr))
			return true;
	}
	return false;
}

struct model_pin *model_pin_new(enum model_pinner by, unsigned long nr)
{
	struct model_pin *m = calloc(1, sizeof(*m));

	m->by = by;
	m->nr = nr;
	m->serial = ++model_serial;
	return m;
}

void model_pin_add(struct model_pin *m, struct pin_handle *pin)
{
	unsigned long j;
	int i;

	m->pin = pin;
	m->refs = 1;
	/* Since it can be found, others may have moved it or taken pages away. */
	for (j = 0; j < m->nr; j++) {
		struct page *page = pin_page(pin, j);

		if (m->use[j] == LOST || (!page && m->by == GENERAL)) {
			m->use[j] = LOST;
			m->where[j] = NOWHERE;
			continue;
		}
		NEVER(!page);
		m->where[j] = page_to_pfn(page);
		if (m->by == GENERAL && moving_away(m->where[j]))
			m->use[j] = STOPPED;
	}
	for (i = 0; model_pins[i]; i++)
		NEVER(i == MODEL_PINS - 1);
	model_pins[i] = m;
}

/* A handle of the model goes; the pin has ended. */
void model_pin_put(struct model_pin *m)
{
	struct pin_handle *pin = m->pin;
	int i;

	if (--m->refs == 0) {
		for (i = 0; model_pins[i] != m; i++)
			;
		model_pins[i] = NULL;
		free(m);
	}
	pin_put(pin);
}

/* It has no pages any more. */
void model_pin_end(struct model_pin *m)
{
	unsigned long j;

	m->gone = true;
	for (j = 0; j < m->nr; j++) {
		m->where[j] = NOWHERE;
		m->use[j] = LOST;
	}
}

struct model_pin *model_pin_random(void)
{
	int i, at = shim_random(MODEL_PINS);

	for (i = 0; i < MODEL_PINS; i++, at = (at + 1) % MODEL_PINS) {
		if (model_pins[at])
			return model_pins[at];
	}
	return NULL;
}

static struct model_pin *model_of(struct pin_handle *pin)
{
	int i;

	for (i = 0; i < MODEL_PINS; i++) {
		if (model_pins[i] && model_pins[i]->pin == pin)
			return model_pins[i];
	}
	return NULL;
}

/* By whoever the model knows of, or only by @live pins that will stay so? */
static bool pinned(unsigned long pfn, bool live)
{
	unsigned long j;
	int i;

	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		for (j = 0; m && j < m->nr; j++) {
			if (m->where[j] != pfn)
				continue;
			if (!live || (!m->ended && pin_page(m->pin, j)))
				return true;
		}
	}
	return false;
}

bool model_page_pinned(unsigned long pfn)
{
	return pinned(pfn, false);
}

bool model_page_live(unsigned long pfn)
{
	return pinned(pfn, true);
}

/* On its way from here or to here. */
bool model_page_moving(unsigned long pfn)
{
	int i;

	for (i = 0; i < MODEL_MOVES; i++) {
		struct model_move *v = &model_moves[i];

		if (v->active && (inside(pfn, v->src, v->nr) ||
				  inside(pfn, v->dst, v->nr)))
			return true;
	}
	return false;
}

/* --- what moves do -------------------------------------------------------- */

/* All pinners of the pages have agreed to a move. */
void model_prepared(unsigned long src, unsigned long nr)
{
	unsigned long j;
	int i;

	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		for (j = 0; m && !m->ended && j < m->nr; j++) {
			if (!inside(m->where[j], src, nr))
				continue;
			if (m->by == GENERAL)
				m->use[j] = STOPPED;
			NEVER(m->use[j] == USING);
			NEVER(m->by == STAYING);
		}
	}
}

/* The mover is about to say that the pages are at @dst, which may be @src still. */
void model_moved(unsigned long src, unsigned long dst, unsigned long nr)
{
	unsigned long j;
	int i;

	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		for (j = 0; m && j < m->nr; j++) {
			if (!inside(m->where[j], src, nr))
				continue;
			m->where[j] += dst - src;
			if (m->by == GENERAL)
				m->use[j] = USING;
		}
	}
}

/* The general ops do not tell the model of what they lose. */
void model_forget_lost(struct model_pin *m)
{
	unsigned long j;

	for (j = 0; j < m->nr; j++) {
		if (pin_page(m->pin, j))
			continue;
		m->where[j] = NOWHERE;
		m->use[j] = LOST;
	}
}

/* --- the pinners ------------------------------------------------------------ */

/* A pinner may end its pin in any callback of it. */
static void leave(struct model_pin *m)
{
	if (!m->ended && m->pin && shim_random(100) == 0) {
		m->ended++;
		NEVER(pin_end(model_pinners[m->by], m->pin));
	}
	m->in_callback = false;
}

static struct model_pin *enter(struct pin_handle *pin, unsigned long first,
			       unsigned long nr)
{
	struct model_pin *m = pin_cookie(pin);

	NEVER(shim_locks);
	NEVER(m->gone);
	NEVER(m->in_callback);
	NEVER(!nr || first + nr > m->nr);
	m->in_callback = true;
	if (m->by == SLEEPING && shim_random(4) == 0)
		shim_sleep(shim_random(300));
	else
		shim_yield();
	return m;
}

static int model_prepare(struct pin_handle *pin, unsigned long first,
			 unsigned long nr, unsigned long deadline)
{
	struct model_pin *m = enter(pin, first, nr);
	unsigned long j;
	int err = 0;

	if (shim_random(24) == 0)
		err = shim_random(8) ? -EBUSY : 7;
	for (j = first; j < first + nr; j++) {
		NEVER(m->use[j] == STOPPED);
		if (!err && m->use[j] == USING)
			m->use[j] = STOPPED;
	}
	if (!err)
		m->stopped += nr;
	leave(m);
	return err;
}

/* What was stopped goes on, where the registry says it is. */
static void resume(struct pin_handle *pin, unsigned long first,
		   unsigned long nr)
{
	struct model_pin *m = enter(pin, first, nr);
	unsigned long j;

	for (j = first; j < first + nr; j++) {
		struct page *page = pin_page(pin, j);

		NEVER(m->use[j] == USING);
		if (m->use[j] == LOST) {
			NEVER(page);
			continue;
		}
		NEVER(!page);
		/* Before it is added the model does not follow it. */
		NEVER(m->pin && page_to_pfn(page) != m->where[j]);
		m->use[j] = USING;
	}
	m->stopped -= nr;
	NEVER(m->stopped < 0);
	leave(m);
}

static void model_revoke(struct pin_handle *pin, unsigned long first,
			 unsigned long nr, enum pin_revoke_why why)
{
	struct model_pin *m = enter(pin, first, nr);
	unsigned long j;

	/* Whatever the class, a pin ends with its mapping. */
	NEVER(why == PIN_REVOKE_ASKED &&
	      (m->by == KEEPING || m->by == STAYING));
	for (j = first; j < first + nr; j++) {
		NEVER(m->use[j] == LOST);
		m->use[j] = LOST;
		m->where[j] = NOWHERE;
	}
	leave(m);
}

static void model_flush(struct pin_handle *pin, unsigned long first,
			unsigned long nr)
{
	leave(enter(pin, first, nr));
}

static const struct pinner_ops model_ops = {
	.prepare = model_prepare,
	.commit = resume,
	.abort = resume,
	.revoke = model_revoke,
	.flush = model_flush,
};

/* --- comparing, while nothing is going on ------------------------------------- */

static bool anything_moves(void)
{
	int i;

	for (i = 0; i < MODEL_MOVES; i++) {
		if (model_moves[i].prepared)
			return true;
	}
	return false;
}

void model_check_pin(struct model_pin *m)
{
	bool away = false, maybe = false;
	unsigned long j;

	NEVER(m->in_callback);
	NEVER(!m->ended && (m->pin->state || m->pin->late));
	NEVER(!m->ended && m->stopped && !anything_moves());
	for (j = 0; j < m->nr; j++) {
		struct page *page = pin_page(m->pin, j);

		if (m->ended || m->use[j] == LOST) {
			NEVER(page);
			/* It may have been on its way when it was revoked. */
			maybe = true;
			continue;
		}
		NEVER(!page || page_to_pfn(page) != m->where[j]);
		NEVER((m->use[j] == STOPPED) != moving_away(m->where[j]));
		away |= m->use[j] == STOPPED;
	}
	if (m->by != GENERAL || m->ended)
		return;
	if (pin_use(m->pin)) {
		NEVER(!away && !(maybe && anything_moves()));
	} else {
		NEVER(away);
		pin_unuse(m->pin);
	}
}

void model_check_page(unsigned long pfn)
{
	unsigned long j, refs = 0, told = 0;
	bool refs_first = shim_random(2);
	struct pin_handle *pin;
	struct model_pin *m;
	u64 since;
	int i;

	/* Whatever is asked first has to find what is lazy. */
	if (refs_first)
		told = pin_registry_refs(pfn);
	pin = pin_lookup(pfn);
	if (!refs_first)
		told = pin_registry_refs(pfn);
	since = pin ? pin->since : 0;
	NEVER(!pin != !model_page_pinned(pfn));
	if (pin) {
		m = model_of(pin);
		NEVER(!m);
		for (j = 0; m->where[j] != pfn; j++)
			NEVER(j == m->nr - 1);
		pin_put(pin);
	}
	for (i = 0; i < MODEL_PINS; i++) {
		m = model_pins[i];
		for (j = 0; m && j < m->nr; j++) {
			if (m->where[j] != pfn)
				continue;
			refs += m->user;
			/* The newest one was told. */
			NEVER(m->pin->since > since);
		}
	}
	NEVER(told != refs * GUP_PIN_COUNTING_BIAS);
	NEVER(mem_map[pfn].pins != (int)refs);
}

/* What a walk told: each page of each pin once. */
struct walk {
	unsigned long first;
	unsigned long last;
	unsigned long told;
};

static int walk_one(struct pin_handle *pin, const struct pin_info *info,
		    void *arg)
{
	struct model_pin *m = model_of(pin);
	struct walk *w = arg;
	unsigned long j;

	NEVER(!m || info->total != m->nr || info->user != m->user);
	NEVER(!info->nr || info->first + info->nr > m->nr);
	NEVER(info->first_pfn < w->first);
	NEVER(info->first_pfn + info->nr - 1 > w->last);
	for (j = 0; j < info->nr; j++)
		NEVER(m->where[info->first + j] != info->first_pfn + j);
	w->told += info->nr;
	return 0;
}

void model_check_walk(unsigned long first, unsigned long last)
{
	struct walk w = { first, last, 0 };
	unsigned long j, expected = 0;
	int i, err;

	for (i = 0; i < MODEL_PINS; i++) {
		struct model_pin *m = model_pins[i];

		for (j = 0; m && j < m->nr; j++) {
			if (m->where[j] != NOWHERE && m->where[j] >= first &&
			    m->where[j] <= last)
				expected++;
		}
	}
	err = pin_for_each(first, last, walk_one, &w);
	if (err == -ENOMEM && model_failing)
		return;
	NEVER(err);
	NEVER(w.told != expected);
}

/* --- beginning and end ----------------------------------------------------------- */

void model_init(void)
{
	static const struct pinner_desc descs[NR_PINNERS] = {
		[ATOMIC] = { "atomic", PIN_DEVICE_IO, PINNER_ATOMIC, 0,
			     &model_ops, NULL },
		[SLEEPING] = { "sleeping", PIN_DEVICE_IO, 0, 0, &model_ops,
			       NULL },
		[GENERAL] = { "general", PIN_RECLAIM, 0, 0, &pin_general_ops,
			      NULL },
		[STAYING] = { "staying", PIN_LOW_LATENCY, PINNER_ATOMIC, 0,
			      &model_ops, NULL },
		[KEEPING] = { "keeping", PIN_MLOCK, 0, 0, &model_ops, NULL },
	};
	int i;

	for (i = 0; i < NR_PINNERS; i++) {
		model_pinners[i] = pinner_register(&descs[i]);
		NEVER(IS_ERR(model_pinners[i]));
	}
	for (i = 0; i < MODEL_PAGES; i++)
		mem_map[i].ref = 1;
}

void model_exit(void)
{
	int i;

	for (i = 0; i < NR_PINNERS; i++) {
		NEVER(atomic_read(&model_pinners[i]->live));
		NEVER(pinner_unregister(model_pinners[i], 0));
	}
}
