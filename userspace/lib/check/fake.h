/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for the module: an ioctl() in the place of the C library's.  It
 * can be older or newer than the library.  Any character device stands for the
 * device, one memfd for a scratch; other descriptors get the real call.  open() and
 * access() are its own, too, for files that say what is wrong with the device.
 */
#ifndef FAKE_H
#define FAKE_H

#include "fastzero.h"

#include <stdbool.h>

/* Files of the system that are not as they are. */
#define FAKE_FILES	4

struct fake {
	int delta;		/* its structures are longer by this */
	int error;		/* what calls return, but for queries, POOL and RESET_DIRTY */
	bool ancient;		/* it does not know anything but CREATE and INFO */
	int scratch;		/* descriptor that it takes for a scratch */
	int info_error;		/* what INFO returns */
	int open_error;		/* what open(2) of the node returns */
	const char *node;
	bool loaded;		/* /sys/module/fastzero is there */
	bool no_modules;	/* /proc/modules is not */
	struct {
		const char *path, *text;
	} files[FAKE_FILES];
	union {
		struct fastzero_create create;
		struct fastzero_pool pool;
		struct fastzero_reset reset;
		struct fastzero_reset_many reset_many;
		struct fastzero_reset_dirty reset_dirty;
		struct fastzero_populate populate;
		struct fastzero_workset workset;
		struct fastzero_zero zero;
	} last;			/* the last request, as it came in */
};

extern struct fake fake;

/* What its outputs are made of. */
#define ONES	0x0101010101010101ull

#endif /* FAKE_H */
