// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: mappings of scratches.
 */
#include "internal.h"

#include <inttypes.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

/* Mappings of this length and more may have huge pages, if they lie for it. */
#define MAP_HUGE	(2ul << 20)

#define MAP_WHERE	(FASTZERO_MAP_FIXED | FASTZERO_MAP_NOREPLACE)
#define MAP_ACCESS	(FASTZERO_MAP_READONLY | FASTZERO_MAP_NONE)

/* The flags of mmap(2) that say where, or -errno. */
static int map_where(const struct fastzero_map_opts *o)
{
	uint32_t where = o->flags & MAP_WHERE;

	if (o->flags & ~(MAP_WHERE | MAP_ACCESS))
		return fz_fail(-EOPNOTSUPP, "an unknown flag");
	if ((o->flags & MAP_ACCESS) == MAP_ACCESS)
		return fz_fail(-EINVAL, "READONLY and NONE exclude each other");
	if (!where)
		return 0;
	if (where == MAP_WHERE)
		return fz_fail(-EINVAL, "FIXED and NOREPLACE exclude each other");
	if (!o->addr)
		return fz_fail(-EINVAL, "FIXED and NOREPLACE need an address");
	if (o->guard)
		return fz_fail(-EINVAL,
			       "a guard goes with no fixed address: reserve it around the mapping");
	return where == FASTZERO_MAP_FIXED ? MAP_FIXED : MAP_FIXED_NOREPLACE;
}

static int map_range(const struct fastzero_scratch *scratch, struct fastzero_map_opts *o)
{
	if (o->offset >= scratch->length)
		return fz_fail(-EINVAL, "offset %" PRIu64 " is beyond the scratch, of %" PRIu64
			       " bytes", o->offset, scratch->length);
	if (!o->length)
		o->length = scratch->length - o->offset;
	if (o->length > scratch->length - o->offset || o->length > SIZE_MAX)
		return fz_fail(-EINVAL, "the range ends beyond the scratch, of %" PRIu64
			       " bytes", scratch->length);
	if (o->offset % FZ_PAGE || o->length % FZ_PAGE)
		return fz_fail(-EINVAL, "the range is not one of whole pages");
	if (o->guard % FZ_PAGE || o->guard > SIZE_MAX / 4)
		return fz_fail(-EINVAL, "a guard of %" PRIu64 " bytes is not one of whole pages",
			       o->guard);
	return 0;
}

static int map_prot(const struct fastzero_map_opts *o)
{
	if (o->flags & FASTZERO_MAP_NONE)
		return PROT_NONE;
	return o->flags & FASTZERO_MAP_READONLY ? PROT_READ : PROT_READ | PROT_WRITE;
}

/*
 * Reserves the mapping with its guards, so that huge pages of the scratch lie on huge
 * pages of addresses; what is too much goes back at once.  NULL when it fails.
 */
static char *map_reserve(const struct fastzero_map_opts *o)
{
	size_t want = o->length + 2 * o->guard;
	size_t slack = o->length >= MAP_HUGE ? MAP_HUGE : 0;
	size_t before;
	char *p;

	p = mmap(o->addr, want + slack, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		fz_fail(-errno, NULL);
		return NULL;
	}
	before = slack ? (o->offset - (uintptr_t)p - o->guard) % MAP_HUGE : 0;
	if (before)
		munmap(p, before);
	if (slack > before)
		munmap(p + before + want, slack - before);
	return p + before;
}

/* In the place of mappings of fallbacks, too, to whose addresses no reset shall come. */
static int map_plain(const struct fastzero_scratch *scratch,
		     const struct fastzero_map_opts *o, int where, void **addr)
{
	int ret = 0;

	if (where == MAP_FIXED)
		ret = fz_segment_forget(o->addr, o->length, true);
	if (ret)
		return ret;
	*addr = o->addr;
	ret = scratch->backend->map(scratch, addr, o->length, map_prot(o), where, o->offset);
	/* A kernel before 4.17 takes NOREPLACE for a hint. */
	if (!ret && where == MAP_FIXED_NOREPLACE && *addr != o->addr) {
		fastzero_unmap(*addr, o->length);
		return fz_fail(-EEXIST, NULL);
	}
	return ret;
}

static int map_guarded(const struct fastzero_scratch *scratch,
		       const struct fastzero_map_opts *o, void **addr)
{
	char *begin = map_reserve(o);
	int ret;

	if (!begin)
		return -errno;
	*addr = begin + o->guard;
	ret = scratch->backend->map(scratch, addr, o->length, map_prot(o), MAP_FIXED,
				    o->offset);
	if (ret)
		munmap(begin, o->length + 2 * o->guard);
	return ret;
}

FASTZERO_API int fastzero_map(const struct fastzero_scratch *scratch,
			      const struct fastzero_map_opts *opts, void **out)
{
	struct fastzero_map_opts o;
	void *addr;
	int flags, ret;

	if (!out)
		return fz_null("the address's place");
	*out = NULL;
	if (!scratch)
		return fz_null("the scratch");
	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	flags = map_where(&o);
	if (flags < 0)
		return flags;
	ret = map_range(scratch, &o);
	if (ret)
		return ret;
	ret = o.guard ? map_guarded(scratch, &o, &addr) :
			map_plain(scratch, &o, flags, &addr);
	if (!ret)
		*out = addr;
	return ret;
}

FASTZERO_API int fastzero_unmap(void *addr, size_t length)
{
	int ret = fz_segment_forget(addr, length, false);

	if (ret)
		return ret;
	return munmap(addr, length) ? fz_fail(-errno, NULL) : 0;
}
