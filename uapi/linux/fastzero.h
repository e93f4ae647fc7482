/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * fastzero: scratch memory that becomes zero again almost for free.
 */
#ifndef _UAPI_LINUX_FASTZERO_H
#define _UAPI_LINUX_FASTZERO_H

#include <linux/types.h>
#include <linux/ioctl.h>

/**
 * DOC: The life of a scratch
 *
 * A *context* is one open of /dev/fastzero: one tenant.  It owns a pool of
 * pages, and has limits.  Pages are recycled inside a context, never across.
 *
 * A *scratch* is a memory object of fixed size that can be made zero again.
 * There are two doors to one:
 *
 * 1. FASTZERO_IOC_CREATE on the context gives a file descriptor that looks
 *    like a memfd of fixed size: fstat, lseek, mmap(MAP_SHARED), read, write,
 *    splice and fallocate.  SEEK_DATA finds what is populated, and st_blocks
 *    counts it.  fallocate without PUNCH_HOLE backs a range as POPULATE does,
 *    but maps it nowhere: ENOSPC beyond the end or the context's limit, ENOMEM
 *    as POPULATE; what came before the error stays.  FALLOC_FL_PUNCH_HOLE is a
 *    reset in DROP mode.  The descriptor is close-on-exec and may be passed to
 *    other processes.  What differs from a memfd is listed in docs/memfd.md.
 * 2. mmap of the context's own descriptor gives it an implicit scratch with
 *    the default settings, as large as that first mapping reaches.  RESET,
 *    RESET_DIRTY, POPULATE and WORKSET then work on that descriptor.  It is
 *    for programs that know only a path.
 *
 * Everything that nobody has touched is a hole, which reads zero.  A page is
 * *populated* from its first touch until it is dropped.  Private mappings
 * that can be written are refused: a private copy would escape the reset.
 *
 * ::
 *
 *	int ctx = open("/dev/fastzero", O_RDWR | O_CLOEXEC);
 *	struct fastzero_create c = { .size = sizeof(c), .length = 64 << 20 };
 *	ioctl(ctx, FASTZERO_IOC_CREATE, &c);
 *	void *ram = mmap(NULL, c.length, PROT_READ | PROT_WRITE, MAP_SHARED,
 *			 c.out_fd, 0);
 *	for (;;) {
 *		run_guest_on(ram);
 *		struct fastzero_reset r = { .size = sizeof(r),
 *					    .length = c.length };
 *		ioctl(c.out_fd, FASTZERO_IOC_RESET, &r);
 *	}
 *
 * The scratch lives until its last descriptor, mapping and pin are gone.  The
 * context lives until its own descriptor and its last scratch are gone.  The task
 * that lets go of the last of these gives all memory back before its call returns:
 * when wait(2) for a process returns, its memory is free.  Pages that somebody else
 * still refers to stay with their holders.
 *
 * Pages go back to the system uncleared, as those of every process do.  The kernel
 * clears them for the next user that needs zeros.  The module neither gives a page
 * to another context, nor maps it anywhere, with foreign bytes in it.
 *
 * A core dump leaves scratches out.  madvise(MADV_DODUMP) on a mapping puts that
 * mapping in, and writing the dump then populates all of it.
 */

/**
 * DOC: What a reset promises
 *
 * When RESET of a range returns 0, every byte of the range reads zero through
 * every mapping in every process, in every guest, and through read(2), unless
 * somebody wrote it after RESET began.  A writer that races with RESET loses
 * its store or keeps it, page by page; nothing else happens.
 *
 * A page that somebody else still refers to (a pipe, a direct transfer, a
 * device) is never recycled.  INPLACE clears it where it is, and its holder
 * sees the zeros.  DROP leaves it, with its data, to its holder, and the
 * scratch goes on without it, as after a hole punch; it comes back to the
 * context when it is released.  AUTO clears such pages in place, even those that
 * a device pins during the reset.  The device then keeps working on the memory of
 * the scratch.
 *
 * Chunks of 2 MiB may be backed by one piece of memory (FASTZERO_PAGES_2M).  Such
 * a chunk is replaced or taken back as a whole, and is held if any page of it
 * is.  A reset of a part of it clears that part where it is, in every mode.
 */

/**
 * DOC: Memory that cannot be had
 *
 * All memory of a context is charged to the memory cgroup of the process that opened
 * it.  Memory cannot be had if that memory cgroup is at its limit, if the context is at
 * fastzero_info.out_max_pages, or if the host is out of memory.  Then:
 *
 * - A call fails with ENOMEM: the ioctls, write(2), open(2) of the device.  It
 *   leaves the memory cgroup a little room, so that its caller is not killed.
 * - A touch of a hole by a process in that memory cgroup goes to the OOM killer,
 *   like a touch of any memory of its own.  At out_max_pages, or by a process in
 *   another memory cgroup, it is a SIGBUS.
 * - A touch by a KVM guest makes KVM_RUN fail with EFAULT where it would be a SIGBUS.
 *
 * To avoid this populate beforehand: pages that POPULATE has backed stay until a reset
 * drops them.
 *
 * With cgroup.memory=nokmem the kernel charges nobody for a module's pages, and the
 * limits of memory cgroups do not hold for scratches.  The module warns of it once,
 * and its parameter "accounting" says "no".  max_pages bounds each context all the
 * same.  With the parameter require_accounting set, open(2) of the device fails with
 * EOPNOTSUPP unless pages are charged.
 */

/**
 * DOC: Holes that are only read
 *
 * A hole that is read through a mapping takes a page, as on a memfd.  In a scratch
 * made with FASTZERO_CREATE_ZEROPAGE such holes share one page of zeros instead,
 * and the first write, by whatever way, gives a hole a page of its own.  That is for
 * density.  Its prices:
 *
 * - A read maps a page read-only.  The first write then takes one more fault, two if
 *   the page was a hole.  A KVM guest pays a nested fault more.
 * - From Linux 6.5 on, long-term pins for writing are refused with EFAULT
 *   everywhere in the scratch: VFIO, RDMA, registered buffers of io_uring.
 * - A pipe (vmsplice) or a long-term pin that takes hold of a hole for reading has
 *   the page of zeros, and does not see later writes.
 * - mlock, MAP_POPULATE and MADV_POPULATE_READ make holes no pages; POPULATE and
 *   MADV_POPULATE_WRITE do.  Holes that are mapped count in the resident size of
 *   a process all the same.
 * - Base pages only, whatever the page policy: FASTZERO_PAGES_2M is refused.  AUTO
 *   does not swap them, and SWAP unmaps them.
 * - One page for each scratch, which is in no counter of STATS.
 */

/**
 * DOC: NUMA nodes
 *
 * The first of these that says something decides which node a new page of a scratch
 * comes from, out of the pool or not:
 *
 * 1. FASTZERO_CREATE_NODE.
 * 2. The memory policy of the mapping (mbind), for faults, and for POPULATE where the
 *    caller maps the page.  It belongs to the mapping, not to the scratch.
 * 3. The memory policy of the task (set_mempolicy), also for write(2).
 * 4. Nearness: pages of the pool, near ones first, then the toucher's node.
 *
 * MPOL_BIND is strict, as on a memfd: pages of other nodes are never taken.  With
 * MPOL_WEIGHTED_INTERLEAVE all weights count as one.  A reset leaves pages on their
 * node.  Pages do not move: MPOL_MF_MOVE with MPOL_MF_STRICT is EIO for pages on other
 * nodes, and automatic NUMA balancing passes over scratches.
 */

/**
 * DOC: Structures and errors
 *
 * Every ioctl takes a pointer to a structure whose first member is its size.
 * Structures only grow, at their end: a caller built against an older header
 * works with a newer module, and the other way round as long as it asks for
 * nothing that the module does not know.  Members named out_* are written by
 * the module, whatever they held; padding and reserved members must be zero.
 *
 * Errors common to all ioctls:
 *
 * - ENOTTY: no ioctl of this number for this kind of descriptor.
 * - EINVAL: the structure is shorter than its first version, a reserved
 *   member is not zero, or a value is out of range or misaligned.
 * - E2BIG: the structure is longer than this module's, and what is beyond is
 *   not zero, or it is longer than a page.
 * - EOPNOTSUPP: an unknown flag, or a feature that INFO does not report.
 * - EOVERFLOW: offset + length wraps around.
 * - EFAULT: a bad pointer.  When only the outputs cannot be written, the
 *   work is done all the same, but for CREATE, which makes nothing.
 * - EBADF: the descriptor was not opened for writing; INFO and STATS do not
 *   mind.
 * - ENXIO: the descriptor is a context's, and has no implicit scratch yet.
 * - ENOMEM: no memory, or beyond the limit of the memory cgroup that pays or of
 *   the context.  What can be reclaimed is, and nobody is killed.  Nothing was
 *   changed, but for POPULATE, which says how far it came.
 * - EINTR: a fatal signal arrived; any signal in ZERO.  What was done is said in the
 *   outputs.
 * - EIO: memory has failed (see memory-failure in the kernel's documentation).
 *
 * A call that fails changes nothing unless its description says so.
 */

#define FASTZERO_TYPE	0xFA

enum {
	FASTZERO_CMD_INFO = 0x00,
	FASTZERO_CMD_CREATE,
	FASTZERO_CMD_POOL,
	FASTZERO_CMD_STATS,
	FASTZERO_CMD_ZERO,
	FASTZERO_CMD_RESET_MANY,
	FASTZERO_CMD_RESET = 0x10,
	FASTZERO_CMD_RESET_DIRTY,
	FASTZERO_CMD_POPULATE,
	FASTZERO_CMD_WORKSET,
};

/**
 * enum fastzero_feature - bits of fastzero_info.out_features
 * @FASTZERO_FEATURE_2M: chunks of 2 MiB can be backed by one folio
 * @FASTZERO_FEATURE_ZEROPAGE: CREATE takes FASTZERO_CREATE_ZEROPAGE
 * @FASTZERO_FEATURE_RESET_DIRTY: RESET_DIRTY works
 * @FASTZERO_FEATURE_WORKSET: WORKSET works, and POPULATE of a working set
 * @FASTZERO_FEATURE_NODE: CREATE takes FASTZERO_CREATE_NODE, and POOL
 *	FASTZERO_POOL_NODE
 * @FASTZERO_FEATURE_TOTAL_CPU: CREATE takes FASTZERO_CREATE_TOTAL_CPU
 * @FASTZERO_FEATURE_ZERO: ZERO works
 * @FASTZERO_FEATURE_THREAD: ZERO takes FASTZERO_ZERO_THREAD
 * @FASTZERO_FEATURE_RESET_MANY: RESET_MANY works
 * @FASTZERO_FEATURE_IDLE: RESET takes FASTZERO_RESET_IDLE
 */
enum fastzero_feature {
	FASTZERO_FEATURE_2M		= 1 << 0,
	FASTZERO_FEATURE_ZEROPAGE	= 1 << 1,
	FASTZERO_FEATURE_RESET_DIRTY	= 1 << 2,
	FASTZERO_FEATURE_WORKSET	= 1 << 3,
	FASTZERO_FEATURE_NODE		= 1 << 4,
	FASTZERO_FEATURE_TOTAL_CPU	= 1 << 5,
	FASTZERO_FEATURE_ZERO		= 1 << 6,
	FASTZERO_FEATURE_THREAD		= 1 << 7,
	FASTZERO_FEATURE_RESET_MANY	= 1 << 8,
	FASTZERO_FEATURE_IDLE		= 1 << 9,
};

/**
 * struct fastzero_info - ioctl(FASTZERO_IOC_INFO), on a context
 * @size: sizeof(struct fastzero_info)
 * @flags: must be 0
 * @out_features: what this module can do, bits of enum fastzero_feature
 * @out_modes: what RESET takes, bit (1 << mode) for each enum fastzero_mode
 * @out_orders: page orders that POOL takes, bit (1 << order)
 * @out_page_size: size in bytes of a base page; ranges are multiples of it
 * @out_chunk_size: size in bytes of a chunk
 * @out_max_scratches: most scratches that a context may have at once
 * @__reserved: must be 0
 * @out_max_length: largest scratch that CREATE takes, in bytes
 * @out_max_pages: most base pages that a context may own, pool included: the
 *	module's parameter max_pages, by default three quarters of the memory that
 *	the host had when the module was loaded; 0 for no limit but the memory
 *	cgroup's.  See "Memory that cannot be had"
 *
 * Says what the module can do, so that a library can adapt.
 */
struct fastzero_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_features;
	__u32 out_modes;
	__u32 out_orders;
	__u32 out_page_size;
	__u32 out_chunk_size;
	__u32 out_max_scratches;
	__u32 __reserved;
	__aligned_u64 out_max_length;
	__aligned_u64 out_max_pages;
};
#define FASTZERO_IOC_INFO _IO(FASTZERO_TYPE, FASTZERO_CMD_INFO)

/**
 * enum fastzero_page_policy - what backs the chunks of a scratch
 * @FASTZERO_PAGES_AUTO: base pages.  The module gives a chunk 2 MiB if it is empty,
 *	half of it or more is in the working set, and a mapping can take it as a
 *	whole: one which had base pages there cannot
 * @FASTZERO_PAGES_4K: base pages only
 * @FASTZERO_PAGES_2M: 2 MiB folios wherever they can be had, else base pages:
 *	for aligned chunks that lie in the scratch as a whole.  The first touch
 *	of a chunk populates all of it.  A chunk that got base pages keeps them
 *	until it is dropped.  EOPNOTSUPP without FASTZERO_FEATURE_2M
 *
 * While memory is short, RESET with FASTZERO_MODE_AUTO drops a 2 MiB folio of which a
 * run has touched less than a quarter.  The chunk is a hole then, and has base pages
 * until half of it or more is in the working set, it is empty, and memory is not
 * short any more.  Memory is short for 10 seconds after the context could not get a
 * page, or the system or a memory cgroup that is short of memory took some from its
 * pool.
 */
enum fastzero_page_policy {
	FASTZERO_PAGES_AUTO,
	FASTZERO_PAGES_4K,
	FASTZERO_PAGES_2M,
};

/**
 * enum fastzero_create_flags - bits of fastzero_create.flags
 * @FASTZERO_CREATE_NODE: take pages from NUMA node @node of the structure
 *	first: those in the pool, then free ones of the node, and only then those
 *	of other nodes.  SWAP puts pages of @node in the place of others.  The scratch
 *	then has no other policy: mbind() on its mappings is EINVAL.  Without the
 *	flag memory policies decide, see the top of this header.  EOPNOTSUPP
 *	without FASTZERO_FEATURE_NODE
 * @FASTZERO_CREATE_ZEROPAGE: holes that are only read share one page of
 *	zeros instead of taking memory; what that costs is said on top of this
 *	header.  EINVAL with FASTZERO_PAGES_2M, EOPNOTSUPP without
 *	FASTZERO_FEATURE_ZEROPAGE
 * @FASTZERO_CREATE_TOTAL_CPU: RESET with FASTZERO_MODE_AUTO goes by all CPU time,
 *	that of the background zeroer included, instead of by what the caller
 *	waits for.  What is swapped has to be cleared as well, so while the scratch
 *	is mapped AUTO then clears in place, chunks of 2 MiB too.  The other modes
 *	are as ever.  Goes with all page policies and flags.  EOPNOTSUPP without
 *	FASTZERO_FEATURE_TOTAL_CPU
 */
enum fastzero_create_flags {
	FASTZERO_CREATE_NODE		= 1 << 0,
	FASTZERO_CREATE_ZEROPAGE	= 1 << 1,
	FASTZERO_CREATE_TOTAL_CPU	= 1 << 2,
};

/* Longest name of a scratch, without the 0 at its end. */
#define FASTZERO_NAME_MAX	246

/**
 * struct fastzero_create - ioctl(FASTZERO_IOC_CREATE), on a context
 * @size: sizeof(struct fastzero_create)
 * @flags: bits of enum fastzero_create_flags
 * @length: size of the scratch in bytes, a multiple of the base page size,
 *	from one page to fastzero_info.out_max_length
 * @page_policy: one of enum fastzero_page_policy
 * @node: a NUMA node that has memory; must be 0 without FASTZERO_CREATE_NODE
 * @name: user pointer to a name, a string of at most FASTZERO_NAME_MAX bytes and
 *	a 0; or 0 for none.  Names need not differ
 * @out_fd: the scratch, open for reading and writing, close-on-exec; the
 *	caller owns it
 * @__reserved: must be 0
 *
 * Makes a scratch.  No memory is taken before it is touched or populated.
 *
 * /proc/PID/maps and /proc/PID/fd show it as "/fastzero:NAME (deleted)", or as
 * "/fastzero (deleted)" without a name.  In fdinfo the name is behind
 * "fastzero-name:"; backslashes and all but printable ASCII are escaped there, as
 * in C.
 *
 * EINVAL for a length of 0, one that is not a multiple of a page or beyond the
 * limit, an unknown policy or node, flags that do not go with the policy, a name
 * that is too long; EFAULT for a name that cannot be read; ENOSPC when the context
 * has as many scratches as it may; EMFILE and ENFILE as open(2).
 */
struct fastzero_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 length;
	__u32 page_policy;
	__u32 node;
	__aligned_u64 name;
	__s32 out_fd;
	__u32 __reserved;
};
#define FASTZERO_IOC_CREATE _IO(FASTZERO_TYPE, FASTZERO_CMD_CREATE)

/**
 * enum fastzero_pool_flags - bits of fastzero_pool.flags
 * @FASTZERO_POOL_WAIT: return when the target is reached, or when no page is
 *	left that waits for the zeroer.  The caller clears pages meanwhile, and the
 *	parameter zeroer_rate does not bound it
 * @FASTZERO_POOL_NODE: the target of NUMA node @node of the structure; without it,
 *	of the one on which the context was opened.  EOPNOTSUPP without
 *	FASTZERO_FEATURE_NODE
 */
enum fastzero_pool_flags {
	FASTZERO_POOL_WAIT		= 1 << 0,
	FASTZERO_POOL_NODE		= 1 << 1,
};

/**
 * struct fastzero_pool - ioctl(FASTZERO_IOC_POOL), on a context
 * @size: sizeof(struct fastzero_pool)
 * @flags: bits of enum fastzero_pool_flags
 * @order: order of the pages, one that fastzero_info.out_orders reports;
 *	EOPNOTSUPP for any other
 * @node: a NUMA node that has memory; must be 0 without FASTZERO_POOL_NODE
 * @target: pages of that order and node to be kept ready
 * @out_ready: such pages that are ready now
 * @out_used: such pages that wait for the zeroer
 *
 * Sets how many zeroed pages the context keeps ready.  The call allocates the pages
 * that are missing, from the node and no other, and has them charged to the memory
 * cgroup of the context's opener.  Pages that wait for the zeroer count as present.
 *
 * Runs take pages from the pool, and the context keeps the target: it allocates as many
 * in the background.  2 MiB pages come at once.  RESET allocates missing base
 * pages at its end, or the pool does after a second without RESET.  So a context owns
 * what its scratches hold and the target as well.
 *
 * Without this call, and beyond the target, the pool goes by what runs need.  It
 * keeps pages that runs took, once they have come back.  It allocates new pages in
 * the background if resets with SWAP, or with AUTO of chunks of 2 MiB, found too few
 * ready: at most as many as the largest reset wanted.  The pool gives all of that back
 * about 10 s after the last of these runs.  This call makes the pool forget what it
 * has learned of that order and node: pages beyond the target then go back to the
 * system in the background.
 *
 * All pages of the pool go back when the system or the memory cgroup of the context's
 * opener is short of memory, those of the target and those that wait for the zeroer
 * included.  They go at memory.max and memory.high, and by memory.reclaim, as page
 * cache does, before any process is killed.  The system counts them as available
 * memory.  In the background the pool allocates free memory only: nothing within 10 s
 * after that, nothing beyond fastzero_info.out_max_pages, and nothing where less than an
 * eighth of the memory cgroup is left.
 *
 * Reclaim may take pages while the call allocates.  The call replaces them, until
 * reclaim has taken as many as were missing at the start.
 *
 * ENOMEM when the pages cannot be had, EINVAL for a target beyond
 * fastzero_info.out_max_pages or a node without memory: the target is then unchanged,
 * and so is the pool, but for what reclaim has taken.
 * EINTR when a fatal signal ended the call: as for ENOMEM, or, in a wait,
 * with the target set.
 */
struct fastzero_pool {
	__u32 size;
	__u32 flags;
	__u32 order;
	__u32 node;
	__aligned_u64 target;
	__aligned_u64 out_ready;
	__aligned_u64 out_used;
};
#define FASTZERO_IOC_POOL _IO(FASTZERO_TYPE, FASTZERO_CMD_POOL)

/**
 * enum fastzero_zero_flags - bits of fastzero_zero.flags
 * @FASTZERO_ZERO_ONCE: do what there is to do now, and return
 * @FASTZERO_ZERO_THREAD: make a thread in the calling process, lend it, and return.
 *	EOPNOTSUPP without FASTZERO_FEATURE_THREAD
 * @FASTZERO_ZERO_NO_THREAD: take that thread back, whichever process it belongs to; 0,
 *	too, if there is none
 */
enum fastzero_zero_flags {
	FASTZERO_ZERO_ONCE		= 1 << 0,
	FASTZERO_ZERO_THREAD		= 1 << 1,
	FASTZERO_ZERO_NO_THREAD		= 1 << 2,
};

/**
 * struct fastzero_zero - ioctl(FASTZERO_IOC_ZERO), on a context
 * @size: sizeof(struct fastzero_zero)
 * @flags: bits of enum fastzero_zero_flags
 * @timeout_ms: milliseconds after which the call returns; 0 for no timeout, and
 *	with FASTZERO_ZERO_THREAD or FASTZERO_ZERO_NO_THREAD
 * @__reserved: must be 0
 * @out_work: base pages that this call has cleared, or allocated as zeroed ones; one
 *	that it found zero counts as a quarter, the price of the look
 * @out_ns: CPU time in ns that this took, which is in fastzero_stats.out_zeroer_ns,
 *	too
 *
 * Lends the calling thread to the context.  The thread does the context's background
 * work: it clears used pages, fills the pool up, and gives surplus pages back.  It
 * sleeps while there is nothing to do.  The CPU time is the thread's, with its
 * weight, its processors and its cgroup's limits.  The parameter zeroer_rate does not
 * bound it.  While at least one thread is lent, no thread of the module works for the
 * context; when the last one returns, the module takes over again.  Several may be
 * lent at once, also from other processes that have the context's descriptor.  A
 * thread that gets no CPU time clears nothing: faults and resets then clear for
 * themselves.
 *
 * The context lives as long as the call.  Closing the descriptor does not end the
 * call; a handled signal or @timeout_ms does.
 *
 * Returns 0 after @timeout_ms, or with FASTZERO_ZERO_ONCE when everything is done; a
 * timeout ends that, too.  EINTR when a signal arrives, whether there was something
 * to do or not: the outputs are valid, and the call can be repeated.
 * EOPNOTSUPP for an unknown flag.
 *
 * With FASTZERO_ZERO_THREAD the kernel makes the thread that is lent, in the calling
 * process: "fastzero-lent" in /proc/PID/task.  It works in the process's cgroups, on
 * the caller's processors, with nice 19, and the call returns at once.  It is lent
 * until the first of these, when the thread ends and the module takes over at once:
 *
 * - FASTZERO_ZERO_NO_THREAD.  The thread ends soon after the call.
 * - The process ends or is killed, or executes another program.
 * - The context's last descriptor is closed.  The thread holds none.
 *
 * The thread belongs to the process that asked, wherever the descriptor goes.  A
 * child of fork() has none.  A context has one such thread at most: EBUSY if there is
 * one.  Other threads may be lent beside it.  EAGAIN if the process may have no more
 * threads (RLIMIT_NPROC, pids.max), ENOMEM.
 *
 * A process with a thread more is not single-threaded any more, with a mount root
 * that both share: setns() into a user or mount namespace and unshare(CLONE_NEWUSER)
 * are EINVAL.  So enter namespaces first.  If another process holds the descriptor, the
 * lent thread keeps this one alive after its last own thread calls SYS_exit.
 * exit_group() and signals end it.
 */
struct fastzero_zero {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 __reserved;
	__aligned_u64 out_work;
	__aligned_u64 out_ns;
};
#define FASTZERO_IOC_ZERO _IO(FASTZERO_TYPE, FASTZERO_CMD_ZERO)

/**
 * enum fastzero_mode - how a reset is done
 * @FASTZERO_MODE_AUTO: the module decides, for each chunk
 * @FASTZERO_MODE_INPLACE: clear the populated pages where they are; nothing
 *	is unmapped, the next touch costs nothing
 * @FASTZERO_MODE_SWAP: put ready pages in the place of the dirty ones; these
 *	are cleared in the background.  2 MiB folios are mapped again at once
 *	where the caller maps them, and are allocated as long as the pool has
 *	less than its target.  Pages for which no ready one is left are cleared in
 *	place, or taken out if they are held.  Base pages are mapped at once where
 *	the caller's mapping is the only one, and the caller's process never had a
 *	VM.  Else they are unmapped, and the next touch maps them
 * @FASTZERO_MODE_DROP: take the pages back; the range is a hole again.  The pool
 *	keeps the pages that it expects runs to need, and the others go to the system
 */
enum fastzero_mode {
	FASTZERO_MODE_AUTO,
	FASTZERO_MODE_INPLACE,
	FASTZERO_MODE_SWAP,
	FASTZERO_MODE_DROP,
};

/**
 * enum fastzero_reset_flags - bits of fastzero_reset.flags
 * @FASTZERO_RESET_IDLE: the caller states that nothing has written to the range since the
 *	last RESET of all of it returned 0, or since the scratch was made.  The call returns
 *	at once, whatever the mode, and changes nothing.  If the statement is wrong, what
 *	was written stays until a RESET without the flag.  The module does not check it,
 *	as it does not check what the bitmap of RESET_DIRTY leaves out.  EOPNOTSUPP
 *	without FASTZERO_FEATURE_IDLE
 *
 * A VMM knows that nothing ran: it has not entered the guest, has not written itself, and
 * no device has.  Without the flag a reset has to look at the pages.
 */
enum fastzero_reset_flags {
	FASTZERO_RESET_IDLE		= 1 << 0,
};

/**
 * struct fastzero_reset - ioctl(FASTZERO_IOC_RESET), on a scratch
 * @size: sizeof(struct fastzero_reset)
 * @flags: bits of enum fastzero_reset_flags
 * @offset: first byte of the range, a multiple of the base page size
 * @length: bytes in the range, a multiple of the base page size, not 0; the
 *	range must lie inside the scratch
 * @mode: one of enum fastzero_mode, of those that fastzero_info.out_modes
 *	reports
 * @__reserved: must be 0
 * @out_done: bytes of the range, from its begin, that are zero now; @length
 *	if the call succeeds
 * @out_cleared: base pages that this call cleared, or found zero and left where they are
 * @out_swapped: base pages that were replaced by ready ones
 * @out_dropped: base pages that were taken out and left a hole
 * @out_held: base pages among these that somebody else referred to: INPLACE
 *	and AUTO cleared them, DROP and SWAP left them to their holders
 *
 * Makes the range zero again; what that means in the presence of writers and
 * of pages held by others is said on top of this header.
 *
 * EINTR when a fatal signal arrives: the first @out_done bytes are zero (0 if the
 * pages were cleared in another order), and the call can be repeated for the
 * rest.  EIO when a page in a 2 MiB folio has
 * failed and the range has only a part of that chunk: all else is zero, and a
 * reset of the whole chunk gets rid of the page.
 */
struct fastzero_reset {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 length;
	__u32 mode;
	__u32 __reserved;
	__aligned_u64 out_done;
	__aligned_u64 out_cleared;
	__aligned_u64 out_swapped;
	__aligned_u64 out_dropped;
	__aligned_u64 out_held;
};
#define FASTZERO_IOC_RESET _IO(FASTZERO_TYPE, FASTZERO_CMD_RESET)

/**
 * struct fastzero_reset_many - ioctl(FASTZERO_IOC_RESET_MANY), on a context
 * @size: sizeof(struct fastzero_reset_many)
 * @flags: must be 0
 * @fds: user pointer to @nr descriptors of scratches, __s32 each
 * @nr: how many, not 0
 * @mode: one of enum fastzero_mode, for all of them
 * @__reserved: must be 0
 * @out_done: scratches, from the first on, that are zero now; @nr if the call
 *	succeeds
 * @out_cleared: as in struct fastzero_reset, of all these scratches together; so are
 *	the following
 * @out_swapped: base pages that were replaced by ready ones
 * @out_dropped: base pages that were taken out and left a hole
 * @out_held: base pages among these that somebody else referred to
 *
 * Resets many scratches in one call, each as RESET of all of it does, one after the
 * other.  For small scratches the call costs more than the reset.  Each
 * descriptor has to be open for writing, and gives the right by itself: scratches of
 * other contexts may be among them.  One that is there twice is reset twice.
 *
 * A call that fails has reset the first @out_done scratches, and the next one is what it
 * failed for: EBADF for what is no descriptor or not open for writing, EINVAL for one
 * of something else than a scratch, EINTR and EIO as RESET, whose part of the scratch
 * is done.  EFAULT where descriptors cannot be read.
 */
struct fastzero_reset_many {
	__u32 size;
	__u32 flags;
	__aligned_u64 fds;
	__u32 nr;
	__u32 mode;
	__u32 __reserved;
	__u32 out_done;
	__aligned_u64 out_cleared;
	__aligned_u64 out_swapped;
	__aligned_u64 out_dropped;
	__aligned_u64 out_held;
};
#define FASTZERO_IOC_RESET_MANY _IO(FASTZERO_TYPE, FASTZERO_CMD_RESET_MANY)

/**
 * struct fastzero_reset_dirty - ioctl(FASTZERO_IOC_RESET_DIRTY), on a scratch
 * @size: sizeof(struct fastzero_reset_dirty)
 * @flags: must be 0
 * @offset: first byte of the range, a multiple of the granule
 * @length: bytes in the range, a multiple of the base page size, not 0; the
 *	range must lie inside the scratch
 * @mode: one of enum fastzero_mode
 * @granule_shift: log2 of the bytes that one bit stands for, from the base
 *	page's (12 on x86) to 30
 * @bitmap: user pointer, aligned to 8, to 64-bit words: bit n % 64 of word
 *	n / 64 stands for granule n, counted from @offset, as KVM_GET_DIRTY_LOG
 *	has them on little-endian machines
 * @bitmap_size: bytes at @bitmap, a multiple of 8; EINVAL if too short for
 *	the range.  Bits beyond the range do not count
 * @out_done: bytes of the range that are dealt with
 * @out_cleared: as in struct fastzero_reset
 * @out_swapped: as in struct fastzero_reset
 * @out_dropped: as in struct fastzero_reset
 * @out_held: as in struct fastzero_reset
 *
 * The range may end inside of its last granule, of which it takes a part.
 *
 * As RESET, for the granules whose bit is set; the others are not looked at,
 * and whole words of zeros cost next to nothing.  Pages that the bitmap does not name
 * keep their data, also data that the host wrote: KVM's log has only the stores of
 * the guest.  So the caller sets the bits of pages that the VMM itself, read(2),
 * devices or other processes wrote.
 *
 * EFAULT when the bitmap cannot be read: nothing was changed, unless it was
 * unmapped during the call.  EINTR when a fatal signal arrives: @out_done
 * bytes are dealt with, and the call can be repeated as it is.  EIO as in RESET.
 * EOPNOTSUPP without FASTZERO_FEATURE_RESET_DIRTY.
 */
struct fastzero_reset_dirty {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 length;
	__u32 mode;
	__u32 granule_shift;
	__aligned_u64 bitmap;
	__aligned_u64 bitmap_size;
	__aligned_u64 out_done;
	__aligned_u64 out_cleared;
	__aligned_u64 out_swapped;
	__aligned_u64 out_dropped;
	__aligned_u64 out_held;
};
#define FASTZERO_IOC_RESET_DIRTY _IO(FASTZERO_TYPE, FASTZERO_CMD_RESET_DIRTY)

/**
 * enum fastzero_populate_flags - bits of fastzero_populate.flags
 * @FASTZERO_POPULATE_WORKSET: only the pages of the working set; EOPNOTSUPP
 *	without FASTZERO_FEATURE_WORKSET
 */
enum fastzero_populate_flags {
	FASTZERO_POPULATE_WORKSET	= 1 << 0,
};

/**
 * struct fastzero_populate - ioctl(FASTZERO_IOC_POPULATE), on a scratch
 * @size: sizeof(struct fastzero_populate)
 * @flags: bits of enum fastzero_populate_flags
 * @offset: first byte of the range, a multiple of the base page size
 * @length: bytes in the range, a multiple of the base page size, not 0; the
 *	range must lie inside the scratch
 * @out_done: bytes of the range, from its begin, that are populated now;
 *	@length if the call succeeds
 * @out_added: base pages that were not populated before
 * @out_mapped: page-table entries looked after in the caller's mappings
 *
 * Backs the range with zeroed pages and maps them wherever the calling process
 * maps the range, writable where that mapping is, so that the next touch does
 * not fault.  Pages that are populated keep their contents.
 *
 * It faults the pages in one by one.  Of a scratch that never has huge folios, with
 * FASTZERO_PAGES_4K, it maps them without faults, unless ZEROPAGE, a locked mapping or a
 * reset under way forbids that.  It does so in batches that hold mmap_lock for writing:
 * other threads' faults wait for a batch, 512 pages or a few more.
 *
 * ENOMEM when memory runs out, also for page tables, and EINTR on a fatal signal:
 * the first @out_done bytes are populated, though not all of them may be mapped, and
 * the call can be repeated for the rest.
 * EFAULT, too, when the memory of a page of the range has failed.
 */
struct fastzero_populate {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 out_done;
	__aligned_u64 out_added;
	__aligned_u64 out_mapped;
};
#define FASTZERO_IOC_POPULATE _IO(FASTZERO_TYPE, FASTZERO_CMD_POPULATE)

/**
 * enum fastzero_workset_op - what WORKSET does
 * @FASTZERO_WORKSET_READ: copy the working set to the buffer
 * @FASTZERO_WORKSET_WRITE: take it from the buffer
 * @FASTZERO_WORKSET_CLEAR: forget it, and what AUTO has learned of pages; no buffer
 */
enum fastzero_workset_op {
	FASTZERO_WORKSET_READ,
	FASTZERO_WORKSET_WRITE,
	FASTZERO_WORKSET_CLEAR,
};

/**
 * struct fastzero_workset_head - how a working set begins; all little-endian
 * @magic: FASTZERO_WORKSET_MAGIC
 * @page_shift: log2 of the page size in bytes
 * @length: size of the scratch in bytes
 * @nr_runs: struct fastzero_workset_run that follow
 * @__reserved: 0
 */
struct fastzero_workset_head {
	__le32 magic;
	__le32 page_shift;
	__le64 length;
	__le64 nr_runs;
	__le64 __reserved;
};
#define FASTZERO_WORKSET_MAGIC	0x5357305a	/* "Z0WS" */

/**
 * struct fastzero_workset_run - pages of a working set; all little-endian
 * @first: number of the first page
 * @nr: how many pages, not 0
 *
 * Runs are in order, and there is a page between two of them.
 */
struct fastzero_workset_run {
	__le64 first;
	__le64 nr;
};

/**
 * struct fastzero_workset - ioctl(FASTZERO_IOC_WORKSET), on a scratch
 * @size: sizeof(struct fastzero_workset)
 * @flags: must be 0
 * @op: one of enum fastzero_workset_op
 * @__reserved: must be 0
 * @buffer: user pointer to a struct fastzero_workset_head and what follows it;
 *	must be 0 for CLEAR
 * @buffer_size: bytes at @buffer; must be 0 for CLEAR.  READ with 0 only asks for
 *	the size
 * @out_size: bytes that the working set takes or took
 *
 * Reads, writes or clears the working set: the pages that a run is expected to
 * touch, so that POPULATE can have them there before it begins.  A page enters
 * when it is populated, by whatever way, or is named by WRITE (so one that was only
 * read does not, with FASTZERO_CREATE_ZEROPAGE); it stays when it is
 * dropped.  Save it beside a snapshot of a guest.  With POPULATE the first run of a
 * clone on another host takes no page fault then.  A KVM guest still takes a nested fault
 * for each page of the set, unless the VMM calls KVM_PRE_FAULT_MEMORY (Linux 6.11) for the
 * runs of the set after POPULATE: then its first run is as fast as the second.
 *
 * READ: ENOSPC when the buffer is too short, @out_size says how long it must be.
 * WRITE: EINVAL for anything that READ could not have written for a scratch of
 * this length and page size; ENOMEM, also for a set of more pages than this host
 * has, and for one of more than 64 MiB in this format.  EFAULT.  In all these
 * cases the working set is as it was.  EINTR on a fatal signal: it may then be the
 * old one, the new one or a part of either, as after a CLEAR that ends so.
 * EOPNOTSUPP without FASTZERO_FEATURE_WORKSET.
 */
struct fastzero_workset {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 __reserved;
	__aligned_u64 buffer;
	__aligned_u64 buffer_size;
	__aligned_u64 out_size;
};
#define FASTZERO_IOC_WORKSET _IO(FASTZERO_TYPE, FASTZERO_CMD_WORKSET)

/**
 * struct fastzero_stats - ioctl(FASTZERO_IOC_STATS), on either
 * @size: sizeof(struct fastzero_stats)
 * @flags: must be 0
 * @out_scratches: scratches counted: 1 on a scratch, all of the context's that
 *	are alive on a context
 * @out_length: their size in bytes
 * @out_populated: base pages populated in them now
 * @out_faults: page faults that were answered with a page, be it one of zeros for
 *	all holes
 * @out_faults_ready: pages that faults, POPULATE and writes took ready from the
 *	pool
 * @out_faults_used: pages that these took from the zeroer's queue and cleared
 * @out_faults_alloc: pages that these had to allocate
 * @out_resets: RESET and RESET_DIRTY calls and hole punches, also those that were
 *	interrupted
 * @out_cleared: base pages that resets cleared, in scratches or as new ones for the
 *	pool
 * @out_swapped: base pages that resets replaced
 * @out_dropped: base pages that resets took out
 * @out_held: base pages that resets found referred to by somebody else
 * @out_pool_target: base pages that the context keeps ready
 * @out_pool_ready: base pages in its pool that are zero
 * @out_pool_used: base pages that wait for the zeroer
 * @out_pool_held: base pages that wait for somebody else to release them
 * @out_owned: base pages that the context has in all: populated in its
 *	scratches, and in its pool
 * @out_zeroed: base pages that the zeroer has cleared, or allocated as zeroed ones;
 *	threads lent by ZERO, and POOL calls that wait, count as the zeroer
 * @out_zeroer_ns: CPU time in ns that the zeroer has spent on this context
 * @out_aged: pages among @out_dropped that AUTO took back since runs had stopped
 *	writing to them
 * @out_returned: pages among these that were touched again later
 * @out_huge_failed: how often a 2 MiB folio was wanted and could not be had
 * @out_huge: base pages among @out_populated that are parts of 2 MiB folios
 * @out_broken: chunks that lost their 2 MiB folio since memory was short and runs
 *	touched little of it
 * @out_rebuilt: chunks that got one since runs touch much of them
 * @out_auto_inplace: resets among @out_resets with AUTO that swapped nothing, and
 *	found the scratch mapped, or nothing in it
 * @out_auto_swap: those that have swapped pages
 * @out_auto_drop: those that have dropped all, since nobody mapped the scratch
 * @out_shrunk: base pages that reclaim took from the pool, because the system or the
 *	memory cgroup was short of memory
 * @out_index: bytes of the index, which says where the pages of the scratches counted
 *	are
 *
 * On a scratch the members up to @out_held, @out_aged to @out_auto_drop, and @out_index
 * are its own.  On a context they are sums.  Sums include scratches
 * that are gone, except @out_scratches, @out_length, @out_populated, @out_huge and
 * @out_index.  The others are the context's on both.  Counters are not taken at one
 * instant.
 */
struct fastzero_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_scratches;
	__aligned_u64 out_length;
	__aligned_u64 out_populated;
	__aligned_u64 out_faults;
	__aligned_u64 out_faults_ready;
	__aligned_u64 out_faults_used;
	__aligned_u64 out_faults_alloc;
	__aligned_u64 out_resets;
	__aligned_u64 out_cleared;
	__aligned_u64 out_swapped;
	__aligned_u64 out_dropped;
	__aligned_u64 out_held;
	__aligned_u64 out_pool_target;
	__aligned_u64 out_pool_ready;
	__aligned_u64 out_pool_used;
	__aligned_u64 out_pool_held;
	__aligned_u64 out_owned;
	__aligned_u64 out_zeroed;
	__aligned_u64 out_zeroer_ns;
	__aligned_u64 out_aged;
	__aligned_u64 out_returned;
	__aligned_u64 out_huge_failed;
	__aligned_u64 out_huge;
	__aligned_u64 out_broken;
	__aligned_u64 out_rebuilt;
	__aligned_u64 out_auto_inplace;
	__aligned_u64 out_auto_swap;
	__aligned_u64 out_auto_drop;
	__aligned_u64 out_shrunk;
	__aligned_u64 out_index;
};
#define FASTZERO_IOC_STATS _IO(FASTZERO_TYPE, FASTZERO_CMD_STATS)

#endif /* _UAPI_LINUX_FASTZERO_H */
