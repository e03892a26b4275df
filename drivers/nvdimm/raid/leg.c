// SPDX-License-Identifier: GPL-2.0
/* The accessors that the array's logic reaches its legs by. */
#include <linux/uaccess.h>

#include "pfn_raid.h"
#include "vector.h"

int raid_media_load(struct raid *raid, void *media, u64 offset, void *dst,
		    size_t len)
{
	const struct pfn_io_dev *dev = media;
	int cookie, err;

	if (unlikely(!dev))
		return -ENXIO;
	cookie = pfn_io_begin();
	err = pfn_io_read(dev, offset, dst, len);
	pfn_io_end(cookie);
	this_cpu_add(to_target(raid)->traffic->read, len);
	return err;
}

static void count_store(struct raid *raid, u64 offset, size_t len)
{
	struct raid_traffic __percpu *traffic = to_target(raid)->traffic;

	if (offset >= raid->sb.data_offset)
		this_cpu_add(traffic->written, len);
	else
		this_cpu_add(traffic->metadata, len);
}

int raid_media_store(struct raid *raid, void *media, u64 offset,
		     const void *src, size_t len)
{
	const struct pfn_io_dev *dev = media;
	int cookie, err;

	if (unlikely(!dev))
		return -ENXIO;
	cookie = pfn_io_begin();
	err = pfn_io_write(dev, offset, src, len);
	pfn_io_end(cookie);
	count_store(raid, offset, len);
	return err;
}

int raid_media_clear(struct raid *raid, void *media, u64 offset,
		     const void *src)
{
	const struct pfn_io_dev *dev = media;
	int cookie, err;

	if (!dev)
		return -ENXIO;
	cookie = pfn_io_begin();
	err = pfn_io_clear_poison(dev, offset, src);
	pfn_io_end(cookie);
	count_store(raid, offset, RAID_PAGE_SIZE);
	return err;
}

int raid_media_probe(struct raid *raid, void *media, u64 offset)
{
	const struct pfn_io_dev *dev = media;
	struct pfn_run run;
	int cookie, err;

	if (unlikely(!dev))
		return -ENXIO;
	cookie = pfn_io_begin();
	err = pfn_io_map(dev, offset, RAID_PAGE_SIZE, &run);
	pfn_io_end(cookie);
	return err;
}

bool raid_media_claim(int *cookie)
{
	if (unlikely(!raid_vector_usable()))
		return false;
	*cookie = pfn_io_begin();
	return true;
}

void raid_media_release(int cookie)
{
	pfn_io_end(cookie);
}

void *raid_media_map(struct raid *raid, void *media, u64 offset, size_t len)
{
	struct pfn_run run;

	if (unlikely(!media || pfn_io_map(media, offset, len, &run)))
		return NULL;
	return run.len == len ? run.kaddr : NULL;
}

void raid_media_put(struct raid *raid, void *const *at, u32 nr, const void *src,
		    size_t len)
{
	size_t done;
	u32 i;

	/* A word at a time takes one instruction each, and no call. */
	for (i = 0; i < nr; i++)
		for (done = 0; done < len; done += sizeof(u64))
			memcpy_flushcache(at[i] + done, src + done, sizeof(u64));
	this_cpu_add(to_target(raid)->traffic->metadata, nr * len);
}

bool raid_data_take(void *dst, const void *src, size_t len)
{
	if (len % RAID_VECTOR_BLOCK || !raid_vector_usable())
		return !copy_mc_to_kernel(dst, src, len);
	return raid_vector_load(dst, src, len);
}

/* Not all drivers tell of all errors. */
static int dma_copy(struct raid_target *rt, void *dst, void *src, size_t len)
{
	void *const pair[2] = { dst, src };
	int err = pfn_io_dma_copy(rt->dma, dst, src, len);

	return err ?: raid_vector_fits_p(pair, 2, len) ? 0 : -EIO;
}

/* What the controller could not do, the CPU does: it knows of poison. */
bool raid_media_copy(struct raid *raid, void *dst, void *src, size_t len)
{
	struct raid_target *rt = to_target(raid);
	int err;

	if (!rt->dma)
		return raid_vector_store(dst, src, len);
	err = dma_copy(rt, dst, src, len);
	if (!err) {
		atomic64_add(len, &rt->stats.dma_copied);
		return true;
	}
	atomic64_inc(&rt->stats.dma_failed);
	/* The driver says that it ended the copy; nobody else can tell. */
	if (err == -ETIMEDOUT)
		rt->dma_late = true;
	if (err != -ENODEV)
		DMWARN_LIMIT("a copy by DMA failed (%d)", err);
	return raid_vector_store(dst, src, len);
}

void raid_media_moved(struct raid *raid, u64 read, u64 written)
{
	struct raid_traffic __percpu *traffic = to_target(raid)->traffic;

	this_cpu_add(traffic->read, read);
	this_cpu_add(traffic->written, written);
}

void raid_fence(void)
{
	pfn_io_fence();
}

/* Physical address of a page, for those who know their DIMMs by it. */
static u64 leg_phys(struct raid *raid, u32 leg, u64 page)
{
	const struct pfn_io_dev *dev = READ_ONCE(raid->legs[leg].media);
	struct pfn_run run;
	u64 phys = 0;
	int cookie;

	if (!dev)
		return 0;
	cookie = pfn_io_begin();
	if (!pfn_io_map(dev, raid_data_offset(raid, page), RAID_PAGE_SIZE,
			&run))
		phys = PFN_PHYS(pfn_t_to_pfn(pfn_io_pfn(&run)));
	pfn_io_end(cookie);
	return phys;
}

void raid_note(struct raid *raid, enum raid_note note, u32 leg, u64 page)
{
	struct raid_target *rt = to_target(raid);
	struct raid_device *device = READ_ONCE(rt->devices[leg]);
	const char *name = device ? device->dm_dev->name : "-";

	switch (note) {
	case RAID_NOTE_TWIN:
		device = READ_ONCE(rt->devices[RAID_TWIN]);
		DMERR("leg %u: %s, which was to replace it, failed and is given up; the leg stays",
		      leg, device ? device->dm_dev->name : "-");
		queue_work(system_unbound_wq, &rt->manage_work);
		break;
	case RAID_NOTE_FAILED:
		queue_work(system_unbound_wq, &rt->manage_work);
		raid_event_add(rt, RAID_EVENT_LEG_FAILED, leg, 1);
		DMERR("leg %u (%s) failed; the array goes on without it", leg,
		      name);
		break;
	case RAID_NOTE_REPAIRED:
		atomic64_inc(&rt->stats.repaired);
		raid_event_add(rt, RAID_EVENT_REPAIRED, leg, 1);
		DMWARN_LIMIT("leg %u (%s): page %llu (at %#llx) was unreadable, rebuilt from the others",
			     leg, name, page, leg_phys(raid, leg, page));
		break;
	case RAID_NOTE_STALE:
		atomic64_inc(&rt->stats.stale);
		DMWARN_LIMIT("leg %u (%s): page %llu cannot be written, and is not read any more",
			     leg, name, page);
		break;
	case RAID_NOTE_LOST:
		atomic64_inc(&rt->stats.lost);
		raid_event_add(rt, RAID_EVENT_LOST, leg, 1);
		DMERR("leg %u (%s): data of page %llu is lost; reading it fails until it is rewritten",
		      leg, name, page);
		break;
	case RAID_NOTE_LOG_LOST:
		DMERR("an entry of the intent log is unreadable");
		break;
	case RAID_NOTE_BITMAP_LOST:
		DMERR("no leg can tell which regions were written; all that are in doubt are taken for written");
		break;
	case RAID_NOTE_LIST_LOST:
		DMERR("no leg in sync has the whole list of pages that must not be read; not assembled");
		break;
	case RAID_NOTE_BROKEN:
		raid_event_add(rt, RAID_EVENT_STOPPED, leg, 1);
		DMERR("a leg that cannot be spared failed within a write: nothing is written any more; assemble the array again when the leg is back");
		break;
	}
	schedule_work(&rt->event_work);
}
