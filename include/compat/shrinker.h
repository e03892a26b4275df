/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shrinkers: embedded and registered at once, or (since 6.7) allocated by the
 * kernel with a private pointer.
 */
#ifndef _PINFOLD_COMPAT_SHRINKER_H
#define _PINFOLD_COMPAT_SHRINKER_H

#include <linux/shrinker.h>
#include <linux/slab.h>

/*
 * Both callbacks get the private pointer and the number to scan (0 when
 * counting), and return what the kernel's callbacks return.
 */
typedef unsigned long (*compat_shrinker_fn)(void *private,
					    unsigned long nr_to_scan);

struct compat_shrinker {
#if PINFOLD_HAVE_SHRINKER_ALLOC
	struct shrinker *shrinker;
#else
	struct shrinker shrinker;
#endif
	compat_shrinker_fn count;
	compat_shrinker_fn scan;
	void *private;
};

static inline struct compat_shrinker *to_compat_shrinker(struct shrinker *s)
{
#if PINFOLD_HAVE_SHRINKER_ALLOC
	return s->private_data;
#else
	return container_of(s, struct compat_shrinker, shrinker);
#endif
}

static inline unsigned long compat_shrinker_count(struct shrinker *s,
						  struct shrink_control *sc)
{
	struct compat_shrinker *shrinker = to_compat_shrinker(s);

	return shrinker->count(shrinker->private, 0);
}

static inline unsigned long compat_shrinker_scan(struct shrinker *s,
						 struct shrink_control *sc)
{
	struct compat_shrinker *shrinker = to_compat_shrinker(s);

	return shrinker->scan(shrinker->private, sc->nr_to_scan);
}

static inline int compat_shrinker_register(struct compat_shrinker *shrinker,
					   const char *name)
{
#if PINFOLD_HAVE_SHRINKER_ALLOC
	struct shrinker *s = shrinker_alloc(0, "%s", name);

	if (!s)
		return -ENOMEM;
	s->count_objects = compat_shrinker_count;
	s->scan_objects = compat_shrinker_scan;
	s->private_data = shrinker;
	shrinker->shrinker = s;
	shrinker_register(s);
	return 0;
#else
	shrinker->shrinker.count_objects = compat_shrinker_count;
	shrinker->shrinker.scan_objects = compat_shrinker_scan;
	shrinker->shrinker.seeks = DEFAULT_SEEKS;
	return register_shrinker(&shrinker->shrinker, "%s", name);
#endif
}

/**
 * compat_shrinker_create() - register a shrinker
 * @name: for debugfs
 * @count: how many objects could be freed
 * @scan: free some, and say how many were
 * @private: for both
 *
 * Context: process context, may sleep.
 * Return: the shrinker, or NULL if there was no memory for it.
 */
static inline struct compat_shrinker *
compat_shrinker_create(const char *name, compat_shrinker_fn count,
		       compat_shrinker_fn scan, void *private)
{
	struct compat_shrinker *shrinker;

	shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
	if (!shrinker)
		return NULL;
	shrinker->count = count;
	shrinker->scan = scan;
	shrinker->private = private;
	if (compat_shrinker_register(shrinker, name)) {
		kfree(shrinker);
		return NULL;
	}
	return shrinker;
}

/**
 * compat_shrinker_destroy() - unregister a shrinker
 * @shrinker: from compat_shrinker_create(), or NULL
 *
 * No callback runs any more when this returns.
 *
 * Context: process context, may sleep.
 */
static inline void compat_shrinker_destroy(struct compat_shrinker *shrinker)
{
	if (!shrinker)
		return;
#if PINFOLD_HAVE_SHRINKER_ALLOC
	shrinker_free(shrinker->shrinker);
#else
	unregister_shrinker(&shrinker->shrinker);
#endif
	kfree(shrinker);
}

#endif /* _PINFOLD_COMPAT_SHRINKER_H */
