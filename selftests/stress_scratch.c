// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: scratches come and go, and are looked at as a whole.
 */
#define _GNU_SOURCE
#include "stress.h"

/* A scratch of a context that stays, of one that does not, or implicit. */
static void st_create(struct st_world *w, uint32_t slot)
{
	struct st_scratch *s = &w->scratch[slot];
	uint32_t kind = st_below(w, 8);
	uint32_t policy = st_below(w, w->policies);
	void *map;
	int ctx;

	s->pages = 1 + st_below(w, st_below(w, 3) ? 700 : ST_PAGES);
	s->context = kind < ST_CONTEXTS * 3 ? (int)kind % ST_CONTEXTS : -1;
	s->implicit = kind == 7;
	s->huge = s->implicit || policy != FASTZERO_PAGES_4K;
	/* Some whole chunks, and a part of one. */
	if (s->huge && !s->implicit && s->pages < 512 && st_below(w, 4))
		s->pages += 512 * (1 + st_below(w, 3));
	ctx = s->context >= 0 ? w->context[s->context] : fz_raw_open();
	if (s->implicit) {
		s->fd = ctx;
		map = fz_raw_map(ctx, 0, s->pages * fz_ps);
		if (map == MAP_FAILED || munmap(map, s->pages * fz_ps))
			st_fail("mmap of the device: %s", strerror(errno));
	} else {
		s->fd = fz_raw_create(ctx, s->pages * fz_ps, 0, policy, 0);
		/* Chunk by chunk, as the module decides: so that it has to. */
		if (s->fd >= 0 && policy == FASTZERO_PAGES_AUTO &&
		    fz_want_chunks(s->fd, s->pages * fz_ps, st_below(w, 2),
				   1 + st_below(w, 2)))
			st_fail("WORKSET: %s", strerror(errno));
		if (s->context < 0)
			close(ctx);
	}
	if (s->fd < 0)
		st_fail("CREATE: %s", strerror(errno));
	memset(s->state, ST_ZERO, sizeof(s->state));
	s->live = true;
}

/* Work of the coordinator while the workers work. */
void st_chores(struct st_world *w)
{
	uint32_t slot = st_below(w, ST_SCRATCHES);
	struct st_scratch *s = &w->scratch[slot];

	if (!s->live && !st_below(w, 2)) {
		w->number++;
		st_create(w, slot);
	} else if (s->live && s->fd >= 0 && !st_below(w, 120)) {
		w->number++;
		close(s->fd);
		s->fd = -1;
	}
}

/* Scratches without any reference are gone. */
void st_bury(struct st_world *w)
{
	struct st_scratch *s;
	uint32_t slot;

	for (slot = 0; slot < ST_SCRATCHES; slot++) {
		s = &w->scratch[slot];
		if (!s->live || st_is_referred(w, slot))
			continue;
		s->live = false;
		st_hold_bury(w, slot);
		madvise(s->shadow, ST_PAGES * fz_ps, MADV_REMOVE);
	}
}

/* Pages that a context owns are in its scratches or in its pool. */
static bool st_adds_up(int ctx, uint64_t scratches)
{
	struct fastzero_stats st;

	if (fz_raw_stats(ctx, &st))
		return false;
	return st.out_scratches == scratches &&
	       st.out_owned == st.out_populated + st.out_pool_ready +
			       st.out_pool_used + st.out_pool_held;
}

void st_census(struct st_world *w)
{
	uint64_t scratches[ST_CONTEXTS] = { 0 };
	struct fastzero_stats st;
	struct st_scratch *s;
	uint64_t data = 0;
	uint32_t i;

	for (s = w->scratch; s < w->scratch + ST_SCRATCHES; s++) {
		if (!s->live)
			continue;
		if (s->context >= 0)
			scratches[s->context]++;
		if (s->fd < 0)
			continue;
		if (fz_raw_stats(s->fd, &st))
			st_fail("STATS: %s", strerror(errno));
		for (data = i = 0; i < s->pages; i++)
			data += s->state[i] == ST_DATA;
		if (st.out_populated < data || st.out_populated > s->pages)
			st_fail("scratch %u: %llu pages populated, of %u, %llu with data",
				(uint32_t)(s - w->scratch),
				(unsigned long long)st.out_populated, s->pages,
				(unsigned long long)data);
		if (s->implicit &&
		    !fz_until(st_adds_up(s->fd, 1), FZ_PATIENCE_MS))
			st_fail("the books of an implicit scratch are wrong");
	}
	for (i = 0; i < ST_CONTEXTS; i++) {
		if (!fz_until(st_adds_up(w->context[i], scratches[i]),
			      FZ_PATIENCE_MS))
			st_fail("the books of context %u are wrong, or it has not %llu scratches",
				i, (unsigned long long)scratches[i]);
	}
}

/* Everything, byte for byte, by pread. */
void st_check_all(struct st_world *w)
{
	static unsigned char page[65536];
	struct st_scratch *s;
	uint32_t i;
	int bad;

	for (s = w->scratch; s < w->scratch + ST_SCRATCHES; s++) {
		if (!s->live || s->fd < 0 || s->implicit)
			continue;
		for (i = 0; i < s->pages; i++) {
			if (pread(s->fd, page, fz_ps, (off_t)(i * fz_ps)) !=
			    (ssize_t)fz_ps)
				st_fail("pread: %s", strerror(errno));
			bad = st_find_wrong(s, i, page, false);
			if (bad >= 0)
				st_fail("final check: scratch %u, offset 0x%llx: found %02x, expected %02x",
					(uint32_t)(s - w->scratch),
					(unsigned long long)(i * fz_ps) + (uint32_t)bad,
					page[bad],
					st_expected(s, i * fz_ps + (uint32_t)bad));
		}
	}
}
