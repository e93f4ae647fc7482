/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tenants: they take turns in having the zeroer work for them.
 */
#ifndef FZ_ZEROER_TENANT_H
#define FZ_ZEROER_TENANT_H

struct fz_pool;

int fz_tenant_join(struct fz_pool *pool);
void fz_tenant_leave(struct fz_pool *pool);
void fz_tenant_put(struct fz_pool *pool);
void fz_tenant_del(struct fz_pool *pool);
struct fz_pool *fz_tenant_next(void);
void fz_tenant_turn(struct fz_pool *pool);

#endif
