// SPDX-License-Identifier: GPL-2.0
/*
 * Bios: all is done in the context that submits them, by copying. What a write
 * carries is read once, into a buffer or to all copies of a mirror: it may change
 * under us (O_DIRECT from a mapping), and copies or parity must not differ for
 * that.
 */
#include <linux/highmem.h>

#include "pfn_raid.h"
#include "vector.h"

/**
 * struct raid_flush - a flush of all legs, alone or behind a FUA write
 * @bio: sent to one leg after the other
 * @parent: completes then
 * @rt: target
 * @role: next leg
 * @media: of the leg that @bio was sent to
 * @work: for completions that come in interrupt context, and for errors
 */
struct raid_flush {
	struct bio bio;
	struct bio *parent;
	struct raid_target *rt;
	u32 role;
	void *media;
	struct work_struct work;
};

const unsigned int raid_per_io_data_size = sizeof(struct raid_flush);

static void flush_next(struct raid_flush *flush);

/* A leg that can be spared is not missed; the flush is done by the others. */
static void flush_resume(struct work_struct *work)
{
	struct raid_flush *flush = container_of(work, struct raid_flush, work);
	blk_status_t status = flush->bio.bi_status;

	if (status && raid_leg_fail(&flush->rt->raid, flush->role,
				    flush->media))
		flush->parent->bi_status = status;
	flush->role++;
	flush_next(flush);
}

/* In submit_bio(), or in an interrupt: the rest takes a context of its own. */
static void flush_done(struct bio *bio)
{
	struct raid_flush *flush = container_of(bio, struct raid_flush, bio);

	bio_uninit(bio);
	if (in_task() && !bio->bi_status) {
		flush->role++;
		flush_next(flush);
		return;
	}
	INIT_WORK(&flush->work, flush_resume);
	queue_work(flush->rt->flush_wq, &flush->work);
}

/* The legs' devices stay until no bio is on its way (retired). */
static void flush_next(struct raid_flush *flush)
{
	struct raid_target *rt = flush->rt;
	u32 nr = rt->raid.sb.layout.nr_legs;
	struct raid_device *device = NULL;

	for (; flush->role < nr; flush->role++) {
		device = READ_ONCE(rt->devices[flush->role]);
		if (device && raid_leg_live(&rt->raid, flush->role))
			break;
	}
	if (flush->role == nr) {
		bio_endio(flush->parent);
		return;
	}
	flush->media = &device->io;
	bio_init(&flush->bio, device->io.bdev, NULL, 0,
		 REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC);
	flush->bio.bi_end_io = flush_done;
	submit_bio_noacct(&flush->bio);
}

static int flush_legs(struct raid_target *rt, struct bio *bio)
{
	struct raid_flush *flush = dm_per_bio_data(bio, sizeof(*flush));

	flush->rt = rt;
	flush->parent = bio;
	flush->role = 0;
	flush_next(flush);
	return DM_MAPIO_SUBMITTED;
}

/* --- reading -------------------------------------------------------------- */

static int read_degraded(struct raid_target *rt, const struct raid_group *group,
			 u32 index, u32 off, u32 len, void *dst)
{
	struct raid_io_buf *io = raid_buf_get(rt);
	struct mutex *lock = raid_group_lock(&rt->raid, group->index);
	int err;

	if (!io)
		return -EIO;
	mutex_lock(lock);
	err = raid_group_read_locked(&rt->raid, group, &io->buf, index, off,
				     len, dst);
	mutex_unlock(lock);
	raid_buf_put(rt, io);
	return err;
}

/* Within one page of the array. */
static int read_part(struct raid_target *rt, u64 pos, u32 len, void *dst)
{
	struct raid *raid = &rt->raid;
	u32 off = pos % RAID_PAGE_SIZE, index;
	struct raid_group group;
	u64 g;
	int err;

	g = raid_layout_locate(&raid->sb.layout, pos / RAID_PAGE_SIZE, &index);
	if (!raid_group_written(raid, g)) {
		memset(dst, 0, len);
		return 0;
	}
	raid_layout_group(&raid->sb.layout, g, &group);
	err = raid_group_read(raid, &group, index, off, len, dst);
	if (unlikely(err))
		err = read_degraded(rt, &group, index, off, len, dst);
	/* Forgotten meanwhile, a rebuild may have passed it: a leg has anything there. */
	smp_rmb();
	if (unlikely(!raid_group_written(raid, g))) {
		memset(dst, 0, len);
		err = 0;
	}
	return err;
}

static int read_segment(struct raid_target *rt, u64 pos, u32 len, void *dst)
{
	int err = 0;

	while (len && !err) {
		u32 part = min_t(u32, len,
				 RAID_PAGE_SIZE - pos % RAID_PAGE_SIZE);

		err = read_part(rt, pos, part, dst);
		pos += part;
		dst += part;
		len -= part;
	}
	return err;
}

static int read_bio(struct raid_target *rt, struct bio *bio, u64 pos)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	int err = 0;

	bio_for_each_segment(bv, bio, iter) {
		void *mem = kmap_local_page(bv.bv_page);

		err = read_segment(rt, pos, bv.bv_len, mem + bv.bv_offset);
		kunmap_local(mem);
		flush_dcache_page(bv.bv_page);
		if (err)
			break;
		pos += bv.bv_len;
	}
	return err;
}

/* --- writing -------------------------------------------------------------- */

static bool copy_part(void *dst, struct bio_vec *bv, u32 len)
{
	void *src = bvec_kmap_local(bv);
	bool taken = raid_data_take(dst, src, len);

	kunmap_local(src);
	return taken;
}

/* Take @len bytes of the bio's data, or zeroes if it has none. False if it is poisoned. */
static bool take_data(struct bio *bio, struct bvec_iter *cursor, void *dst,
		      u32 len)
{
	if (bio_op(bio) == REQ_OP_WRITE_ZEROES) {
		memset(dst, 0, len);
		return true;
	}
	while (len) {
		struct bio_vec bv = bio_iter_iovec(bio, *cursor);
		u32 part = min(len, bv.bv_len);

		if (!copy_part(dst, &bv, part))
			return false;
		bio_advance_iter_single(bio, cursor, part);
		dst += part;
		len -= part;
	}
	return true;
}

static void skip_data(struct bio *bio, struct bvec_iter *cursor, u32 len)
{
	if (bio_op(bio) != REQ_OP_WRITE_ZEROES)
		bio_advance_iter(bio, cursor, len);
}

static int write_group(struct raid_target *rt, struct raid_io_buf *io,
		       const struct raid_group *group,
		       const struct raid_write *write, bool zeroes)
{
	struct mutex *lock = raid_group_lock(&rt->raid, group->index);
	int err;

	/* What was never written is zero already. */
	if (zeroes && raid_region_is_zero(&rt->raid, group->index))
		return 0;
	err = raid_group_lock_written(&rt->raid, group->index);
	if (err)
		return err;
	err = raid_group_write(&rt->raid, group, &io->buf, write);
	mutex_unlock(lock);
	return err;
}

/**
 * struct row_write - the part of a bio that is in one row of chunks
 * @rt: target
 * @io: buffer
 * @bio: the bio
 * @chunk: size of a chunk; a page if there is no parity
 * @row: where the row begins, all in bytes
 * @pos: where the part begins
 * @end: where it ends
 * @first: first chunk of the row that it touches
 * @last: last one
 */
struct row_write {
	struct raid_target *rt;
	struct raid_io_buf *io;
	struct bio *bio;
	u64 chunk;
	u64 row;
	u64 pos;
	u64 end;
	u32 first;
	u32 last;
};

/* Where in the bio the data of each chunk begins. */
static void set_cursors(struct row_write *w, const struct bvec_iter *iter)
{
	u32 i;

	w->io->cursor[w->first] = *iter;
	for (i = w->first + 1; i <= w->last; i++) {
		w->io->cursor[i] = w->io->cursor[i - 1];
		skip_data(w->bio, &w->io->cursor[i], w->row + i * w->chunk -
			  max(w->pos, w->row + (i - 1) * w->chunk));
	}
}

/* The data of a mirror's page where it is, if it is in one piece. */
static const void *lend(struct row_write *w, u32 len)
{
	struct bio_vec bv;

	if (!raid_is_mirror(&w->rt->raid.sb.layout))
		return NULL;
	if (bio_op(w->bio) == REQ_OP_WRITE_ZEROES)
		return raid_zeroes;
	bv = bio_iter_iovec(w->bio, w->io->cursor[0]);
	if (bv.bv_len < len || PageHighMem(bv.bv_page))
		return NULL;
	return bvec_virt(&bv);
}

/* The data for a page of each chunk: they are one group's. False if it is poisoned. */
static bool take_group(struct row_write *w, u64 in_chunk,
		       struct raid_write *write)
{
	u32 i;

	for (i = w->first; i <= w->last; i++) {
		u64 page = w->row + i * w->chunk + in_chunk;
		u64 lo = max(w->pos, page);
		u64 hi = min(w->end, page + RAID_PAGE_SIZE);

		if (lo >= hi)
			continue;
		if (!write->nr++) {
			write->first = i;
			write->lo = lo - page;
		}
		write->hi = hi - page;
		write->lent = lend(w, hi - lo);
		if (!write->lent &&
		    !take_data(w->bio, &w->io->cursor[i],
			       w->io->buf.new[i] + (lo - page), hi - lo))
			return false;
	}
	return true;
}

/* Group by group: what belongs to one is written together. */
static int write_row(struct row_write *w)
{
	const struct raid_layout *layout = &w->rt->raid.sb.layout;
	bool zeroes = bio_op(w->bio) == REQ_OP_WRITE_ZEROES;
	u64 in_chunk = 0, stop = w->chunk;
	struct raid_group group;
	u32 index;
	int err = 0;

	/* Most writes are small: look at their pages only. */
	if (w->first == w->last) {
		u64 start = w->row + w->first * w->chunk;

		in_chunk = round_down(w->pos - start, (u64)RAID_PAGE_SIZE);
		stop = w->end - start;
	}
	for (; in_chunk < stop && !err; in_chunk += RAID_PAGE_SIZE) {
		struct raid_write write = { .hi = RAID_PAGE_SIZE };

		if (!take_group(w, in_chunk, &write))
			return -EIO;
		if (!write.nr)
			continue;
		raid_layout_group(layout, raid_layout_locate(layout,
				  (w->row + in_chunk) / RAID_PAGE_SIZE, &index),
				  &group);
		err = write_group(w->rt, w->io, &group, &write, zeroes);
	}
	return err;
}

static int write_range(struct raid_target *rt, struct bio *bio, u64 pos,
		       u64 end)
{
	const struct raid_layout *layout = &rt->raid.sb.layout;
	u64 row;
	struct bvec_iter iter = bio->bi_iter;
	struct row_write w = {
		.rt = rt,
		.io = raid_buf_get(rt),
		.bio = bio,
		.chunk = RAID_PAGE_SIZE,
	};
	int err = 0;

	if (!w.io)
		return -EIO;
	if (!raid_is_mirror(layout))
		w.chunk *= layout->chunk_pages;
	row = w.chunk * layout->nr_data;
	for (; pos < end && !err; pos = w.end) {
		w.row = pos / row * row;
		w.pos = pos;
		w.end = min(end, w.row + row);
		w.first = (w.pos - w.row) / w.chunk;
		w.last = (w.end - 1 - w.row) / w.chunk;
		set_cursors(&w, &iter);
		err = write_row(&w);
		if (w.end < end)
			skip_data(bio, &iter, w.end - w.pos);
		if (bio_op(bio) == REQ_OP_WRITE_ZEROES)
			cond_resched();
	}
	raid_buf_put(rt, w.io);
	return err;
}

static int write_bio(struct raid_target *rt, struct bio *bio, u64 pos)
{
	return write_range(rt, bio, pos, pos + bio->bi_iter.bi_size);
}

/* --- forgetting ----------------------------------------------------------- */

/* The regions of the array's unit that begins at @pos. */
static int forget_unit(struct raid_target *rt, u64 pos)
{
	const struct raid_super *sb = &rt->raid.sb;
	u64 groups = raid_discard_unit(sb) / RAID_PAGE_SIZE /
		     sb->layout.nr_data;
	u64 group = pos / RAID_PAGE_SIZE / sb->layout.nr_data;
	u64 end = min(group + groups, sb->layout.nr_groups);
	int err = 0;

	for (; !err && group < end; group += sb->region_groups)
		err = raid_region_forget(&rt->raid, group / sb->region_groups);
	return err;
}

/*
 * Whole regions are forgotten, as if never written. Of the rest, what is to be zero
 * is written; what is only not needed stays.
 */
static int forget_bio(struct raid_target *rt, struct bio *bio, u64 pos)
{
	u64 unit = raid_discard_unit(&rt->raid.sb), next;
	u64 size = rt->raid.sb.layout.size_pages * RAID_PAGE_SIZE;
	u64 end = pos + bio->bi_iter.bi_size;
	bool zeroes = bio_op(bio) == REQ_OP_WRITE_ZEROES;
	int err = 0;

	for (; !err && pos < end; pos = next) {
		next = min((pos / unit + 1) * unit, size);
		if (pos % unit || next > end) {
			next = min(next, end);
			if (zeroes)
				err = write_range(rt, bio, pos, next);
		} else {
			err = forget_unit(rt, pos);
		}
		cond_resched();
	}
	return err;
}

/**
 * raid_map() - device-mapper's map
 * @ti: target
 * @bio: clone, of which only this target's part is left
 *
 * Context: process context, may sleep.
 * Return: DM_MAPIO_*.
 */
int raid_map(struct dm_target *ti, struct bio *bio)
{
	struct raid_target *rt = ti->private;
	u64 pos = dm_target_offset(ti, bio->bi_iter.bi_sector) << SECTOR_SHIFT;
	u64 begin;
	int err;

	if (unlikely(bio->bi_opf & REQ_PREFLUSH && !bio_sectors(bio)))
		return flush_legs(rt, bio);
	/* The table was to make the array larger, and did not. */
	if (unlikely(pos + bio->bi_iter.bi_size > rt->size))
		return DM_MAPIO_KILL;
	begin = raid_pace_enter(rt);
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		err = read_bio(rt, bio, pos);
		break;
	case REQ_OP_WRITE:
		err = write_bio(rt, bio, pos);
		break;
	case REQ_OP_WRITE_ZEROES:
	case REQ_OP_DISCARD:
		err = forget_bio(rt, bio, pos);
		break;
	default:
		return DM_MAPIO_KILL;
	}
	raid_pace_exit(rt, begin);
	if (unlikely(err))
		bio->bi_status = errno_to_blk_status(err);
	else if (bio->bi_opf & REQ_FUA)
		return flush_legs(rt, bio);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}
