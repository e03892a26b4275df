/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A naive model of the pin registry: each pin knows where each of its pages is and
 * whether its pinner uses it. The pinners are the model's own, and hold the registry
 * to its contract (include/linux/pin_registry.h) whenever they are called.
 */
#ifndef _PINFOLD_PIN_MODEL_H
#define _PINFOLD_PIN_MODEL_H

#include "../../mm/registry.h"

#define MODEL_PAGES	192	/* of joined ranges; single pages are above */
#define MODEL_PINS	48
#define MODEL_PIN_PAGES	40	/* over three chunks */
#define MODEL_MOVES	3
#define MODEL_OBJECTS	12
#define NOWHERE		ULONG_MAX

enum model_use {
	USING,
	STOPPED,	/* prepared */
	LOST,		/* revoked */
};

/* The pinners: how they are called, and what may be done to them. */
enum model_pinner {
	ATOMIC,		/* callbacks do not sleep */
	SLEEPING,	/* callbacks run in a worker, and are late at times */
	GENERAL,	/* pin_general_ops */
	STAYING,	/* of a class that does not move */
	KEEPING,	/* of a class that is not revoked */
	NR_PINNERS,
};

struct model_pin {
	struct pin_handle *pin;
	enum model_pinner by;
	bool user;
	int ended;		/* calls of pin_end() */
	bool gone;		/* and no callback may come any more */
	bool in_callback;
	long stopped;		/* pages prepared less those that went on */
	unsigned int refs;	/* handles that the model has */
	unsigned long nr;
	unsigned long where[MODEL_PIN_PAGES];
	enum model_use use[MODEL_PIN_PAGES];
	unsigned long serial;
};

struct model_move {
	struct pin_move move;
	bool active;
	bool prepared;
	unsigned long src, dst, nr;
};

/* A page that joined by itself. */
struct model_object {
	struct pin_range *range;
	struct page *page;
	u64 content;
};

extern struct pinner *model_pinners[NR_PINNERS];
extern struct model_pin *model_pins[MODEL_PINS];
extern struct model_move model_moves[MODEL_MOVES];
extern struct model_object model_objects[MODEL_OBJECTS];
extern unsigned long model_serial;
extern bool model_failing;	/* allocations fail */

struct model_pin *model_pin_new(enum model_pinner by, unsigned long nr);
void model_pin_add(struct model_pin *m, struct pin_handle *pin);
void model_pin_put(struct model_pin *m);
void model_pin_end(struct model_pin *m);
struct model_pin *model_pin_random(void);
bool model_page_pinned(unsigned long pfn);
bool model_page_live(unsigned long pfn);
bool model_page_moving(unsigned long pfn);
void model_prepared(unsigned long src, unsigned long nr);
void model_moved(unsigned long src, unsigned long dst, unsigned long nr);
void model_forget_lost(struct model_pin *m);
void model_check_pin(struct model_pin *m);
void model_check_page(unsigned long pfn);
void model_check_walk(unsigned long first, unsigned long last);
void model_init(void);
void model_exit(void);

#endif /* _PINFOLD_PIN_MODEL_H */
