// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking for stale pages between two rounds, when the writers rest.
 */
#define _GNU_SOURCE
#include "race_internal.h"

/* It takes microseconds, but for a machine with other things to do. */
#define GUEST_PATIENCE_NS	30000000000L

/* Notes a stale page. */
static void note(struct race *r, uint64_t *counter, const char *what, int page,
		 uint64_t value)
{
	++*counter;
	if (!r->result->first[0])
		snprintf(r->result->first, sizeof(r->result->first),
			 "after %ju resets: page %d: %s, value %#jx",
			 (uintmax_t)r->result->resets, page, what,
			 (uintmax_t)value);
}

/* The second scratch takes the pages that the reset has freed. */
void race_take_freed(struct race *r)
{
	int page;

	for (page = 0; page < r->nr_pages; page++)
		*race_word(r, r->other, page, WORD_FOREIGN) = OLD;
}

void race_check_freed(struct race *r)
{
	int page, i;

	for (page = 0; page < r->nr_pages; page++) {
		for (i = 0; i < 8; i++) {
			uint64_t value = *race_word(r, r->other, page, i);

			if (value != (i == WORD_FOREIGN ? OLD : 0))
				note(r, &r->result->foreign,
				     "a store in another scratch", page, value);
		}
	}
	fz_raw_clear(r->other_fd, 0, r->size, FASTZERO_MODE_DROP);
}

/* No word of a page that the reset covered has a value from before the reset. */
static void check_old(struct race *r, int page, const volatile uint64_t *words,
		      const uint64_t *done, const char *view)
{
	unsigned int t;

	if (words[WORD_OLD])
		note(r, &r->result->old, view, page, words[WORD_OLD]);
	for (t = 0; t < r->nr_writers; t++) {
		uint64_t value = words[WORD_WRITER + t];

		if (value && value >> 8 <= done[t])
			note(r, &r->result->old, view, page, value);
	}
}

void race_check(struct race *r, const struct covered *covered)
{
	uint64_t words[8];
	int page;

	for (page = 0; page < r->nr_pages; page++) {
		const struct covered *c = &covered[page / GROUP];
		volatile uint64_t *here = race_word(r, r->map, page, 0);
		bool was_reset = page >= c->first && page < c->end;
		uint64_t token = fz_random(&r->random);

		if (was_reset)
			check_old(r, page, here, c->done, "old in the mapping");
		here[WORD_TOKEN] = token;
		memset(words, 0xff, sizeof(words));
		if (pread(r->fd, words, sizeof(words),
			  (off_t)race_offset(r, page)) != sizeof(words))
			abort();
		if (was_reset)
			check_old(r, page, words, c->done, "old in pread");
		if (words[WORD_TOKEN] != token)
			note(r, &r->result->lost, "a store lost to pread",
			     page, words[WORD_TOKEN]);
		if ((r->round % 4 == 0 || r->config->zeropage) &&
		    *race_word(r, r->second, page, WORD_TOKEN) != token)
			note(r, &r->result->lost,
			     "a store lost to another mapping", page,
			     *race_word(r, r->second, page, WORD_TOKEN));
	}
}

/* The guest never rests: its stores must come back into every page. */
void race_check_guest(struct race *r)
{
	long end = race_now_ns() + GUEST_PATIENCE_NS;
	int page;

	for (page = 0; page < r->nr_pages; page++) {
		uint64_t value = 0;

		for (;;) {
			if (pread(r->fd, &value, 8, (off_t)race_offset(r, page) +
				  8 * WORD_GUEST) == 8 && value)
				break;
			if (race_now_ns() > end) {
				note(r, &r->result->stuck,
				     "no store of the guest arrives", page, 0);
				return;
			}
			race_pause_ns(20000, false);
		}
		if (value != GUEST_VALUE)
			note(r, &r->result->old, "not what the guest writes",
			     page, value);
	}
}
