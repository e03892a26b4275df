// SPDX-License-Identifier: GPL-2.0
/*
 * The dma-buf's side of an export: what importers and applications call.
 */
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/iommu.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "export.h"

/* How long who maps waits for a move to end. */
#define MOVE_PATIENCE	(2 * HZ)
/* How long who accesses by CPU waits for devices. */
#define ACCESS_PATIENCE	(30 * HZ)

static bool is_dynamic(const struct attachment *a)
{
	return a->attach->importer_ops;
}

/*
 * What an importer holds by ->pin beyond what the core does for its mappings. Where the
 * core pins to map, this is right whenever nobody is between ->pin and ->map_dma_buf.
 */
static unsigned long own_pins(const struct attachment *a, unsigned long maps)
{
	if (!is_dynamic(a) || !compat_dma_buf_map_pins())
		return a->pins;
	return a->pins > maps ? a->pins - maps : 0;
}

/* Does the importer rely on its mapping whatever it is told? */
bool attachment_pinned(const struct attachment *a)
{
	return own_pins(a, a->nr_maps);
}

/* With the reservation lock. */
bool export_immovable(struct export *e)
{
	struct attachment *a;

	dma_resv_assert_held(&e->resv);
	list_for_each_entry(a, &e->attachments, node) {
		if (attachment_pinned(a))
			return true;
	}
	return false;
}

static int export_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	struct export *e = dmabuf->priv;
	struct attachment *a;

	if (READ_ONCE(e->dead))
		return -ENXIO;
	if (!attach->importer_ops && !e->pinnable)
		return -EOPNOTSUPP;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	a->attach = attach;
	INIT_LIST_HEAD(&a->maps);
	attach->priv = a;
	dma_resv_lock(&e->resv, NULL);
	list_add(&a->node, &e->attachments);
	dma_resv_unlock(&e->resv);
	return 0;
}

static void export_detach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attach)
{
	struct attachment *a = attach->priv;
	struct export *e = dmabuf->priv;

	dma_resv_lock(&e->resv, NULL);
	WARN_ON_ONCE(!list_empty(&a->maps));
	list_del(&a->node);
	dma_resv_unlock(&e->resv);
	kfree(a);
}

static int export_pin(struct dma_buf_attachment *attach)
{
	struct export *e = attach->dmabuf->priv;
	struct attachment *a = attach->priv;

	dma_resv_assert_held(&e->resv);
	if (READ_ONCE(e->dead))
		return -ENXIO;
	/* One more may be the core's, which is about to map: see export_map(). */
	if (!e->pinnable && (!is_dynamic(a) || !compat_dma_buf_map_pins() ||
			     attachment_pinned(a)))
		return -EOPNOTSUPP;
	a->pins++;
	return 0;
}

static void export_unpin(struct dma_buf_attachment *attach)
{
	struct attachment *a = attach->priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (!WARN_ON_ONCE(!a->pins))
		a->pins--;
}

/* With the reservation lock: no move begins and no page goes while it is held. */
static int may_map(struct export *e, struct attachment *a,
		   enum dma_data_direction dir)
{
	if (!e->write && dir != DMA_TO_DEVICE)
		return -EACCES;
	/* The importer has called dma_buf_pin() before. */
	if (!e->pinnable && own_pins(a, a->nr_maps + 1))
		return -EOPNOTSUPP;
	/* Called by an importer who is being told of this very move. */
	if (e->notifier == current)
		return -EBUSY;
	if (!wait_var_event_timeout(&e->moving, !atomic_long_read(&e->moving) ||
				    READ_ONCE(e->dead), MOVE_PATIENCE))
		return -EBUSY;
	return READ_ONCE(e->dead) ? -ENXIO : 0;
}

/*
 * A mapping that lives long and both ways cannot be a copy: whatever the CPU has written
 * since would be overwritten when it is taken down.
 */
static bool is_copy(struct device *dev, struct sg_table *sgt)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	struct scatterlist *sg;
	int i;

	if (domain && domain->type != IOMMU_DOMAIN_IDENTITY)
		return false;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (sg_dma_address(sg) != phys_to_dma(dev, sg_phys(sg)))
			return true;
	}
	return false;
}

static int map_pages(struct export *e, struct device *dev, struct mapping *m)
{
	int err = pin_map_sgt(e->pin, 0, e->nr, dev, m->dir, &m->sgt);

	if (err || !is_copy(dev, &m->sgt))
		return err;
	dma_unmap_sgtable(dev, &m->sgt, m->dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&m->sgt);
	return -EREMOTEIO;
}

static struct sg_table *export_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct export *e = attach->dmabuf->priv;
	struct attachment *a = attach->priv;
	struct mapping *m;
	int err;

	dma_resv_assert_held(&e->resv);
	err = may_map(e, a, dir);
	if (err)
		return ERR_PTR(err);
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->dir = dir;
	err = map_pages(e, attach->dev, m);
	if (err) {
		kfree(m);
		return ERR_PTR(err);
	}
	list_add(&m->node, &a->maps);
	a->nr_maps++;
	return &m->sgt;
}

/*
 * The device cannot reach the pages by this any more, whatever the importer does. The
 * table stays until the importer unmaps.
 */
void mapping_undo(struct attachment *a, struct mapping *m)
{
	if (m->gone)
		return;
	dma_unmap_sgtable(a->attach->dev, &m->sgt, m->dir, 0);
	m->gone = true;
}

static void let_go(struct mapping *m)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(&m->sgt, &iter, 0)
		put_page(sg_page_iter_page(&iter));
}

static void export_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
	struct mapping *m = container_of(sgt, struct mapping, sgt);
	struct attachment *a = attach->priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	mapping_undo(a, m);
	if (m->kept)
		let_go(m);
	list_del(&m->node);
	a->nr_maps--;
	sg_free_table(&m->sgt);
	kfree(m);
}

/* What caches hold that are not coherent goes to the pages, or comes from them. */
void export_sync(struct export *e, bool cpu)
{
	struct attachment *a;
	struct mapping *m;

	dma_resv_assert_held(&e->resv);
	list_for_each_entry(a, &e->attachments, node) {
		list_for_each_entry(m, &a->maps, node) {
			if (m->gone)
				continue;
			if (!cpu)
				dma_sync_sgtable_for_device(a->attach->dev,
							    &m->sgt, m->dir);
			else if (m->dir != DMA_TO_DEVICE)
				dma_sync_sgtable_for_cpu(a->attach->dev,
							 &m->sgt, m->dir);
		}
	}
}

static int sync_alive(struct export *e, bool cpu)
{
	int err = dma_resv_lock_interruptible(&e->resv, NULL);

	if (err)
		return err;
	if (READ_ONCE(e->dead))
		err = -ENXIO;
	else
		export_sync(e, cpu);
	dma_resv_unlock(&e->resv);
	return err;
}

/* Devices have done with what they were told to do before. */
static int wait_devices(struct export *e, bool write)
{
	long left = dma_resv_wait_timeout(&e->resv, dma_resv_usage_rw(write),
					  true, ACCESS_PATIENCE);

	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

static int export_begin_cpu_access(struct dma_buf *dmabuf,
				   enum dma_data_direction dir)
{
	struct export *e = dmabuf->priv;
	int err;

	err = wait_devices(e, dir != DMA_FROM_DEVICE);
	if (!err)
		err = sync_alive(e, true);
	if (err || dir == DMA_TO_DEVICE)
		return err;
	/* Whoever reads what a device wrote may tell others: fsync has to cover it. */
	err = pin_mark_dirty(e->pin);
	return READ_ONCE(e->dead) ? -ENXIO : err;
}

static int export_end_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction dir)
{
	return sync_alive(dmabuf->priv, false);
}

static void export_free(struct export *e)
{
	pin_put(e->pin);
	dma_resv_fini(&e->resv);
	kfree(e);
}

static void end_work_fn(struct work_struct *work)
{
	struct export *e = container_of(work, struct export, end);

	/*
	 * Each takes as long as a callback may, and the registry tells if one is late. There
	 * are few: no importer is left, so a callback that begins now has nobody to wait for,
	 * nor for the reservation lock, and one that waits for a fence looks again within
	 * REVOKE_ROUND, and finds no dma-buf any more.
	 */
	while (pin_end(export_pinner, e->pin) == -EINPROGRESS)
		;
	export_free(e);
}

/*
 * Nobody will import it any more. A callback may still run, and be late: whoever closed
 * the last descriptor does not wait for it.
 */
static void export_end(struct export *e)
{
	queue_work(export_wq, &e->end);
}

static void export_release(struct dma_buf *dmabuf)
{
	struct export *e = dmabuf->priv;

	export_let_file(e);
	export_unlisted(e);
	/* A callback that has the lock still looks at the dma-buf. */
	dma_resv_lock(&e->resv, NULL);
	e->dmabuf = NULL;
	dma_resv_unlock(&e->resv);
	export_end(e);
}

/*
 * No mmap: the file can be mapped instead. No vmap: its users could not be told of a
 * move. The core answers both with -EINVAL.
 */
static const struct dma_buf_ops export_ops = {
	.attach = export_attach,
	.detach = export_detach,
	.pin = export_pin,
	.unpin = export_unpin,
	.map_dma_buf = export_map,
	.unmap_dma_buf = export_unmap,
	.release = export_release,
	.begin_cpu_access = export_begin_cpu_access,
	.end_cpu_access = export_end_cpu_access,
};

/* Is it a DAX file? The registry makes sure that it is one everywhere or nowhere. */
static int check_kind(struct export *e)
{
	struct page *page;
	int err = 0;

	dma_resv_lock(&e->resv, NULL);
	page = pin_page(e->pin, 0);
	if (READ_ONCE(e->dead))
		err = -ENXIO;
	else if (!page || !is_zone_device_page(page) ||
		 page->pgmap->type != MEMORY_DEVICE_FS_DAX)
		err = -EOPNOTSUPP;
	dma_resv_unlock(&e->resv);
	return err;
}

static struct dma_buf *make_dmabuf(struct export *e)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	info.ops = &export_ops;
	info.size = e->nr << PAGE_SHIFT;
	info.flags = e->write ? O_RDWR : O_RDONLY;
	info.resv = &e->resv;
	info.priv = e;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		return dmabuf;
	dma_resv_lock(&e->resv, NULL);
	e->dmabuf = dmabuf;
	dma_resv_unlock(&e->resv);
	export_listed(e);
	return dmabuf;
}

/**
 * export_create() - make a dma-buf of a range of the caller's memory
 * @addr: first address
 * @len: bytes
 * @write: importers may write
 * @pinnable: so may those who cannot follow a move
 *
 * Context: Process context of a user process, may sleep.
 * Return: the dma-buf, with a reference for the caller, or an ERR_PTR(): as for
 * pin_user(), or -EOPNOTSUPP for memory that is not of a DAX file, -ENXIO if the
 * mapping went meanwhile, or as for export_hold_file().
 */
struct dma_buf *export_create(u64 addr, u64 len, bool write, bool pinnable)
{
	struct export *e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	struct dma_buf *dmabuf;
	struct pin_handle *pin;
	int err;

	if (!e)
		return ERR_PTR(-ENOMEM);
	dma_resv_init(&e->resv);
	INIT_LIST_HEAD(&e->attachments);
	INIT_WORK(&e->end, end_work_fn);
	e->nr = len >> PAGE_SHIFT;
	e->write = write;
	e->pinnable = pinnable;
	/* Callbacks may come before this returns. */
	pin = pin_user(export_pinner, addr, len, write ? PIN_WRITE : 0, e,
		       "dma-buf export");
	if (IS_ERR(pin)) {
		dma_resv_fini(&e->resv);
		kfree(e);
		return ERR_CAST(pin);
	}
	e->pin = pin;
	err = pinnable ? export_hold_file(e, addr) : 0;
	/* What is held now is what was pinned, unless that was taken away. */
	if (!err)
		err = check_kind(e);
	dmabuf = err ? ERR_PTR(err) : make_dmabuf(e);
	if (IS_ERR(dmabuf)) {
		export_let_file(e);
		export_end(e);
	}
	return dmabuf;
}
