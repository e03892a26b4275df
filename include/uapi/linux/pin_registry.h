/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Numbers of the pin registry that programs see as well, in trace events and through
 * drivers that pin.
 */
#ifndef _UAPI_LINUX_PIN_REGISTRY_H
#define _UAPI_LINUX_PIN_REGISTRY_H

/**
 * enum pin_class - what pages are pinned for
 * @PIN_MLOCK: a process wants them in memory, not at a fixed place
 * @PIN_RECLAIM: a store of reclaimed data keeps them (zswap, zram)
 * @PIN_DEVICE_IO: a device transfers data from or to them
 * @PIN_LOW_LATENCY: a real-time user cannot bear a pause
 * @PIN_MIGRATION: they are on their way to another place already
 * @PIN_PERF: a tracing or profiling buffer that is written in any context
 * @PIN_CROSS_SYSTEM: another machine or guest addresses them (RDMA, vhost)
 * @PIN_NR_CLASSES: number of classes
 */
enum pin_class {
	PIN_MLOCK,
	PIN_RECLAIM,
	PIN_DEVICE_IO,
	PIN_LOW_LATENCY,
	PIN_MIGRATION,
	PIN_PERF,
	PIN_CROSS_SYSTEM,
	PIN_NR_CLASSES,
};

/**
 * enum pin_revoke_why - why pages are taken away
 * @PIN_REVOKE_UNMAP: their mapping ended: munmap(), mremap(), exec(), exit()
 * @PIN_REVOKE_CLEAR: the mapping shows other pages or none now: truncate(), hole
 *	punch, copy on write
 * @PIN_REVOKE_LOST: they moved and could not be pinned again
 * @PIN_REVOKE_ASKED: somebody called pin_registry_revoke()
 */
enum pin_revoke_why {
	PIN_REVOKE_UNMAP,
	PIN_REVOKE_CLEAR,
	PIN_REVOKE_LOST,
	PIN_REVOKE_ASKED,
};

#endif /* _UAPI_LINUX_PIN_REGISTRY_H */
