/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests alone (make TEST_QUARANTINE=1): watches pages to which nobody may write.
 */
#ifndef FZ_QUARANTINE_H
#define FZ_QUARANTINE_H

#include <linux/types.h>

struct fz_pool;
struct folio;
struct list_head;

#ifdef FZ_TEST_QUARANTINE

u64 fz_quarantine_retire(struct fz_pool *pool, struct list_head *folios);
bool fz_quarantine_free(struct folio *folio);
void fz_quarantine_ready(struct folio *folio);
bool fz_quarantine_plants(void);
void fz_quarantine_exit(void);

#else

static inline u64 fz_quarantine_retire(struct fz_pool *pool,
				       struct list_head *folios)
{
	return 0;
}

static inline bool fz_quarantine_free(struct folio *folio)
{
	return false;
}

static inline void fz_quarantine_ready(struct folio *folio)
{
}

static inline bool fz_quarantine_plants(void)
{
	return false;
}

static inline void fz_quarantine_exit(void)
{
}

#endif
#endif
