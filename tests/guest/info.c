// SPDX-License-Identifier: GPL-2.0
/*
 * pf info DEVICE COPY FIELD VALUE: tamper with an info block on a raw device.
 *
 * FIELD is a member's name (the block is sealed again with a right checksum),
 * or one of
 *	byte	flip a byte at offset VALUE, the checksum stays
 *	torn	the half before offset VALUE gets another uuid, the rest stays
 *	random	fill the block with bytes seeded by VALUE
 *	keepmagic	the same, but the magic stays
 *	zero	zero the block
 *	place	copy the block over the other copy, as it is
 *	show	print VALUE's member
 *
 * The checksum is written once more here on purpose: it must not agree with the
 * driver only because both use the same code.
 */
#include <fcntl.h>
#include <linux/pinfold_media.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

struct member {
	const char *name;
	size_t offset;
	size_t size;
};

#define MEMBER(m) { #m, offsetof(struct pinfold_info_block, m), \
		    sizeof(((struct pinfold_info_block *)0)->m) }

static const struct member members[] = {
	MEMBER(version_major), MEMBER(version_minor), MEMBER(copy),
	MEMBER(compat), MEMBER(ro_compat), MEMBER(incompat), MEMBER(seq),
	MEMBER(uuid), MEMBER(parent_uuid), MEMBER(ns_size),
	MEMBER(data_offset), MEMBER(data_size), MEMBER(spare_offset),
	MEMBER(spare_size), MEMBER(table_offset), MEMBER(table_size),
};

static uint32_t crc32c(const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint32_t crc = ~0U;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void seal(struct pinfold_info_block *block)
{
	block->checksum = 0;
	block->checksum = crc32c(block, sizeof(*block));
}

static const struct member *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(members[i].name, name))
			return &members[i];
	die("%s: no such member", name);
}

static void randomize(struct pinfold_info_block *block, uint64_t seed,
		      bool keep_magic)
{
	uint64_t *p = (uint64_t *)block;
	size_t i = keep_magic ? PINFOLD_MAGIC_LEN / 8 : 0;

	for (; i < sizeof(*block) / 8; i++)
		p[i] = rng(&seed);
}

static void set_member(struct pinfold_info_block *block, const char *name,
		       uint64_t value)
{
	const struct member *m = find(name);

	/* Arrays: the first element, the rest stays. */
	memcpy((char *)block + m->offset, &value, m->size < 8 ? m->size : 8);
	seal(block);
}

COMMAND(info)
{
	static struct pinfold_info_block block;
	unsigned int copy = atoi(argv[1]);
	off_t at = copy ? PINFOLD_INFO1_OFFSET : PINFOLD_INFO0_OFFSET;
	int fd = xopen(argv[0], O_RDWR);
	uint64_t value = 0, old;

	_Static_assert(sizeof(block) == PINFOLD_INFO_SIZE, "info block");
	xread(fd, &block, sizeof(block), at);
	old = block.checksum;
	if (strcmp(argv[2], "show"))
		value = strtoull(argv[3], NULL, 0);

	if (!strcmp(argv[2], "show")) {
		const struct member *m = find(argv[3]);

		memcpy(&value, (char *)&block + m->offset,
		       m->size < 8 ? m->size : 8);
		seal(&block);
		CHECK_EQ(block.checksum, old, "checksum");
		note("%llu", (unsigned long long)value);
		return 0;
	} else if (!strcmp(argv[2], "byte")) {
		((char *)&block)[value] ^= 0x40;
	} else if (!strcmp(argv[2], "torn")) {
		struct pinfold_info_block old_block = block;

		block.uuid[0] ^= 0xff;
		block.seq++;
		seal(&block);
		memcpy((char *)&block + value, (char *)&old_block + value,
		       sizeof(block) - value);
	} else if (!strcmp(argv[2], "random")) {
		randomize(&block, value, false);
	} else if (!strcmp(argv[2], "keepmagic")) {
		randomize(&block, value, true);
	} else if (!strcmp(argv[2], "zero")) {
		memset(&block, 0, sizeof(block));
	} else if (!strcmp(argv[2], "place")) {
		at = copy ? PINFOLD_INFO0_OFFSET : PINFOLD_INFO1_OFFSET;
	} else {
		set_member(&block, argv[2], value);
	}
	xwrite(fd, &block, sizeof(block), at);
	CHECK(!fsync(fd), "fsync");
	return 0;
}
