// SPDX-License-Identifier: GPL-2.0
/*
 * The firmware of an NVDIMM that does as it is told: a bus with one DIMM, which
 * has a label area and media errors, over memory that some other bus left alone.
 *
 * insmod pf_firmware.ko start=PHYSICAL length=BYTES, then in
 * /sys/module/pf_firmware/parameters/:
 *
 * poison	write "ADDRESS LENGTH": goes bad, and drivers are told (as after a
 *		machine check)
 * latent	the same, but nobody is told until the next scrub
 * scrub	write anything: drivers are told of all that is bad (end of an ARS)
 * bad_bytes	read: what is still bad
 * clears	read: requests to clear an error
 * clear_limit	bytes that one request clears at most; 0 refuses
 * label	write "OFFSET VALUE": one byte of the label area
 * label_fails	commands of the label area fail
 */
#include <linux/badblocks.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/libnvdimm.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ndctl.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <compat/nvdimm.h>

#define LABEL_SIZE	SZ_128K
#define LABEL_XFER	SZ_4K
#define CLEAR_UNIT	256

static ulong start;
module_param(start, ulong, 0400);
MODULE_PARM_DESC(start, "physical address");

static ulong length;
module_param(length, ulong, 0400);
MODULE_PARM_DESC(length, "bytes");

static ulong clears;
module_param(clears, ulong, 0400);

static ulong clear_limit = ULONG_MAX;
module_param(clear_limit, ulong, 0600);

static bool label_fails;
module_param(label_fails, bool, 0600);

/* The media: one bit for each CLEAR_UNIT that is bad. Covered by bad_lock. */
static DEFINE_MUTEX(bad_lock);
static unsigned long *bad;

static struct device *root;
static struct nvdimm_bus *bus;
static struct nvdimm *dimm;
static struct nd_region *region;
static void *labels;

static int get_label(struct nd_cmd_get_config_data_hdr *cmd)
{
	if (cmd->in_offset > LABEL_SIZE ||
	    cmd->in_length > LABEL_SIZE - cmd->in_offset)
		return -EINVAL;
	memcpy(cmd->out_buf, labels + cmd->in_offset, cmd->in_length);
	cmd->status = 0;
	return 0;
}

static int set_label(struct nd_cmd_set_config_hdr *cmd)
{
	if (cmd->in_offset > LABEL_SIZE ||
	    cmd->in_length > LABEL_SIZE - cmd->in_offset)
		return -EINVAL;
	memcpy(labels + cmd->in_offset, cmd->in_buf, cmd->in_length);
	return 0;
}

static int dimm_command(unsigned int cmd, void *buf)
{
	struct nd_cmd_get_config_size *size = buf;

	if (label_fails)
		return -EIO;
	switch (cmd) {
	case ND_CMD_GET_CONFIG_SIZE:
		size->status = 0;
		size->config_size = LABEL_SIZE;
		size->max_xfer = LABEL_XFER;
		return 0;
	case ND_CMD_GET_CONFIG_DATA:
		return get_label(buf);
	case ND_CMD_SET_CONFIG_DATA:
		return set_label(buf);
	}
	return -ENOTTY;
}

static int clear_error(struct nd_cmd_clear_error *cmd)
{
	u64 len = min_t(u64, cmd->length, READ_ONCE(clear_limit));

	len = round_down(len, CLEAR_UNIT);
	if (cmd->address < start || cmd->length > length ||
	    cmd->address - start > length - cmd->length)
		return -EINVAL;
	mutex_lock(&bad_lock);
	clears++;
	bitmap_clear(bad, (cmd->address - start) / CLEAR_UNIT,
		     len / CLEAR_UNIT);
	mutex_unlock(&bad_lock);
	cmd->cleared = len;
	return len ? 0 : -EIO;
}

static int bus_command(unsigned int cmd, void *buf)
{
	struct nd_cmd_ars_cap *cap = buf;

	switch (cmd) {
	case ND_CMD_ARS_CAP:
		cap->status = 0;
		cap->max_ars_out = SZ_4K;
		cap->clear_err_unit = CLEAR_UNIT;
		return 0;
	case ND_CMD_CLEAR_ERROR:
		return clear_error(buf);
	}
	return -ENOTTY;
}

static int command(struct nvdimm_bus_descriptor *desc, struct nvdimm *nvdimm,
		   unsigned int cmd, void *buf, unsigned int len, int *cmd_rc)
{
	int err = nvdimm ? dimm_command(cmd, buf) : bus_command(cmd, buf);

	if (cmd_rc)
		*cmd_rc = err;
	return err == -ENOTTY ? err : 0;
}

/* No .module: rmmod takes away what is in use, as firmware may. */
static struct nvdimm_bus_descriptor bus_desc = {
	.cmd_mask = BIT(ND_CMD_ARS_CAP) | BIT(ND_CMD_CLEAR_ERROR),
	.provider_name = "pf_firmware",
	.ndctl = command,
};

/* "ADDRESS LENGTH" within the DIMM, to whole units. */
static int parse_range(const char *text, u64 *first, u64 *nr)
{
	u64 address, len;

	if (sscanf(text, "%lli %lli", &address, &len) != 2)
		return -EINVAL;
	if (!bus || address < start || !len || len > length ||
	    address - start > length - len)
		return -ERANGE;
	*first = (address - start) / CLEAR_UNIT;
	*nr = DIV_ROUND_UP(address - start + len, CLEAR_UNIT) - *first;
	return 0;
}

static int make_bad(const char *text, u64 *first, u64 *nr)
{
	int err = parse_range(text, first, nr);

	if (err)
		return err;
	mutex_lock(&bad_lock);
	bitmap_set(bad, *first, *nr);
	mutex_unlock(&bad_lock);
	return 0;
}

static int tell(u64 first, u64 nr)
{
	return nvdimm_bus_add_badrange(bus, start + first * CLEAR_UNIT,
				       nr * CLEAR_UNIT);
}

static int poison_set(const char *text, const struct kernel_param *kp)
{
	u64 first, nr;
	int err = make_bad(text, &first, &nr);

	if (!err)
		err = tell(first, nr);
	if (!err)
		nvdimm_region_notify(region, NVDIMM_REVALIDATE_POISON);
	return err;
}

static const struct kernel_param_ops poison_ops = { .set = poison_set };
module_param_cb(poison, &poison_ops, NULL, 0200);

static int latent_set(const char *text, const struct kernel_param *kp)
{
	u64 first, nr;

	return make_bad(text, &first, &nr);
}

static const struct kernel_param_ops latent_ops = { .set = latent_set };
module_param_cb(latent, &latent_ops, NULL, 0200);

static int scrub_set(const char *text, const struct kernel_param *kp)
{
	unsigned long bits = length / CLEAR_UNIT, first, end;
	int err = 0;

	if (!bus)
		return -ENODEV;
	mutex_lock(&bad_lock);
	for_each_set_bitrange(first, end, bad, bits) {
		err = tell(first, end - first);
		if (err)
			break;
	}
	mutex_unlock(&bad_lock);
	nvdimm_region_notify(region, NVDIMM_REVALIDATE_POISON);
	return err;
}

static const struct kernel_param_ops scrub_ops = { .set = scrub_set };
module_param_cb(scrub, &scrub_ops, NULL, 0200);

static int bad_bytes_get(char *text, const struct kernel_param *kp)
{
	unsigned long n = bad ? bitmap_weight(bad, length / CLEAR_UNIT) : 0;

	return sysfs_emit(text, "%lu\n", n * CLEAR_UNIT);
}

static const struct kernel_param_ops bad_bytes_ops = { .get = bad_bytes_get };
module_param_cb(bad_bytes, &bad_bytes_ops, NULL, 0400);

static int label_set(const char *text, const struct kernel_param *kp)
{
	unsigned int offset, value;

	if (!labels || sscanf(text, "%i %i", &offset, &value) != 2)
		return -EINVAL;
	if (offset >= LABEL_SIZE || value > U8_MAX)
		return -ERANGE;
	((u8 *)labels)[offset] = value;
	return 0;
}

static const struct kernel_param_ops label_ops = { .set = label_set };
module_param_cb(label, &label_ops, NULL, 0200);

static int create_region(void)
{
	static struct nd_interleave_set set = {
		.cookie1 = 0x70696e666f6c6431,
		.cookie2 = 0x70696e666f6c6432,
	};
	static struct resource res;
	struct nd_mapping_desc mapping = { .nvdimm = dimm, .size = length };
	struct nd_region_desc desc = {
		.res = &res,
		.mapping = &mapping,
		.num_mappings = 1,
		.nd_set = &set,
		.numa_node = first_online_node,
		.target_node = first_online_node,
	};

	res.start = start;
	res.end = start + length - 1;
	res.flags = IORESOURCE_MEM;
	/* What labels of version 1.2 give as the type of a pmem region. */
	guid_parse("66F0D379-B4F3-4074-AC43-0D3318B78CDB", &set.type_guid);
	set_bit(ND_REGION_PAGEMAP, &desc.flags);
	set_bit(ND_REGION_PERSIST_MEMCTRL, &desc.flags);
	region = nvdimm_pmem_region_create(bus, &desc);
	return region ? 0 : -ENXIO;
}

static int create_bus(void)
{
	const unsigned long dimm_cmds = BIT(ND_CMD_GET_CONFIG_SIZE) |
		BIT(ND_CMD_GET_CONFIG_DATA) | BIT(ND_CMD_SET_CONFIG_DATA);

	bus = nvdimm_bus_register(root, &bus_desc);
	if (!bus)
		return -ENXIO;
	dimm = nvdimm_create(bus, NULL, NULL, BIT(NDD_LABELING), dimm_cmds, 0,
			     NULL);
	if (dimm && !nvdimm_bus_check_dimm_count(bus, 1) && !create_region())
		return 0;
	nvdimm_bus_unregister(bus);
	bus = NULL;
	return -ENXIO;
}

static int __init pf_firmware_init(void)
{
	int err = -ENOMEM;

	if (!length || (start | length) & (SZ_16M - 1))
		return -EINVAL;
	labels = vzalloc(LABEL_SIZE);
	bad = vzalloc(BITS_TO_LONGS(length / CLEAR_UNIT) * sizeof(long));
	if (!labels || !bad)
		goto free;
	root = root_device_register("pf_firmware");
	err = PTR_ERR_OR_ZERO(root);
	if (err)
		goto free;
	err = create_bus();
	if (!err)
		return 0;
	root_device_unregister(root);
free:
	vfree(bad);
	vfree(labels);
	return err;
}

static void __exit pf_firmware_exit(void)
{
	nvdimm_bus_unregister(bus);
	root_device_unregister(root);
	vfree(bad);
	vfree(labels);
}

module_init(pf_firmware_init);
module_exit(pf_firmware_exit);
MODULE_DESCRIPTION("Test: an NVDIMM bus with errors and labels on demand");
MODULE_LICENSE("GPL");
