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
 * A *context* is one open of /dev/fastzero, or one file of a mounted file system.  It
 * owns a pool of pages, and has limits.  Pages are recycled inside a context, and never
 * go to another one.
 *
 * A *scratch* is a memory object of fixed size that can be made zero again.
 * There are three ways to make one:
 *
 * 1. FASTZERO_IOC_CREATE on the context gives a file descriptor that looks
 *    like a memfd of fixed size: fstat, lseek, mmap(MAP_SHARED), read, write,
 *    splice and fallocate.  SEEK_DATA finds populated pages, and st_blocks
 *    counts them.  fallocate without PUNCH_HOLE populates a range as POPULATE
 *    does, but maps it nowhere.  It fails with ENOSPC beyond the end or the
 *    context's limit, and with ENOMEM as POPULATE does.  Pages populated before
 *    the error stay.  FALLOC_FL_PUNCH_HOLE is a reset in DROP mode.  The
 *    descriptor is close-on-exec and may be passed to other processes.
 *    docs/memfd.md lists the differences from a memfd.
 * 2. The first mmap of the context's own descriptor makes an implicit scratch
 *    with the default settings.  Its size is that mapping's offset plus its
 *    length.  RESET, RESET_DIRTY, POPULATE and WORKSET then work on that
 *    descriptor.  This way is for programs that take only a path.
 * 3. Root can mount a file system of type fastzero.  Each file in it is a scratch, in a
 *    context of its own that belongs to the process that made the file.  The file begins
 *    with size 0, and the first ftruncate gives it its size.  RESET, RESET_DIRTY, POPULATE,
 *    WORKSET and STATS work on the file.  This way is for programs that want a file.
 *
 * A page that nobody has touched is a hole, which reads zero.  A page is
 * *populated* from its first touch until it is dropped.  The module refuses
 * private mappings that can be written: a private copy would escape the reset.
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
 * The scratch lives until its last descriptor and mapping are gone, and a file of a mount
 * also until its last name is gone.  The context lives until its own descriptor and its
 * last scratch are gone.  The task that drops the last of these frees all memory before
 * its call returns.  So when wait(2) for a process returns, its memory is free.  Held
 * pages stay with their holders.
 *
 * Pages go back to the system uncleared, as those of every process do.  The kernel
 * clears them for the next user that needs zeros.  The module gives no page to
 * another context, and maps no page that holds another user's data.
 *
 * A core dump leaves scratches out.  madvise(MADV_DODUMP) on a mapping includes
 * that mapping, and writing the dump then populates all of it.
 */

/**
 * DOC: What a reset promises
 *
 * When RESET of a range returns 0, every byte of it reads zero: through all mappings of
 * all processes, in all guests, and through read(2).  The only exception is a byte that
 * somebody wrote after RESET began.  A store that races with RESET is lost or kept, page
 * by page; nothing else happens.
 *
 * A page is *held* while a pipe, a direct I/O transfer or a device refers to it.  The
 * module does not recycle it until its holder releases it.  INPLACE clears it where it
 * is, and its holder sees the zeros.  DROP leaves a hole in the scratch, as a hole punch
 * does.  The page stays with its holder, with its data, and comes back to the context
 * when the holder releases it.  AUTO clears held pages in place, even those that a device
 * pins during the reset.  The device then keeps working on the memory of the scratch.
 *
 * One folio may back a chunk of 2 MiB (see enum fastzero_page_policy).  The module then
 * replaces or drops the chunk as a whole.  It is held if any page of it is.  A reset of a
 * part of the chunk clears that part where it is, in every mode.
 */

/**
 * DOC: When there is no memory
 *
 * All memory of a context is charged to the memory cgroup of the process that opened
 * it.  There is no memory if that memory cgroup is at its limit, if the context is at
 * fastzero_info.out_max_pages, or if the host has none.  Then:
 *
 * - The ioctls, write(2), and open(2) of the device fail with ENOMEM.  They leave the
 *   memory cgroup a little room, so that the OOM killer does not kill their caller.
 *   Only a table of descriptors that grows for CREATE may need more, as in open(2).
 * - If a process in that memory cgroup touches a hole, the OOM killer runs, as for any
 *   memory of the process.  At out_max_pages, or in another memory cgroup, the process
 *   gets a SIGBUS.
 * - If a KVM guest touches a hole, KVM_RUN fails with EFAULT where a process would get
 *   a SIGBUS.
 *
 * To avoid this, populate beforehand: pages that POPULATE has populated stay until a
 * reset drops them.
 *
 * With cgroup.memory=nokmem the kernel charges nobody for a module's pages, so the
 * limits of memory cgroups do not hold for scratches.  The module warns of it once,
 * and its parameter "accounting" says "no".  The parameter max_pages still bounds each
 * context.  With the parameter require_accounting set, open(2) of the device fails with
 * EOPNOTSUPP unless pages are charged.
 */

/**
 * DOC: Holes that are only read
 *
 * A read through a mapping populates a hole, as on a memfd.  In a scratch made with
 * FASTZERO_CREATE_ZEROPAGE, holes that are only read share one page of zeros instead.
 * The first write of any kind populates the hole.  This saves memory, and costs:
 *
 * - A read maps a page read-only.  The first write then takes one more fault, two if
 *   the page was a hole.  A KVM guest takes one more nested fault.
 * - From Linux 6.5 on, long-term pins for writing fail with EFAULT everywhere in the
 *   scratch: VFIO, RDMA, registered buffers of io_uring.
 * - A pipe (vmsplice) or a long-term pin that reads a hole refers to the page of
 *   zeros, and does not see later writes.
 * - mlock, MAP_POPULATE and MADV_POPULATE_READ do not populate holes; POPULATE and
 *   MADV_POPULATE_WRITE do.  Mapped holes still count in the resident size of a
 *   process.
 * - The scratch has base pages only, and FASTZERO_PAGES_2M is refused.  AUTO does not
 *   swap these pages, and SWAP unmaps them.
 * - Each scratch has one page of zeros, which no counter of STATS shows.
 */

/**
 * DOC: NUMA nodes
 *
 * The first of these that is set decides the node of a new page of a scratch.  It does so
 * for pages from the pool and from the system:
 *
 * 1. FASTZERO_CREATE_NODE.
 * 2. The memory policy of the mapping (mbind), for faults, and for POPULATE where the
 *    caller maps the page.  The policy belongs to the mapping, not to the scratch.
 * 3. The memory policy of the task (set_mempolicy), also for write(2).
 * 4. Else the pool: pages on the node of the task that touches the page, then on any
 *    other node.  Then the system, near that task.
 *
 * MPOL_BIND is strict, as on a memfd: the module never takes pages of other nodes.  With
 * MPOL_WEIGHTED_INTERLEAVE all weights count as one.  A reset leaves pages on their node,
 * except that a swap takes ready pages of the node that CREATE named.  Pages do not
 * migrate: MPOL_MF_MOVE with MPOL_MF_STRICT fails with EIO for pages on other nodes, and
 * automatic NUMA balancing skips scratches.  If mbind() asks for balancing
 * (MPOL_F_NUMA_BALANCING), it only causes faults.
 */

/**
 * DOC: Structures and errors
 *
 * Every ioctl takes a pointer to a structure whose first member is its size.
 * Structures only grow, at their end.  A caller built against an older header
 * works with a newer module.  A caller built against a newer header works with an
 * older module, as long as it uses only features that the module has.  The module
 * writes members named out_*, and ignores their old values.  Padding and reserved
 * members must be zero.
 *
 * Errors common to all ioctls:
 *
 * - ENOTTY: this kind of descriptor has no ioctl of this number.
 * - EINVAL: the structure is shorter than its first version, a reserved member is not
 *   zero, or a value is out of range or misaligned.
 * - E2BIG: the structure is longer than a page.  Or it is longer than the module's, and
 *   a byte beyond the module's length is not zero.
 * - EOPNOTSUPP: an unknown flag, or a feature that INFO does not report.
 * - EOVERFLOW: offset + length wraps around.
 * - EFAULT: a bad pointer.  If only the outputs cannot be written, the call has
 *   done its work.  CREATE is the exception: it then makes no scratch.
 * - EBADF: the descriptor was not opened for writing.  INFO and STATS accept one
 *   that was opened for reading.
 * - ENXIO: the descriptor is a context's, and has no implicit scratch yet.
 * - ENOMEM: there is no memory, or the memory cgroup that is charged or the context
 *   is at its limit.  The call has tried reclaim, and never runs the OOM killer.  It
 *   has changed nothing.  Only POPULATE may have done a part, which its outputs tell.
 * - EINTR: a fatal signal arrived; for ZERO, any signal.  The outputs say what was
 *   done.
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
 * @out_features: features of this module, bits of enum fastzero_feature
 * @out_modes: modes that RESET takes, bit (1 << mode) for each enum fastzero_mode
 * @out_orders: page orders that POOL takes, bit (1 << order)
 * @out_page_size: size in bytes of a base page; ranges are multiples of it
 * @out_chunk_size: size in bytes of a chunk
 * @out_max_scratches: most scratches that a context may have at once
 * @__reserved: must be 0
 * @out_max_length: largest scratch that CREATE takes, in bytes
 * @out_max_pages: most base pages that a context may own, pool included; 0 for no
 *	limit but the memory cgroup's.  This is the module's parameter max_pages, by
 *	default three quarters of the host's memory when the module was loaded.  See
 *	"When there is no memory"
 *
 * Reports features and limits, so that a library can adapt.
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
 * @FASTZERO_PAGES_AUTO: base pages at first.  An empty chunk gets a 2 MiB folio if half
 *	of it is in the working set, and a mapping can map all of it.  A mapping cannot do
 *	so if it had base pages there
 * @FASTZERO_PAGES_4K: base pages only
 * @FASTZERO_PAGES_2M: a 2 MiB folio for each chunk that lies in the scratch as a whole.
 *	If there is no such folio, the chunk gets base pages, and keeps them until it is
 *	dropped.  The first touch of a chunk with a 2 MiB folio populates all of it.
 *	EOPNOTSUPP without FASTZERO_FEATURE_2M
 *
 * While memory is short, RESET with FASTZERO_MODE_AUTO drops a 2 MiB folio of which a run
 * has touched less than a quarter.  The chunk is then a hole, and gets base pages.  It
 * gets a 2 MiB folio again as with FASTZERO_PAGES_AUTO, but not while memory is short.
 * Memory is short for 10 seconds after the context could not get a page, or reclaim took
 * pages from its pool.
 */
enum fastzero_page_policy {
	FASTZERO_PAGES_AUTO,
	FASTZERO_PAGES_4K,
	FASTZERO_PAGES_2M,
};

/**
 * enum fastzero_create_flags - bits of fastzero_create.flags
 * @FASTZERO_CREATE_NODE: take pages from NUMA node @node of the structure first.
 *	Pages of the node come from the pool, then from the system; pages of other
 *	nodes come last.  SWAP puts pages of @node in the place of others.  The scratch
 *	has no other policy: mbind() on its mappings fails with EINVAL.  Without the
 *	flag memory policies decide, see "NUMA nodes".  EOPNOTSUPP without
 *	FASTZERO_FEATURE_NODE
 * @FASTZERO_CREATE_ZEROPAGE: holes that are only read share one page of zeros,
 *	instead of taking memory.  "Holes that are only read" lists the costs.
 *	EINVAL with FASTZERO_PAGES_2M, EOPNOTSUPP without FASTZERO_FEATURE_ZEROPAGE
 * @FASTZERO_CREATE_TOTAL_CPU: RESET with FASTZERO_MODE_AUTO counts all CPU time,
 *	that of the zeroer included, not only the caller's.  The zeroer has to clear
 *	swapped pages, so AUTO then clears a mapped scratch in place, chunks of
 *	2 MiB too.  The flag does not change the other modes.  It may be combined with
 *	all page policies and flags.  EOPNOTSUPP without FASTZERO_FEATURE_TOTAL_CPU
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
 *	a 0; or 0 for no name.  Several scratches may have the same name
 * @out_fd: the scratch, open for reading and writing, close-on-exec; the
 *	caller owns it
 * @__reserved: must be 0
 *
 * Makes a scratch.  A page takes no memory before it is touched or populated.
 *
 * /proc/PID/maps and /proc/PID/fd show it as "/fastzero:NAME (deleted)", or as
 * "/fastzero (deleted)" without a name.  fdinfo shows the name after
 * "fastzero-name:", with C escapes for backslashes and all bytes but printable ASCII.
 *
 * - EINVAL: the length is 0, not a multiple of a page, or beyond the limit.  Or the
 *   policy or node is unknown, a flag does not go with the policy, or the name is too
 *   long.
 * - EFAULT: the name cannot be read.
 * - ENOSPC: the context has as many scratches as it may have.
 * - EMFILE, ENFILE: as for open(2).
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
 * @FASTZERO_POOL_WAIT: return only when the target is reached, or when no page waits for
 *	the zeroer any more.  The caller clears pages meanwhile, and the parameter zeroer_rate
 *	does not bound it
 * @FASTZERO_POOL_NODE: set the target of NUMA node @node of the structure.  Without
 *	the flag, set that of the context's home node: the node on which it was opened.
 *	EOPNOTSUPP without FASTZERO_FEATURE_NODE
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
 * @out_ready: pages of that order and node that are ready now
 * @out_used: pages of that order and node that wait for the zeroer
 *
 * Sets how many zeroed pages the context keeps ready.  The call allocates the missing
 * pages from that node only.  They are charged to the memory cgroup of the context's
 * opener.  Pages that wait for the zeroer count as present.
 *
 * Runs take pages from the pool, and the pool allocates as many in the background, up
 * to the target.  It allocates 2 MiB pages at once.  It allocates base pages at the end
 * of a RESET, or after a second without RESET.  So a context owns the pages of its
 * scratches and the target as well.
 *
 * Without this call, and beyond the target, the pool keeps as many pages as runs need.
 * It keeps pages that runs took and that have come back.  It allocates new pages in the
 * background if resets with SWAP, or AUTO on chunks of 2 MiB, found too few ready.  It
 * allocates no more than the largest of these resets wanted.  About 10 s after the last
 * of these runs, the pool has given back all pages beyond the target.  This call makes
 * the pool forget the need that it has learned for that order and node.  Pages beyond the
 * target then go back to the system in the background.
 *
 * Reclaim takes pages of the pool when the system, or the memory cgroup of the context's
 * opener, is short of memory.  It may take all: those of the target, and those that wait
 * for the zeroer.  It does so at memory.max and memory.high, and for memory.reclaim, as
 * with page cache, before the OOM killer runs.  The system counts these pages as
 * available memory.
 *
 * In the background the pool allocates free memory only, and never beyond
 * fastzero_info.out_max_pages.  It stops for 10 s after reclaim took pages, and while
 * less than an eighth of the memory cgroup's limit is left.
 *
 * Reclaim may take pages while the call allocates.  The call replaces them, until reclaim
 * has taken more than were missing at the start.
 *
 * - ENOMEM: there is no memory for the pages.
 * - EINVAL: the target is beyond fastzero_info.out_max_pages, or the node has no memory.
 * - EINTR: a fatal signal ended the call.
 *
 * After these errors the target is unchanged, except after EINTR in the wait.  The pool
 * keeps its pages, except those that reclaim took, and pages of the other order beyond
 * their target.  After EINTR in the wait it also keeps pages that the call allocated.
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
 * @FASTZERO_ZERO_ONCE: do the work that there is now, and return
 * @FASTZERO_ZERO_THREAD: make a thread in the calling process, lend it, and return.
 *	EOPNOTSUPP without FASTZERO_FEATURE_THREAD
 * @FASTZERO_ZERO_NO_THREAD: take that thread back, in whichever process it is.
 *	Returns 0 also if there is none
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
 * @timeout_ms: milliseconds after which the call returns; 0 for no timeout.  Must be 0
 *	with FASTZERO_ZERO_THREAD or FASTZERO_ZERO_NO_THREAD
 * @__reserved: must be 0
 * @out_work: base pages that this call has cleared, or allocated as zeroed ones.  A
 *	page that it found zero counts as a quarter, the cost of looking at it
 * @out_ns: CPU time in ns that the call took.  fastzero_stats.out_zeroer_ns includes it
 *
 * Lends the calling thread to the context.  The thread does the zeroer's work for the
 * context: it clears used pages, allocates up to the target, and frees surplus.  It
 * sleeps while there is no work.  The work takes the thread's own CPU time, with its
 * weight, its processors and its cgroup's limits.  The parameter zeroer_rate does not
 * bound it.  While a thread is lent, no thread of the module works for the context.
 * When the last lent thread returns, the module takes over again.  Several threads may
 * be lent at once, also from other processes that have the context's descriptor.  A
 * lent thread that gets no CPU time clears nothing: faults and resets then clear pages
 * themselves.
 *
 * The context lives as long as the call.  Closing the descriptor does not end the
 * call; a handled signal or @timeout_ms does.
 *
 * Returns 0 after @timeout_ms.  With FASTZERO_ZERO_ONCE it returns 0 when all work is
 * done, or after @timeout_ms.  EINTR when a signal arrives, even if there was no work:
 * the outputs are valid, and the call can be repeated.  EOPNOTSUPP for an unknown flag.
 *
 * With FASTZERO_ZERO_THREAD the kernel makes a thread in the calling process, and the
 * call returns at once.  The thread is "fastzero-lent" in /proc/PID/task.  It works in
 * the process's cgroups, on the caller's processors, with nice 19.  The first of these
 * events ends the thread, and the module takes over at once:
 *
 * - FASTZERO_ZERO_NO_THREAD.  The thread ends soon after the call.
 * - The process ends or is killed, or executes another program.
 * - The context's last descriptor is closed.  The thread itself holds no descriptor.
 *
 * The thread stays in the process that made it, wherever the descriptor goes.  A child
 * of fork() has no such thread.  A context has one such thread at most: EBUSY if there is
 * one.  Other threads may be lent beside it.  If the process may have no more threads
 * (RLIMIT_NPROC, pids.max), the error is EAGAIN, or ENOMEM on kernels that do not tell
 * drivers the cause.
 *
 * A process with this thread is not single-threaded any more, and the lent thread shares
 * the process's fs_struct (root and working directory).  So setns() into a user or mount
 * namespace and unshare(CLONE_NEWUSER) fail with EINVAL: enter namespaces first.
 *
 * The lent thread stays if its process closes the descriptor while another process keeps
 * one.  It then keeps its process alive, even when all other threads have called
 * SYS_exit.  So take the thread back before you close the descriptor.  exit_group() and
 * signals end the process in any case.
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
 * @FASTZERO_MODE_AUTO: the module chooses, for each chunk
 * @FASTZERO_MODE_INPLACE: clear the populated pages where they are.  Nothing is
 *	unmapped, so the next touch does not fault
 * @FASTZERO_MODE_SWAP: put ready pages in the place of the populated ones.  The zeroer
 *	clears the old pages in the background.  Where no page is ready, clear the old one
 *	in place, or drop it if it is held.  If no 2 MiB folio is ready and the pool has
 *	less than its target, SWAP allocates one.  It maps 2 MiB folios at once where the
 *	caller maps the chunk.  Base pages, on x86: map them at once if the caller's
 *	mapping is the only one and is not locked, the caller's process never had a VM,
 *	and the new page is on the old one's node.  Else unmap them, and the next touch
 *	maps them
 * @FASTZERO_MODE_DROP: take the pages out; the range is a hole again.  The pool keeps
 *	the pages that it expects runs to need, and the others go to the system
 */
enum fastzero_mode {
	FASTZERO_MODE_AUTO,
	FASTZERO_MODE_INPLACE,
	FASTZERO_MODE_SWAP,
	FASTZERO_MODE_DROP,
};

/**
 * enum fastzero_reset_flags - bits of fastzero_reset.flags
 * @FASTZERO_RESET_IDLE: the caller states that nothing has written to the range since
 *	the last RESET of all of it returned 0, or since CREATE.  The call returns at
 *	once in every mode, and changes nothing.  The module does not check the
 *	statement.  If it is wrong, the data stays until a RESET without the flag.
 *	EOPNOTSUPP without FASTZERO_FEATURE_IDLE
 *
 * A VMM knows when nothing ran: it did not enter the guest, and neither the VMM nor a
 * device wrote.  Without the flag a reset has to look at the pages.
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
 * @mode: one of enum fastzero_mode that fastzero_info.out_modes reports
 * @__reserved: must be 0
 * @out_done: bytes of the range, from its start, that are zero now; @length if the call
 *	succeeds
 * @out_cleared: base pages that this call cleared, or found zero and left in place
 * @out_swapped: base pages that were replaced by ready ones
 * @out_dropped: base pages that were taken out and left a hole
 * @out_held: held base pages among these.  INPLACE and AUTO cleared them, DROP and
 *	SWAP left them to their holders
 *
 * Makes the range zero again.  "What a reset promises" covers pages that others write or
 * hold at the same time.
 *
 * EINTR when a fatal signal arrives: the first @out_done bytes are zero, and the call
 * can be repeated for the rest.  @out_done is 0 if the pages were not cleared in the
 * order of the range.
 *
 * EIO when a page of a 2 MiB folio has failed, and the range has only a part of that
 * chunk.  All other pages are zero.  A reset of the whole chunk removes the failed page.
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
 * @nr: number of descriptors, not 0
 * @mode: one of enum fastzero_mode, for all of them
 * @__reserved: must be 0
 * @out_done: scratches, from the first on, that are zero now; @nr if the call
 *	succeeds
 * @out_cleared: base pages that this call cleared, or found zero and left in place.
 *	This and the following three are sums over all scratches
 * @out_swapped: base pages that were replaced by ready ones
 * @out_dropped: base pages that were taken out and left a hole
 * @out_held: held base pages among these
 *
 * Resets many scratches in one call, one after the other.  Each is reset as a whole, as by
 * RESET.  This saves calls: for a small scratch a call costs more than the reset itself.
 * Each descriptor must be open for writing.  Scratches of other contexts may be among
 * them.  A scratch that is named twice is reset twice.
 *
 * A call that fails has reset the first @out_done scratches.  The error is about the
 * next one:
 *
 * - EBADF: not a descriptor, or not open for writing.
 * - EINVAL: the descriptor is not a scratch's.
 * - EINTR, EIO: as for RESET, which has reset a part of that scratch.
 * - EFAULT: the descriptors cannot be read.
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
 * @granule_shift: log2 of the bytes in a granule, for which one bit stands: from the
 *	base page's (12 on x86) to 30
 * @bitmap: user pointer to 64-bit words, aligned to 8 bytes.  Bit n % 64 of word
 *	n / 64 stands for granule n, counted from @offset.  KVM_GET_DIRTY_LOG on
 *	little-endian machines has this format
 * @bitmap_size: bytes at @bitmap, a multiple of 8; EINVAL if too short for the range.
 *	Bits beyond the range do not count
 * @out_done: bytes of the range, from its start, that the call has finished
 * @out_cleared: as in struct fastzero_reset
 * @out_swapped: as in struct fastzero_reset
 * @out_dropped: as in struct fastzero_reset
 * @out_held: as in struct fastzero_reset
 *
 * Works like RESET, but only on the granules whose bit is set.  It does not look at the
 * others, and whole words of zeros cost next to nothing.  The range may end inside of
 * its last granule.
 *
 * Pages whose bit is not set keep their data.  KVM's log has only the stores of the guest.
 * So the caller must also set the bits of pages that the VMM itself, read(2), devices or
 * other processes wrote.
 *
 * - EFAULT: the bitmap cannot be read.  Nothing was changed, unless the bitmap was
 *   unmapped during the call.
 * - EINTR: a fatal signal arrived.  The first @out_done bytes are finished, and the
 *   call can be repeated as it is.
 * - EIO: as for RESET.
 * - EOPNOTSUPP: without FASTZERO_FEATURE_RESET_DIRTY.
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
 * @out_done: bytes of the range, from its start, that are populated now;
 *	@length if the call succeeds
 * @out_added: base pages that were not populated before
 * @out_mapped: base pages that the call has mapped, or found mapped, counted in each of
 *	the caller's mappings
 *
 * Populates the range with zeroed pages, and maps them in each mapping of the calling
 * process, so that the next touch does not fault.  Entries are writable where the
 * mapping is.  Pages that are populated already keep their data.
 *
 * The call faults the pages in one by one.  In a scratch that never has huge folios
 * (FASTZERO_PAGES_4K) it maps them without faults.  It cannot do so with ZEROPAGE, in a
 * locked mapping, or while a reset runs.  Mapping without faults holds mmap_lock for
 * writing, in batches of 512 pages or a few more.  Other threads' faults wait for a
 * batch.
 *
 * - ENOMEM: there is no memory, perhaps for page tables.
 * - EINTR: a fatal signal arrived.
 * - EFAULT: as for all ioctls, and when the memory of a page of the range has failed.
 *
 * After these errors the first @out_done bytes are populated, but may not all be mapped.
 * After ENOMEM and EINTR the call can be repeated for the rest.
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
 * @FASTZERO_WORKSET_WRITE: replace the working set by that in the buffer
 * @FASTZERO_WORKSET_CLEAR: forget the working set, and what AUTO has learned of pages;
 *	without a buffer
 */
enum fastzero_workset_op {
	FASTZERO_WORKSET_READ,
	FASTZERO_WORKSET_WRITE,
	FASTZERO_WORKSET_CLEAR,
};

/**
 * struct fastzero_workset_head - the head of a working set; all little-endian
 * @magic: FASTZERO_WORKSET_MAGIC
 * @page_shift: log2 of the page size in bytes
 * @length: size of the scratch in bytes
 * @nr_runs: number of struct fastzero_workset_run that follow
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
 * @nr: number of pages, not 0
 *
 * Runs are in order, and at least one page lies between two of them.
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
 * @buffer: user pointer to a struct fastzero_workset_head and its runs; must be 0
 *	for CLEAR
 * @buffer_size: bytes at @buffer; must be 0 for CLEAR.  READ with 0 only asks for
 *	the size
 * @out_size: bytes that the working set takes or took
 *
 * Reads, writes or clears the working set: the pages that a run is expected to touch.
 * POPULATE can then populate these before the run.  A page enters the set when it is
 * populated in any way, or when WRITE names it.  With FASTZERO_CREATE_ZEROPAGE a page
 * that is only read does not enter.  A dropped page stays in the set, unless AUTO drops
 * it because runs do not write to it any more.
 *
 * Save the working set beside a snapshot of a guest.  With POPULATE, the first run of a
 * clone on another host then takes no page fault.  A KVM guest still takes a nested fault
 * for each page of the set.  The VMM avoids these if it calls KVM_PRE_FAULT_MEMORY (Linux
 * 6.11) for each struct fastzero_workset_run after POPULATE.  The clone's first run is
 * then as fast as its second.
 *
 * - ENOSPC (READ): the buffer is too short; @out_size says how long it must be.
 * - EINVAL (WRITE): the buffer does not have READ's format, or belongs to a scratch of
 *   another length or page size.
 * - ENOMEM: there is no memory, the set has more pages than this host, or it takes more than
 *   64 MiB in this format.  Also if the index of the context would take more memory than
 *   fastzero_info.out_max_pages pages do.  While WRITE replaces a set, the chunks of both
 *   sets count, and so do those of other calls of WRITE that run at the same time.
 * - EFAULT: as for all ioctls.  These errors leave the working set as it was.
 * - EINTR: a fatal signal arrived.  After WRITE or CLEAR the working set may be the old
 *   one, the new one, or a part of either.
 * - EOPNOTSUPP: without FASTZERO_FEATURE_WORKSET.
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
 * @out_scratches: scratches counted: 1 on a scratch; on a context, all of its scratches
 *	that exist now
 * @out_length: their size in bytes
 * @out_populated: base pages populated in them now
 * @out_faults: page faults that mapped a page, also those that mapped the page of zeros
 * @out_faults_ready: base pages that faults, POPULATE and writes took ready from the
 *	pool
 * @out_faults_used: base pages that these took from the pool and cleared themselves: the
 *	zeroer had not cleared them yet
 * @out_faults_alloc: base pages that faults, POPULATE and writes had to allocate
 * @out_resets: resets of a scratch, also those that were interrupted
 * @out_cleared: base pages that resets cleared in scratches, found zero and left in
 *	place, or allocated as zeroed ones
 * @out_swapped: base pages that resets replaced
 * @out_dropped: base pages that resets took out
 * @out_held: base pages that resets found held
 * @out_pool_target: the sum of the pool's targets, in base pages
 * @out_pool_ready: base pages in the pool that are zero
 * @out_pool_used: base pages in the pool that wait for the zeroer
 * @out_pool_held: base pages in the pool that wait until their holders release them
 * @out_owned: base pages that the context owns, in its scratches and in its pool
 * @out_zeroed: base pages that the zeroer has cleared, or allocated as zeroed ones.
 *	Threads lent by ZERO, and POOL calls that wait, count as the zeroer
 * @out_zeroer_ns: CPU time in ns that the zeroer has spent on this context
 * @out_aged: pages among @out_dropped that AUTO dropped, because runs had stopped
 *	writing to them
 * @out_returned: pages among @out_aged that were touched again later
 * @out_huge_failed: number of times that a 2 MiB folio was wanted, and none was available
 * @out_huge: base pages among @out_populated that are parts of 2 MiB folios
 * @out_broken: chunks that lost their 2 MiB folio, because runs touched little of it,
 *	and memory was short or the zeroer late
 * @out_rebuilt: chunks that got a 2 MiB folio, because runs touch much of them
 * @out_auto_inplace: resets with AUTO that neither of the next two members counts.  None
 *	of the three counts resets with FASTZERO_RESET_IDLE
 * @out_auto_swap: resets with AUTO that swapped pages
 * @out_auto_drop: resets with AUTO that dropped pages, because nobody mapped the scratch
 * @out_shrunk: base pages that reclaim took from the pool
 * @out_index: bytes that the index of these scratches takes
 *
 * On a scratch the members up to @out_held, @out_aged to @out_auto_drop, and @out_index
 * are its own.  On a context they are sums.  Sums include scratches that are gone,
 * except @out_scratches, @out_length, @out_populated, @out_huge and @out_index.  The
 * other members are the context's on both.  Counters are not taken at one instant.
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
