// SPDX-License-Identifier: GPL-2.0
/*
 * Adds the memory of DIMMs that were plugged in, as the kernel does by itself with
 * CONFIG_ACPI_HOTPLUG_MEMORY, which the debug kernel does not have. It stays.
 */
#include <linux/acpi.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/numa.h>

static unsigned int added;

static acpi_status dimm_range(struct acpi_resource *resource, void *handle)
{
	struct acpi_resource_address64 addr;
	int err;

	if (ACPI_FAILURE(acpi_resource_to_address64(resource, &addr)) ||
	    addr.resource_type != ACPI_MEMORY_RANGE)
		return AE_OK;
	err = add_memory(acpi_get_node(handle), addr.address.minimum,
			 addr.address.address_length, MHP_NONE);
	if (err)
		pr_err("pf_dimm: %lluM at 0x%llx: %d\n",
		       addr.address.address_length >> 20, addr.address.minimum,
		       err);
	else
		added++;
	return AE_OK;
}

static acpi_status add_dimm(acpi_handle handle, u32 level, void *context,
			    void **ret)
{
	unsigned long long status;

	if (ACPI_SUCCESS(acpi_evaluate_integer(handle, "_STA", NULL,
					       &status)) &&
	    status & ACPI_STA_DEVICE_PRESENT)
		acpi_walk_resources(handle, METHOD_NAME__CRS, dimm_range,
				    handle);
	return AE_OK;
}

static int __init pf_dimm_init(void)
{
	acpi_get_devices("PNP0C80", add_dimm, NULL, NULL);
	return added ? 0 : -ENODEV;
}

module_init(pf_dimm_init);
MODULE_DESCRIPTION("Test: add the memory of DIMMs");
MODULE_LICENSE("GPL");
