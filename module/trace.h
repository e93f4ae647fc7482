/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: the results of resets, and the choices of AUTO.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fastzero

#if !defined(FZ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FZ_TRACE_H

#include <linux/tracepoint.h>

#include <uapi/linux/fastzero.h>

#include "cost.h"
#include "reset.h"

#define fz_trace_mode(mode)						\
	__print_symbolic(mode,						\
			 { FASTZERO_MODE_AUTO, "auto" },		\
			 { FASTZERO_MODE_INPLACE, "inplace" },		\
			 { FASTZERO_MODE_SWAP, "swap" },		\
			 { FASTZERO_MODE_DROP, "drop" })

#define fz_trace_way(way)						\
	__print_symbolic(way,						\
			 { FZ_INPLACE, "inplace" },			\
			 { FZ_SWAP, "swap" },				\
			 { FZ_DROP, "drop" })

#define fz_trace_why(why)						\
	__print_symbolic(why,						\
			 { FZ_WHY_NAMED, "named" },			\
			 { FZ_WHY_UNMAPPED, "unmapped" },		\
			 { FZ_WHY_HUGE, "huge" },			\
			 { FZ_WHY_FEW, "few" },				\
			 { FZ_WHY_SEEN, "seen" },			\
			 { FZ_WHY_COLD, "cold" },			\
			 { FZ_WHY_TOTAL, "total" },			\
			 { FZ_WHY_LATE, "late" },			\
			 { FZ_WHY_SHARED, "shared" },			\
			 { FZ_WHY_PRICE, "price" },			\
			 { FZ_WHY_MAPPED, "mapped" },			\
			 { FZ_WHY_SPARSE, "sparse" },			\
			 { FZ_WHY_PART, "part" },			\
			 { FZ_WHY_EMPTY, "empty" },			\
			 { FZ_WHY_HELD, "held" },			\
			 { FZ_WHY_SHORT, "short" })

/* perf and trace-cmd see only the format string, and need the values of enums. */
TRACE_DEFINE_ENUM(FASTZERO_MODE_AUTO);
TRACE_DEFINE_ENUM(FASTZERO_MODE_INPLACE);
TRACE_DEFINE_ENUM(FASTZERO_MODE_SWAP);
TRACE_DEFINE_ENUM(FASTZERO_MODE_DROP);
TRACE_DEFINE_ENUM(FZ_INPLACE);
TRACE_DEFINE_ENUM(FZ_SWAP);
TRACE_DEFINE_ENUM(FZ_DROP);
TRACE_DEFINE_ENUM(FZ_WHY_NAMED);
TRACE_DEFINE_ENUM(FZ_WHY_UNMAPPED);
TRACE_DEFINE_ENUM(FZ_WHY_HUGE);
TRACE_DEFINE_ENUM(FZ_WHY_FEW);
TRACE_DEFINE_ENUM(FZ_WHY_SEEN);
TRACE_DEFINE_ENUM(FZ_WHY_COLD);
TRACE_DEFINE_ENUM(FZ_WHY_TOTAL);
TRACE_DEFINE_ENUM(FZ_WHY_LATE);
TRACE_DEFINE_ENUM(FZ_WHY_SHARED);
TRACE_DEFINE_ENUM(FZ_WHY_PRICE);
TRACE_DEFINE_ENUM(FZ_WHY_MAPPED);
TRACE_DEFINE_ENUM(FZ_WHY_SPARSE);
TRACE_DEFINE_ENUM(FZ_WHY_PART);
TRACE_DEFINE_ENUM(FZ_WHY_EMPTY);
TRACE_DEFINE_ENUM(FZ_WHY_HELD);
TRACE_DEFINE_ENUM(FZ_WHY_SHORT);

/* The way that a reset went: AUTO with SWAP may have swapped nothing. */
#ifndef FZ_TRACE_DONE
#define FZ_TRACE_DONE
static inline u32 fz_trace_done(const struct fz_reset *r, u32 mode, u32 way)
{
	if (mode != FASTZERO_MODE_AUTO || way != FASTZERO_MODE_SWAP || r->swapped)
		return way;
	return r->dropped ? FASTZERO_MODE_DROP : FASTZERO_MODE_INPLACE;
}
#endif

/* A reset, or a piece of RESET_DIRTY, is over. */
TRACE_EVENT(fastzero_reset,
	TP_PROTO(const struct fz_reset *r, u32 mode, u32 way, int err),
	TP_ARGS(r, mode, way, err),

	TP_STRUCT__entry(
		__field(u64, ino)
		__field(u64, populated)
		__field(u64, cleared)
		__field(u64, swapped)
		__field(u64, dropped)
		__field(u64, held)
		__field(u32, mode)
		__field(u32, way)
		__field(u32, why)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->ino = r->s->inode->i_ino;
		__entry->populated = atomic_long_read(&r->s->populated);
		__entry->cleared = r->cleared;
		__entry->swapped = r->swapped;
		__entry->dropped = r->dropped;
		__entry->held = r->held;
		__entry->mode = mode;
		__entry->way = fz_trace_done(r, mode, way);
		__entry->why = mode == FASTZERO_MODE_AUTO ? r->why : FZ_WHY_NAMED;
		__entry->err = err;
	),

	TP_printk("ino=%llu mode=%s way=%s why=%s populated=%llu cleared=%llu swapped=%llu dropped=%llu held=%llu err=%d",
		  __entry->ino, fz_trace_mode(__entry->mode),
		  fz_trace_mode(__entry->way), fz_trace_why(__entry->why),
		  __entry->populated, __entry->cleared, __entry->swapped,
		  __entry->dropped, __entry->held, __entry->err)
);

/* AUTO has chosen a way: for one chunk, or for a whole reset (chunk is -1). */
TRACE_EVENT(fastzero_choice,
	TP_PROTO(const struct fz_reset *r, s64 chunk, const struct fz_cost *cost,
		 u64 ready, enum fz_way way),
	TP_ARGS(r, chunk, cost, ready, way),

	TP_STRUCT__entry(
		__field(u64, ino)
		__field(s64, chunk)
		__field(u64, pages)
		__field(u64, span)
		__field(u64, mappings)
		__field(u64, ready)
		__field(u64, clear)
		__field(u64, swap)
		__field(u32, ratio)
		__field(u32, way)
		__field(u32, why)
		__field(bool, begun)
	),

	TP_fast_assign(
		__entry->ino = r->s->inode->i_ino;
		__entry->chunk = chunk;
		__entry->pages = cost->pages;
		__entry->span = cost->span;
		__entry->mappings = cost->mappings;
		__entry->ready = ready;
		__entry->clear = fz_cost_clear(r->ratio, cost->pages);
		__entry->swap = fz_cost_swap(r->ratio, cost);
		__entry->ratio = r->ratio;
		__entry->way = way;
		__entry->why = r->why;
		__entry->begun = cost->begun;
	),

	TP_printk("ino=%llu chunk=%lld pages=%llu span=%llu mappings=%llu ready=%llu begun=%d ratio=%u clear=%llu swap=%llu way=%s why=%s",
		  __entry->ino, __entry->chunk, __entry->pages, __entry->span,
		  __entry->mappings, __entry->ready, __entry->begun,
		  __entry->ratio, __entry->clear, __entry->swap,
		  fz_trace_way(__entry->way), fz_trace_why(__entry->why))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
