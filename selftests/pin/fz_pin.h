/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/fz_pin, for the selftests only: pins memory as a device driver does.
 *
 * Each open pins one range.  pread and pwrite on the descriptor reach the
 * pinned pages themselves, whatever is mapped where they were; closing unpins.
 */
#ifndef FZ_PIN_H
#define FZ_PIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct fz_pin_range {
	__u64 address;		/* multiple of the page size */
	__u64 length;		/* likewise */
};

#define FZ_PIN_PIN	_IOW(0xFB, 0, struct fz_pin_range)
#define FZ_PIN_UNPIN	_IO(0xFB, 1)
/*
 * Does what a fast GUP does that sees a page-table entry change, but slower: takes
 * references, gives them back after a moment, all with interrupts disabled, and then pins.
 */
#define FZ_PIN_GLANCE	_IOW(0xFB, 2, struct fz_pin_range)

#endif
