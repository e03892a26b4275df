// SPDX-License-Identifier: GPL-2.0
/* pf: what the guest tests need from C, one subcommand each. */
#include <stdio.h>
#include <string.h>

#include "pf.h"

static const struct pf_command commands[] = {
	{ "alias", "FILE", 1, pf_alias },
	{ "badfile", "FILE PAGE DEVICE PAGE", 4, pf_badfile },
	{ "badioctl", "DEVICE", 1, pf_badioctl },
	{ "blkverify", "DEVICE REFERENCE SIZE", 3, pf_blkverify },
	{ "blkwrite", "DEVICE[,DEVICE...] REFERENCE SIZE SEED COUNT", 5,
	  pf_blkwrite },
	{ "chaos", "DISK gentle|rough SECONDS SEED", 4, pf_chaos },
	{ "cycles", "COUNT SEED NAMESPACE REGISTRY_KO BACKING_KO DRIVER_KO", 6, pf_cycles },
	{ "direct", "FILE DEVICE", 2, pf_direct },
	{ "disturb", "KIND ARG SECONDS SEED", 4, pf_disturb },
	{ "dma", "FILE DEVICE ROUNDS SEED", 4, pf_dma },
	{ "dmabuf", "TEST FILE", 2, pf_dmabuf },
	{ "edu", "TEST HOW FILE", 3, pf_edu },
	{ "extent", "FILE PAGE", 2, pf_extent },
	{ "failnth", "", 0, pf_failnth },
	{ "fill", "FILE SIZE SEED", 3, pf_fill },
	{ "fork", "FILE", 1, pf_fork },
	{ "futex", "FILE", 1, pf_futex },
	{ "grabbed", "FILE DEVICE", 2, pf_grabbed },
	{ "hold", "FILE SIZE", 2, pf_hold },
	{ "holes", "FILE", 1, pf_holes },
	{ "huge", "FILE DEVICE", 2, pf_huge },
	{ "hwpoison", "FILE", 1, pf_hwpoison },
	{ "info", "DEVICE COPY FIELD VALUE", 4, pf_info },
	{ "islands", "FILE STRIDE COUNT", 3, pf_islands },
	{ "islands_verify", "FILE STRIDE COUNT", 3, pf_islands_verify },
	{ "ktouch", "FILE SCRATCH", 2, pf_ktouch },
	{ "ledger", "DIR PAGES SEED", 3, pf_ledger },
	{ "ledgercheck", "DIR PAGES SEED", 3, pf_ledgercheck },
	{ "ledgerwrite", "DIR PAGES SEED PARITY", 4, pf_ledgerwrite },
	{ "mapsync", "FILE", 1, pf_mapsync },
	{ "mlock", "FILE", 1, pf_mlock },
	{ "mmap", "FILE", 1, pf_mmap },
	{ "move", "DEVICE OP OFFSET LEN", 4, pf_move },
	{ "moveloop", "DEVICE DIR SEED", 3, pf_moveloop },
	{ "moveplant", "FILE DEVICE ROUNDS", 3, pf_moveplant },
	{ "moveumount", "MOUNT FILE DEVICE", 3, pf_moveumount },
	{ "movehot", "FILE DEVICE ROUNDS", 3, pf_movehot },
	{ "mremap", "FILE", 1, pf_mremap },
	{ "pin", "TEST PATH", 2, pf_pin },
	{ "pinned", "FILE STRIDE COUNT", 3, pf_pinned },
	{ "piped", "FILE DEVICE", 2, pf_piped },
	{ "ptrace", "FILE", 1, pf_ptrace },
	{ "rawio", "DEVICE LEN SECONDS SEED", 4, pf_rawio },
	{ "remapped", "FILE DEVICE", 2, pf_remapped },
	{ "reuse", "FILE", 1, pf_reuse },
	{ "splice", "FILE SCRATCH", 2, pf_splice },
	{ "store", "FILE SIZE ROUNDS", 3, pf_store },
	{ "storm", "DIR THREADS SECONDS SEED", 4, pf_storm },
	{ "stress", "DIR ROUNDS SEED", 3, pf_stress },
	{ "touch", "FILE OFFSET STRIDE COUNT", 4, pf_touch },
	{ "trimloop", "DEVICE", 1, pf_trimloop },
	{ "try", "HOW PATH PAGE SEED", 4, pf_try },
	{ "uring", "FILE DEVICE", 2, pf_uring },
	{ "verify", "FILE SIZE SEED read|map", 4, pf_verify },
};

static int usage(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "usage: pf %s %s\n", commands[i].name,
			commands[i].args);
	return 2;
}

int main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    argc - 2 == commands[i].nr_args)
			return commands[i].run(argv + 2);
	return usage();
}
