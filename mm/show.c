// SPDX-License-Identifier: GPL-2.0
/*
 * What is pinned, for people: /sys/kernel/debug/pin_registry. One line for each
 * pin, or part of a pin; "pinfold pins" reads it.
 */
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "registry.h"

static struct dentry *dir;

static int show_pin(struct pin_handle *pin, const struct pin_info *info,
		    void *arg)
{
	struct seq_file *m = arg;

	seq_printf(m, "pin=%p pinner=%s class=%s kind=%s pfn=0x%lx first=%lu nr=%lu total=%lu write=%d age_us=%llu pid=%d why=",
		   pin, info->pinner, pin_class_policy(info->class)->name,
		   info->user ? "user" : "page", info->first_pfn, info->first,
		   info->nr, info->total, !!(info->flags & PIN_WRITE),
		   div_u64(info->age_ns, NSEC_PER_USEC), info->tgid);
	seq_escape(m, info->why, " \t\n\\");
	seq_putc(m, '\n');
	return 0;
}

/* One step of the sequence is one chunk; the position is its number plus one. */
static void *chunk_at(loff_t *pos)
{
	struct pin_bucket *b;

	if (*pos == 0)
		*pos = 1;
	b = index_bucket_after(*pos - 1);
	if (b)
		*pos = b->chunk + 1;
	return b;
}

static void *chunk_start(struct seq_file *m, loff_t *pos)
{
	int err = lazy_look(GFP_KERNEL);

	return err ? ERR_PTR(err) : chunk_at(pos);
}

static void *chunk_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct pin_bucket *b = v;

	index_bucket_put(b);
	++*pos;
	return chunk_at(pos);
}

static void chunk_stop(struct seq_file *m, void *v)
{
	if (!IS_ERR_OR_NULL(v))
		index_bucket_put(v);
}

static int chunk_show(struct seq_file *m, void *v)
{
	struct pin_bucket *b = v;
	unsigned long first = b->chunk << PIN_CHUNK_SHIFT;

	return pin_for_each(first, first + PIN_CHUNK_PAGES - 1, show_pin, m);
}

static const struct seq_operations pins_sops = {
	.start = chunk_start,
	.next = chunk_next,
	.stop = chunk_stop,
	.show = chunk_show,
};
DEFINE_SEQ_ATTRIBUTE(pins);

static void sum_stats(struct pinner *p, struct pinner_stats *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		struct pinner_stats *s = per_cpu_ptr(p->stats, cpu);

		sum->pins += READ_ONCE(s->pins);
		sum->pages += READ_ONCE(s->pages);
		sum->moves += READ_ONCE(s->moves);
		sum->refused += READ_ONCE(s->refused);
		sum->timeouts += READ_ONCE(s->timeouts);
		sum->revoked += READ_ONCE(s->revoked);
		for (i = 0; i < PIN_AGE_BARS; i++)
			sum->age[i] += READ_ONCE(s->age[i]);
	}
}

static void show_pinner(struct pinner *p, void *arg)
{
	struct pinner_stats s;
	struct seq_file *m = arg;
	int i;

	sum_stats(p, &s);
	seq_printf(m, "pinner=%s class=%s pins=%lld pages=%lld moves=%llu refused=%llu timeouts=%llu revoked=%llu age_us=",
		   p->name, pin_class_policy(p->class)->name, s.pins, s.pages,
		   s.moves, s.refused, s.timeouts, s.revoked);
	/* Bar 0 is below a microsecond, bar n below 2^n of them. */
	for (i = 0; i < PIN_AGE_BARS; i++) {
		if (s.age[i])
			seq_printf(m, "<%llu:%llu,", 1ULL << i, s.age[i]);
	}
	seq_putc(m, '\n');
}

static int statistics_show(struct seq_file *m, void *v)
{
	pinner_for_each(show_pinner, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(statistics);

void show_init(void)
{
	dir = debugfs_create_dir("pin_registry", NULL);
	debugfs_create_file("pins", 0400, dir, NULL, &pins_fops);
	debugfs_create_file("statistics", 0400, dir, NULL, &statistics_fops);
}

void show_exit(void)
{
	debugfs_remove_recursive(dir);
}
