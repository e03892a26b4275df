// SPDX-License-Identifier: GPL-2.0
/*
 * Plugin of QEMU: which instructions does a guest execute, and how often? Counts
 * translation blocks; writes OUT.0, OUT.1, ... with "ADDRESS INSTRUCTIONS COUNT"
 * lines and starts again each time the guest executes the block at MARK.
 *
 *	-plugin profile.so,out=PATH,mark=ADDRESS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define BUCKETS	65536

int qemu_plugin_version = 1;

struct block {
	uint64_t addr;
	size_t insns;
	uint64_t count;
	struct block *next;
};

static struct block *blocks[BUCKETS];
static const char *out = "profile";
static uint64_t mark;
static unsigned int profiles;

/* A block that is translated again, with the same length, goes on counting. */
static struct block *find_block(uint64_t addr, size_t insns)
{
	struct block **head = &blocks[(addr * 0x9e3779b97f4a7c15ULL) >> 48];
	struct block *b;

	for (b = *head; b; b = b->next)
		if (b->addr == addr && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->addr = addr;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static void write_profile(unsigned int cpu, void *data)
{
	char path[4096];
	struct block *b;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "%s.%u", out, profiles++);
	f = fopen(path, "w");
	for (i = 0; f && i < BUCKETS; i++)
		for (b = blocks[i]; b; b = b->next) {
			if (b->count)
				fprintf(f, "%llx %zu %llu\n",
					(unsigned long long)b->addr, b->insns,
					(unsigned long long)b->count);
			b->count = 0;
		}
	if (!f || fclose(f))
		perror(path);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t addr = qemu_plugin_tb_vaddr(tb);
	struct block *b = find_block(addr, qemu_plugin_tb_n_insns(tb));

	qemu_plugin_register_vcpu_tb_exec_inline(tb, PLUGIN_ADD_U64, &b->count,
						 1);
	if (addr == mark)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, write_profile, 0, NULL);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc,
			char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "mark=", 5))
			mark = strtoull(argv[i] + 5, NULL, 16);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
