// SPDX-License-Identifier: GPL-2.0
/*
 * pf cycles COUNT SEED NAMESPACE REGISTRY_KO BACKING_KO DRIVER_KO: load, attach,
 * populate, detach, attach, unload, over and over. Modules are read once: the guest's
 * root is slow.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pf.h"

#define DRIVERS		"/sys/bus/nd/drivers/nd_pinfold/"
/* A released device's module reference is dropped by a work item. */
#define UNLOAD_TRIES	2000
#define UNLOAD_PAUSE_US	10000

struct image {
	char *bytes;
	size_t len;
};

static struct image read_image(const char *path)
{
	int fd = xopen(path, O_RDONLY);
	struct image image;
	struct stat st;

	if (fstat(fd, &st))
		die("%s", path);
	image.len = st.st_size;
	image.bytes = xalloc(image.len);
	xread(fd, image.bytes, image.len, 0);
	close(fd);
	return image;
}

static void load(const struct image *image, const char *name)
{
	if (syscall(SYS_init_module, image->bytes, image->len, ""))
		die("load %s", name);
}

static void unload(const char *name)
{
	int try;

	for (try = 0; syscall(SYS_delete_module, name, O_NONBLOCK); try++) {
		if (errno != EAGAIN && errno != EBUSY)
			die("delete_module %s", name);
		if (try == UNLOAD_TRIES)
			die("%s: still in use", name);
		usleep(UNLOAD_PAUSE_US);
	}
}

static void driver_write(const char *file, const char *ns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), DRIVERS "%s", file);
	fd = xopen(path, O_WRONLY);
	if (write(fd, ns, strlen(ns)) != (ssize_t)strlen(ns))
		die("%s %s", file, ns);
	close(fd);
}

static void check_attached(const char *ns, bool attached)
{
	char path[256];

	snprintf(path, sizeof(path), DRIVERS "%s", ns);
	if (!access(path, F_OK) != attached)
		die("%s is %sattached", ns, attached ? "not " : "");
}

/* A chunk somewhere but at the ends, which are populated from the start. */
static void populate(const char *device, uint64_t *state)
{
	struct pinfold_range range = { .length = CHUNK };
	uint64_t chunks = stat_get("attached_bytes") / CHUNK;
	uint64_t before = stat_get("populated_bytes");
	int fd = xopen(device, O_RDWR);

	range.offset = (1 + rng(state) % (chunks - 2)) * CHUNK;
	if (ioctl(fd, PINFOLD_IOC_PREFAULT, &range))
		die("prefault of %s at %#llx", device,
		    (unsigned long long)range.offset);
	close(fd);
	CHECK_EQ(stat_get("populated_bytes"), before + CHUNK, "populated");
}

int pf_cycles(char **argv)
{
	struct image registry = read_image(argv[3]);
	struct image backing = read_image(argv[4]);
	struct image driver = read_image(argv[5]);
	long count = atol(argv[0]), i;
	const char *ns = argv[2], *disk = getenv("PF_DISK");
	uint64_t state = strtoull(argv[1], NULL, 0);
	char device[64];

	snprintf(device, sizeof(device), "/dev/%s", disk ? disk : "pmem0");
	for (i = 0; i < count; i++) {
		load(&registry, "pin_registry");
		load(&backing, "dax_backing");
		load(&driver, "nd_pinfold");
		check_attached(ns, true);
		populate(device, &state);
		driver_write("unbind", ns);
		check_attached(ns, false);
		driver_write("bind", ns);
		/* Unloading detaches, too. */
		unload("nd_pinfold");
		unload("dax_backing");
		unload("pin_registry");
	}
	note("tried %ld cycles", count);
	return 0;
}
