/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory a peer holds.
 */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "peers.h"

/**
 * resident_pages() - base pages behind a memory
 * @m: the memory
 * @pages: where to put their number
 *
 * Those of the file if there is one, else those that are mapped.
 *
 * Return: 0 or -errno.
 */
int resident_pages(const struct memory *m, uint64_t *pages);

#endif /* RESIDENT_H */
