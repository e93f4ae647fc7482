/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: scratch memory that becomes zero again almost for free.
 */
#ifndef FASTZERO_H
#define FASTZERO_H

#include <stddef.h>
#include <stdint.h>
#include <linux/fastzero.h>
#include <fastzero_bitmap.h>
#include <fastzero_kvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Use
 *
 * ::
 *
 *	ret = fastzero_ctx_open(NULL, &ctx);
 *	if (!ret)
 *		ret = fastzero_scratch_create(ctx, 64 << 20, NULL, &ram);
 *	if (!ret)
 *		ret = fastzero_map(ram, NULL, &addr);
 *	while (!ret) {
 *		run_guest_on(addr);
 *		ret = fastzero_reset_all(ram, FASTZERO_MODE_AUTO, NULL);
 *	}
 *
 * A function that returns an int returns 0 or more if it succeeds, and -errno if it
 * fails.  linux/fastzero.h explains the errors of the module, and fastzero_strerror()
 * puts an error into words.  The library adds
 *
 * - -EOPNOTSUPP where the module is too old to know the call, or the backend cannot do
 *   it: see "Backends";
 * - -EINVAL for a handle or an output pointer that is NULL, unless NULL is allowed;
 * - -EINVAL for a structure whose size member is smaller than any version of the
 *   structure;
 * - -E2BIG for a structure that is longer than this library's, and not zero beyond that
 *   length.
 *
 * A function that makes a handle or a mapping sets the caller's pointer to NULL when it
 * fails.  Every function that gives a handle up accepts NULL.
 *
 * A structure that begins with a size grows at its end in later versions.  Initialize it
 * with its macro, FASTZERO_..._INIT, which sets the size, and all other members to zero.
 * Then the program, the library and the module may be of three different versions.  A
 * pointer to options may be NULL, for the defaults.  A pointer to a result may be NULL
 * if the caller does not need the result.
 *
 * Any number of threads may use a handle concurrently.  Closing it is the exception: no
 * other call on the handle may be under way then, and none may follow.  A function to
 * which other rules apply says so under "Context".  Handles, mappings and descriptors do
 * not depend on each other: they can be given up in any order, and the memory lives
 * until the last of them is gone.  A descriptor that a function returns for a handle
 * still belongs to the handle: do not close it.
 *
 * Functions return -ENOMEM if memory cannot be had: at the limit of the memory cgroup
 * that pays, at fastzero_info.out_max_pages, or if the host is out of memory.  A touch
 * of a hole cannot return an error.  Without memory it causes a SIGBUS, or brings the
 * OOM killer.  If a guest touches the hole, KVM_RUN fails with EFAULT ("When
 * there is no memory" in linux/fastzero.h).  fastzero_populate_range() beforehand avoids
 * that.
 */

/**
 * DOC: Backends
 *
 * The same calls work with the module and without it.  A context has one backend:
 *
 * ========  ======================================  ==================================
 * backend   a reset                                 memory
 * ========  ======================================  ==================================
 * device    RESET of the module                     a scratch of the module
 * pagescan  finds written pages by PAGEMAP_SCAN     private, anonymous
 *           (Linux 6.7), clears them in place
 * memfd     punches a hole                          a memfd whose size is sealed
 * anon      MADV_DONTNEED                           private, anonymous
 * memset    stores zeros to all of the range        private, anonymous
 * ========  ======================================  ==================================
 *
 * fastzero_ctx_open() takes the first of these that works, or the one that
 * fastzero_ctx_opts.backend names, or else the variable FASTZERO_BACKEND of the
 * environment.  With FASTZERO_CTX_NEED_FD it takes only those that have descriptors.
 *
 * The promise is the same: when a reset returns 0, every byte of the range reads zero
 * through every mapping, unless somebody wrote it after the reset began.  A call with a
 * bad argument fails with the same error on every backend.  These things differ:
 *
 * ==============================  ======  ========  ======  ======  ======
 * what                            device  pagescan  memfd   anon    memset
 * ==============================  ======  ========  ======  ======  ======
 * descriptor, send, adopt         yes     no        yes     no      no
 * other processes, fork           yes     no        yes     no      no
 * mappings of one page            any     one       any     one     one
 * data of a page without mapping  stays   goes      stays   goes    goes
 * unmap, remap by own calls       yes     no        yes     no      no
 * mode INPLACE                    yes     yes       no      no      yes
 * mode SWAP                       yes     no        no      no      no
 * mode DROP                       yes     yes       yes     yes     yes
 * ZEROPAGE, NODE, TOTAL_CPU       yes     no        no      no      no
 * FASTZERO_PAGES_2M               yes     no        no      no      no
 * populate a range                yes     mapped    yes     mapped  mapped
 * pool, zeroer, working set       yes     no        no      no      no
 * reset_many (descriptors)        yes     no        yes     no      no
 * result.cleared                  yes     yes       0       0       yes
 * result.dropped                  yes     0         yes     0       0
 * stats: populated, resets        yes     yes       yes     yes     yes
 * stats: faults, pool             yes     0         0       0       0
 * stores by DMA between resets    reset   missed    reset   lost    reset
 * ==============================  ======  ========  ======  ======  ======
 *
 * A call that the backend cannot do fails with -EOPNOTSUPP.
 *
 * - *other processes, fork*: with "no", a child of fork() does not have the mapping, and
 *   its calls on the scratch fail with -EOPNOTSUPP.
 * - *unmap, remap by own calls*: with "no", the library keeps a list of mapped
 *   addresses.  So only fastzero_unmap() or FASTZERO_MAP_FIXED may take a mapping away,
 *   never munmap(2), mmap(2) or mremap(2).  mprotect(2) and madvise(2) are allowed, but
 *   not while a reset of the same memory is under way.
 * - *populate a range*: with "mapped", a call can populate only pages that are mapped
 *   readable and writable.
 * - *stores by DMA*: by a device that keeps pages pinned over a reset (VFIO).  With
 *   "missed", the next reset does not see these stores.  With "lost", the device keeps
 *   the old pages.
 */

#define FASTZERO_LIB_VERSION	"0.1.0"
#define FASTZERO_DEVICE		"/dev/fastzero"

struct fastzero_ctx;
struct fastzero_scratch;

/*
 * FASTZERO_..._INIT for struct fastzero_...: struct fastzero_map_opts opts =
 * FASTZERO_MAP_OPTS_INIT;
 */
#ifdef __cplusplus
extern "C++" {
template <class T> inline T fastzero_sized(void)
{
	T t = T();

	t.size = sizeof(T);
	return t;
}
}
#define FASTZERO_SIZED(type)		fastzero_sized<struct type>()
#else
#define FASTZERO_SIZED(type)		{ .size = sizeof(struct type) }
#endif

#define FASTZERO_INFO_INIT		FASTZERO_SIZED(fastzero_info)
#define FASTZERO_STATS_INIT		FASTZERO_SIZED(fastzero_stats)
#define FASTZERO_CTX_OPTS_INIT		FASTZERO_SIZED(fastzero_ctx_opts)
#define FASTZERO_POOL_STATE_INIT	FASTZERO_SIZED(fastzero_pool_state)
#define FASTZERO_ZERO_RESULT_INIT	FASTZERO_SIZED(fastzero_zero_result)
#define FASTZERO_SCRATCH_OPTS_INIT	FASTZERO_SIZED(fastzero_scratch_opts)
#define FASTZERO_MAP_OPTS_INIT		FASTZERO_SIZED(fastzero_map_opts)
#define FASTZERO_RESULT_INIT		FASTZERO_SIZED(fastzero_result)
#define FASTZERO_BITMAP_OPTS_INIT	FASTZERO_SIZED(fastzero_bitmap_opts)
#define FASTZERO_POPULATED_INIT		FASTZERO_SIZED(fastzero_populated)

/**
 * fastzero_version() - the version of the loaded library
 *
 * Context: any thread.
 *
 * Return: a string like FASTZERO_LIB_VERSION, which is the version of this header.
 */
const char *fastzero_version(void);

/**
 * fastzero_strerror() - what an error means, in words
 * @ret: -errno, as a function returned it
 *
 * For the last failure of the calling thread the text has what the library knows of the
 * cause, often with a remedy: -ENOSPC at max_scratches, -EINVAL beyond max_length.  For
 * any other error the text is that of strerror(3), with the name of the number.
 *
 * Context: any thread; each has a last failure of its own.
 *
 * Return: a string that is valid until the thread's next call of the library; never
 * NULL.
 */
const char *fastzero_strerror(int ret);

/**
 * enum fastzero_backend_id - the backends, see "Backends"
 * @FASTZERO_BACKEND_ANY: the first of the others that works
 * @FASTZERO_BACKEND_DEVICE: the module
 * @FASTZERO_BACKEND_PAGESCAN: clears the pages that PAGEMAP_SCAN reports as written
 * @FASTZERO_BACKEND_MEMFD: punches holes into a memfd
 * @FASTZERO_BACKEND_ANON: MADV_DONTNEED of anonymous memory
 * @FASTZERO_BACKEND_MEMSET: stores zeros
 */
enum fastzero_backend_id {
	FASTZERO_BACKEND_ANY,
	FASTZERO_BACKEND_DEVICE,
	FASTZERO_BACKEND_PAGESCAN,
	FASTZERO_BACKEND_MEMFD,
	FASTZERO_BACKEND_ANON,
	FASTZERO_BACKEND_MEMSET
};

/**
 * fastzero_backend_name() - the name of a backend
 * @id: one of enum fastzero_backend_id
 *
 * Context: any thread.
 *
 * Return: "any", "device", "pagescan", "memfd", "anon" or "memset"; NULL for others.
 */
const char *fastzero_backend_name(unsigned int id);

/**
 * fastzero_backend_parse() - the backend of a name
 * @name: as from fastzero_backend_name()
 *
 * Context: any thread.
 *
 * Return: one of enum fastzero_backend_id, or -EINVAL.
 */
int fastzero_backend_parse(const char *name);

/**
 * fastzero_mode_name() - the name of a reset mode
 * @mode: one of enum fastzero_mode
 *
 * Context: any thread.
 *
 * Return: "auto", "inplace", "swap" or "drop"; NULL for others.
 */
const char *fastzero_mode_name(unsigned int mode);

/**
 * fastzero_mode_parse() - the reset mode of a name
 * @name: as from fastzero_mode_name()
 *
 * Context: any thread.
 *
 * Return: one of enum fastzero_mode, or -EINVAL.
 */
int fastzero_mode_parse(const char *name);

/**
 * enum fastzero_ctx_flags - bits of fastzero_ctx_opts.flags
 * @FASTZERO_CTX_NEED_FD: only a backend whose scratches have descriptors, and so can be
 *	passed to other processes and mapped more than once
 */
enum fastzero_ctx_flags {
	FASTZERO_CTX_NEED_FD	= 1 << 0
};

/**
 * struct fastzero_ctx_opts - how to open a context
 * @size: sizeof(struct fastzero_ctx_opts)
 * @flags: bits of enum fastzero_ctx_flags
 * @path: the device; NULL for FASTZERO_DEVICE.  With a path, only the backend
 *	FASTZERO_BACKEND_DEVICE is tried
 * @backend: one of enum fastzero_backend_id.  If it is not FASTZERO_BACKEND_ANY, no other
 *	is tried
 * @__reserved: must be 0
 */
struct fastzero_ctx_opts {
	uint32_t size;
	uint32_t flags;
	const char *path;
	uint32_t backend;
	uint32_t __reserved;
};

/**
 * fastzero_ctx_open() - open a context: one tenant
 * @opts: options, or NULL
 * @ctx: where to put the handle; NULL after a failure
 *
 * The handle owns the device's descriptor, which is close-on-exec.
 *
 * If @opts names neither a backend nor a path, the environment variable FASTZERO_BACKEND
 * names the backend, by a name of fastzero_backend_name().  The library ignores the
 * variable in a program with raised privileges (secure_getenv(3)).  If nothing names a
 * backend, the library takes the first one that works.
 *
 * Context: any thread.
 *
 * Return: 0 or -errno: the error of open(2) of the device; -ENOTTY if the path is not
 * that of a fastzero device, say a regular file that somebody left there; -EOPNOTSUPP if
 * the module is too old, or the kernel cannot do what a backend needs; -EINVAL for an
 * unknown backend, or for one that does not fit the path or a flag.  fastzero_strerror()
 * says more.
 */
int fastzero_ctx_open(const struct fastzero_ctx_opts *opts,
		      struct fastzero_ctx **ctx);

/**
 * fastzero_backend() - which backend a context has
 * @ctx: the context
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: one of enum fastzero_backend_id, not FASTZERO_BACKEND_ANY; or -EINVAL.
 */
int fastzero_backend(const struct fastzero_ctx *ctx);

/**
 * fastzero_backend_why() - why a context does not have a better backend
 * @ctx: the context
 *
 * A line for each backend that was tried before the one that is in use, with the cause and
 * a remedy.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: the lines, each with a newline; "" if none was tried.  The string is the
 * handle's.  NULL if @ctx is NULL.
 */
const char *fastzero_backend_why(const struct fastzero_ctx *ctx);

/**
 * fastzero_ctx_adopt() - make a handle of a context's descriptor
 * @fd: a descriptor that the caller received; it belongs to the handle if the call
 *	succeeds, else still to the caller
 * @ctx: where to put the handle; NULL after a failure
 *
 * Only the backend device has descriptors of contexts.
 *
 * Context: any thread.
 *
 * Return: 0 or -errno: -ENOTTY if @fd is not a context.
 */
int fastzero_ctx_adopt(int fd, struct fastzero_ctx **ctx);

/**
 * fastzero_ctx_close() - give up a context
 * @ctx: the handle, or NULL; its scratches live on
 *
 * Context: any thread; no other call on the handle may be under way, or follow.
 */
void fastzero_ctx_close(struct fastzero_ctx *ctx);

/**
 * fastzero_ctx_fd() - the descriptor of a context
 * @ctx: the context
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: the descriptor, which remains the handle's; it can be passed on.  -EOPNOTSUPP
 * if the backend has none, -EINVAL.
 */
int fastzero_ctx_fd(const struct fastzero_ctx *ctx);

/**
 * fastzero_ctx_info() - what the module can do
 * @ctx: the context
 * @info: where to put the result; its size must be set.  Members that the module does
 *	not know are 0
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_ctx_info(const struct fastzero_ctx *ctx,
		      struct fastzero_info *info);

/**
 * fastzero_ctx_stats() - counters of a context
 * @ctx: the context
 * @stats: where to put them; its size must be set.  Members that the module does not
 *	know are 0
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_ctx_stats(const struct fastzero_ctx *ctx,
		       struct fastzero_stats *stats);

/**
 * struct fastzero_pool_state - what is in a pool
 * @size: sizeof(struct fastzero_pool_state)
 * @__reserved: not used
 * @ready: pages that are zero and ready
 * @used: pages that wait to be cleared
 */
struct fastzero_pool_state {
	uint32_t size;
	uint32_t __reserved;
	uint64_t ready;
	uint64_t used;
};

/**
 * fastzero_ctx_pool() - set how many zeroed pages a context keeps ready
 * @ctx: the context
 * @order: order of the pages: 0 for base pages
 * @target: how many of them
 * @flags: bits of enum fastzero_pool_flags
 * @state: where to put what there is now, or NULL
 *
 * The pages are those of the NUMA node on which the context was opened.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: -ENOMEM if the pages cannot be had.
 */
int fastzero_ctx_pool(const struct fastzero_ctx *ctx, unsigned int order,
		      uint64_t target, uint32_t flags,
		      struct fastzero_pool_state *state);

/**
 * fastzero_ctx_pool_node() - the same for pages of a NUMA node
 * @ctx: the context
 * @node: the node
 * @order: order of the pages: 0 for base pages
 * @target: how many of them
 * @flags: bits of enum fastzero_pool_flags
 * @state: where to put what there is now, or NULL
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: as fastzero_ctx_pool(); -EINVAL for a node that has no memory.
 */
int fastzero_ctx_pool_node(const struct fastzero_ctx *ctx, uint32_t node,
			   unsigned int order, uint64_t target, uint32_t flags,
			   struct fastzero_pool_state *state);

/**
 * struct fastzero_zero_result - what a lent thread has done
 * @size: sizeof(struct fastzero_zero_result)
 * @__reserved: not used
 * @work: base pages that it cleared or allocated; one that it found zero counts as 1/4
 * @ns: CPU time in ns
 */
struct fastzero_zero_result {
	uint32_t size;
	uint32_t __reserved;
	uint64_t work;
	uint64_t ns;
};

/**
 * fastzero_ctx_zero() - lend the calling thread to a context, as its zeroer
 * @ctx: the context
 * @timeout_ms: milliseconds after which the call returns; 0 for no timeout
 * @flags: bits of enum fastzero_zero_flags
 * @result: where to put the work done, which a call that fails also writes; or NULL
 *
 * A lent thread does the context's background work, and no thread of the module does.
 * So the thread's cgroup pays, by its CPU weight and on its processors.
 *
 * A thread that is made for this calls the function in a loop, as long as it returns 0.
 * After each @timeout_ms the thread can check whether it should end.
 *
 * The handle must not be closed before the call has returned.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 after @timeout_ms, or with FASTZERO_ZERO_ONCE when all is done; -errno:
 * -EINTR when a signal arrived, -EOPNOTSUPP if the module does not know the call or a
 * flag.
 */
int fastzero_ctx_zero(const struct fastzero_ctx *ctx, uint32_t timeout_ms,
		      uint32_t flags, struct fastzero_zero_result *result);

/**
 * fastzero_ctx_zero_start() - have the kernel make a thread that is lent to a context
 * @ctx: the context
 *
 * Like fastzero_ctx_zero(), but the kernel makes a thread for it in the calling process,
 * with nice 19.  The thread ends at fastzero_ctx_zero_stop(), when the process ends or
 * executes another program, and when the context's last descriptor is closed.  The
 * process is not single-threaded any more, so it must enter user and mount namespaces
 * before.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: -EBUSY if the context has such a thread, -EOPNOTSUPP if the
 * module or the kernel makes none (FASTZERO_FEATURE_THREAD), -EAGAIN if the process may
 * have no more threads, -ENOMEM.
 */
int fastzero_ctx_zero_start(const struct fastzero_ctx *ctx);

/**
 * fastzero_ctx_zero_stop() - take that thread back
 * @ctx: the context; one without such a thread stays as it is
 *
 * The thread ends soon after the call, and the module works for the context again.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: -EOPNOTSUPP if the module does not know the call.
 */
int fastzero_ctx_zero_stop(const struct fastzero_ctx *ctx);

/**
 * struct fastzero_scratch_opts - properties of a new scratch
 * @size: sizeof(struct fastzero_scratch_opts)
 * @flags: bits of enum fastzero_create_flags
 * @page_policy: one of enum fastzero_page_policy
 * @node: NUMA node, with FASTZERO_CREATE_NODE
 * @name: a name of at most FASTZERO_NAME_MAX bytes, which /proc shows; or NULL
 */
struct fastzero_scratch_opts {
	uint32_t size;
	uint32_t flags;
	uint32_t page_policy;
	uint32_t node;
	const char *name;
};

/**
 * fastzero_scratch_create() - make a scratch
 * @ctx: the context that will own it
 * @length: its size in bytes, a multiple of the page size
 * @opts: options, or NULL
 * @scratch: where to put the handle; NULL after a failure
 *
 * The handle owns the scratch's descriptor, if the backend has one, which is
 * close-on-exec.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno, see struct fastzero_create.
 */
int fastzero_scratch_create(const struct fastzero_ctx *ctx, uint64_t length,
			    const struct fastzero_scratch_opts *opts,
			    struct fastzero_scratch **scratch);

/**
 * fastzero_scratch_adopt() - make a handle of a scratch's descriptor
 * @fd: a descriptor that the caller received, as over a socket; it belongs to the handle
 *	if the call succeeds, else still to the caller
 * @scratch: where to put the handle; NULL after a failure
 *
 * It may be a scratch of the module, or a memfd whose size is sealed, as those of the
 * backend memfd are.
 *
 * Context: any thread.
 *
 * Return: 0 or -errno: -ENOTTY if @fd is neither.
 */
int fastzero_scratch_adopt(int fd, struct fastzero_scratch **scratch);

/**
 * fastzero_scratch_send() - give a scratch to another process
 * @scratch: the scratch, which remains the caller's
 * @sock: a connected unix socket, of any type
 *
 * The receiver takes it with fastzero_scratch_recv().  Then it may map and reset the
 * scratch, whichever process made it.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: the error of sendmsg(2); -EOPNOTSUPP if the backend has no
 * descriptors.
 */
int fastzero_scratch_send(const struct fastzero_scratch *scratch, int sock);

/**
 * fastzero_scratch_recv() - take a scratch that another process sends
 * @sock: a connected unix socket
 * @scratch: where to put the handle, which has a descriptor of its own, close-on-exec;
 *	NULL after a failure
 *
 * The call waits for a message, unless @sock is non-blocking.
 *
 * Context: any thread.
 *
 * Return: 0 or -errno: the error of recvmsg(2); -ECONNRESET if the other side has closed
 * the socket; -EPROTO for a message that fastzero_scratch_send() did not send; -EMFILE
 * if the process may have no more descriptors; -ENOTTY if the received descriptor is no
 * scratch.  A call that fails closes the descriptors that it received.
 */
int fastzero_scratch_recv(int sock, struct fastzero_scratch **scratch);

/**
 * fastzero_scratch_close() - give up a handle of a scratch
 * @scratch: the handle, or NULL; mappings live on
 *
 * Context: any thread; no other call on the handle may be under way, or follow.
 */
void fastzero_scratch_close(struct fastzero_scratch *scratch);

/**
 * fastzero_scratch_fd() - the descriptor of a scratch
 * @scratch: the scratch
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: the descriptor, which remains the handle's.  The caller may use it for mmap,
 * pread, pwrite and fallocate, and pass it to other processes.  -EOPNOTSUPP if the
 * backend has none, -EINVAL.
 */
int fastzero_scratch_fd(const struct fastzero_scratch *scratch);

/**
 * fastzero_scratch_length() - the size of a scratch
 * @scratch: the scratch
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: its size in bytes; 0 if @scratch is NULL.
 */
uint64_t fastzero_scratch_length(const struct fastzero_scratch *scratch);

/**
 * fastzero_scratch_backend() - which backend a scratch has
 * @scratch: the scratch
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: one of enum fastzero_backend_id, not FASTZERO_BACKEND_ANY; or -EINVAL.
 */
int fastzero_scratch_backend(const struct fastzero_scratch *scratch);

/**
 * fastzero_scratch_stats() - counters of a scratch
 * @scratch: the scratch
 * @stats: where to put them; its size must be set.  Members that the module does not
 *	know are 0
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_scratch_stats(const struct fastzero_scratch *scratch,
			   struct fastzero_stats *stats);

/**
 * enum fastzero_map_flags - bits of fastzero_map_opts.flags
 * @FASTZERO_MAP_FIXED: at addr and nowhere else, replacing whatever is mapped there: for
 *	a VMM that has reserved its addresses
 * @FASTZERO_MAP_NOREPLACE: at addr and nowhere else, or -EEXIST if something
 *	is mapped there
 * @FASTZERO_MAP_READONLY: for reading only
 * @FASTZERO_MAP_NONE: without access (PROT_NONE), until mprotect(2) gives it
 */
enum fastzero_map_flags {
	FASTZERO_MAP_FIXED	= 1 << 0,
	FASTZERO_MAP_NOREPLACE	= 1 << 1,
	FASTZERO_MAP_READONLY	= 1 << 2,
	FASTZERO_MAP_NONE	= 1 << 3
};

/**
 * struct fastzero_map_opts - how to map a scratch
 * @size: sizeof(struct fastzero_map_opts)
 * @flags: bits of enum fastzero_map_flags
 * @offset: first byte of the scratch to be mapped, a multiple of the page size
 * @length: bytes to be mapped, a multiple of the page size; 0 for all from @offset on
 * @addr: the address; only a hint without FASTZERO_MAP_FIXED and FASTZERO_MAP_NOREPLACE;
 *	NULL for anywhere
 * @guard: bytes without access to be reserved before the mapping and after it, a multiple
 *	of the page size; 0 for none.  Not with FASTZERO_MAP_FIXED or
 *	FASTZERO_MAP_NOREPLACE
 */
struct fastzero_map_opts {
	uint32_t size;
	uint32_t flags;
	uint64_t offset;
	uint64_t length;
	void *addr;
	uint64_t guard;
};

/**
 * fastzero_map() - map a scratch
 * @scratch: the scratch
 * @opts: options, or NULL for all of it, anywhere, readable and writable
 * @addr: where to put the address; NULL after a failure
 *
 * Many parts of a scratch can be mapped, at many places.  For many guests, one scratch with
 * a part for each guest is cheaper than a scratch for each guest.  fastzero_reset_range()
 * then resets a guest's part.  A caller that has reserved addresses maps each part into
 * them with FASTZERO_MAP_FIXED.
 *
 * The mapping is the caller's, and outlives the handle.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: the error of mmap(2); -EINVAL for a range outside the scratch;
 * -EOPNOTSUPP if a page is mapped already, and the backend cannot map it twice.
 */
int fastzero_map(const struct fastzero_scratch *scratch,
		 const struct fastzero_map_opts *opts, void **addr);

/**
 * fastzero_unmap() - take mappings away
 * @addr: their address, a multiple of the page size
 * @length: their length in bytes, not 0
 *
 * Like munmap(2): the range may be a part of a mapping, or span several mappings.  To
 * give up a mapping together with its guards (fastzero_map_opts.guard), call
 * fastzero_unmap((char *)addr - guard, length + 2 * guard).
 *
 * Context: any thread.  If the backend does not allow munmap(2) ("Backends"), the call
 * waits for a reset of the same memory.
 *
 * Return: 0 or -errno.
 */
int fastzero_unmap(void *addr, size_t length);

/**
 * struct fastzero_result - what a reset did
 * @size: sizeof(struct fastzero_result)
 * @__reserved: not used
 * @done: bytes of the range, from its start, that are zero now
 * @cleared: base pages that were cleared
 * @swapped: base pages that were replaced by ready ones
 * @dropped: base pages that were taken out and left a hole
 * @held: base pages among these that somebody else referred to
 *
 * It is written when the call fails, too: see struct fastzero_reset.
 */
struct fastzero_result {
	uint32_t size;
	uint32_t __reserved;
	uint64_t done;
	uint64_t cleared;
	uint64_t swapped;
	uint64_t dropped;
	uint64_t held;
};

/**
 * fastzero_reset_range() - make a range of a scratch zero again
 * @scratch: the scratch
 * @offset: first byte, a multiple of the page size
 * @length: bytes, a multiple of the page size
 * @mode: one of enum fastzero_mode
 * @result: where to put the result, or NULL; its size must be set
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_reset_range(const struct fastzero_scratch *scratch,
			 uint64_t offset, uint64_t length, unsigned int mode,
			 struct fastzero_result *result);

/**
 * fastzero_reset_all() - make all of a scratch zero again
 * @scratch: the scratch
 * @mode: one of enum fastzero_mode
 * @result: where to put the result, or NULL; its size must be set
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_reset_all(const struct fastzero_scratch *scratch,
		       unsigned int mode, struct fastzero_result *result);

/**
 * fastzero_reset_idle() - say that a scratch is as the last reset left it
 * @scratch: the scratch
 * @result: where to put the result, or NULL; its size must be set
 *
 * This is for a VMM that has not entered its guest since the last reset.  The VMM must
 * know that neither it nor a device has written anything.  The call saves the reset's
 * look at each page.  If a page was written nevertheless, the data stays until the next
 * reset: see FASTZERO_RESET_IDLE.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno; -EOPNOTSUPP if the module does not have it: then
 * fastzero_info.out_features is without FASTZERO_FEATURE_IDLE.
 */
int fastzero_reset_idle(const struct fastzero_scratch *scratch,
			struct fastzero_result *result);

/**
 * fastzero_reset_many() - make many scratches zero again, in one call
 * @ctx: a context
 * @fds: descriptors of scratches, of this context or of others
 * @nr: how many, not 0
 * @mode: one of enum fastzero_mode
 * @result: where to put the result, or NULL; its size must be set.  Its member done
 *	is the number of scratches, from the first on, that are zero now
 *
 * This is for scratches so small that a call for each would cost more than the reset.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno, see struct fastzero_reset_many; -EOPNOTSUPP if the module does
 * not have it.
 */
int fastzero_reset_many(const struct fastzero_ctx *ctx, const int *fds, uint32_t nr,
			unsigned int mode, struct fastzero_result *result);

/**
 * fastzero_reset_scratches() - the same for handles, on every backend
 * @ctx: a context
 * @scratches: handles of scratches, of this context or of others
 * @nr: how many, not 0
 * @mode: one of enum fastzero_mode
 * @result: where to put the result, or NULL; its size must be set.  Its member done
 *	is the number of scratches, from the first on, that are zero now
 *
 * It uses RESET_MANY if the module knows it, and else a call for each scratch.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: -EINVAL if a handle is NULL, and then nothing was done; else the
 * error of fastzero_reset_all() for the first scratch that could not be reset.
 */
int fastzero_reset_scratches(const struct fastzero_ctx *ctx,
			     const struct fastzero_scratch *const *scratches,
			     uint32_t nr, unsigned int mode,
			     struct fastzero_result *result);

/**
 * struct fastzero_bitmap_opts - which pages are to be reset
 * @size: sizeof(struct fastzero_bitmap_opts)
 * @flags: must be 0
 * @offset: first byte of the range, a multiple of the granule
 * @length: bytes in the range; 0 for all from @offset on
 * @bitmap: one bit a granule, lowest bit first, as KVM_GET_DIRTY_LOG has them
 * @bitmap_size: bytes at @bitmap, a multiple of 8
 * @mode: one of enum fastzero_mode
 * @granule_shift: log2 of the bytes that a bit stands for: 12 for base pages
 */
struct fastzero_bitmap_opts {
	uint32_t size;
	uint32_t flags;
	uint64_t offset;
	uint64_t length;
	const uint64_t *bitmap;
	uint64_t bitmap_size;
	uint32_t mode;
	uint32_t granule_shift;
};

/**
 * fastzero_reset_bitmap() - make the pages of a bitmap zero again
 * @scratch: the scratch
 * @opts: which pages, and how
 * @result: where to put the result, or NULL; its size must be set
 *
 * Pages that the bitmap does not name keep their data, also data that the host wrote:
 * KVM's log has only the stores of the guest.  So the caller sets the bits of pages
 * that the VMM itself, read(2), devices or other processes wrote.
 *
 * A module knows this call if fastzero_info.out_features has
 * FASTZERO_FEATURE_RESET_DIRTY.
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno:
 * * -EOPNOTSUPP: the module does not have it, or not the mode (the bit
 *   1 << mode is missing in out_modes), or a flag is set
 * * -EINVAL: no mode of this number; a granule smaller than a page or larger
 *   than 1 GiB; an offset that is not a multiple of the granule; a length that
 *   is not a multiple of the page size; a range that is empty or not inside the
 *   scratch; a bitmap that is not aligned to 8 bytes, whose size is not a
 *   multiple of 8, or that is too short for the range; a size member that is
 *   too small
 * * -E2BIG: @opts is longer than this library's, and not zero beyond that length
 * * -EOVERFLOW: offset + length wraps around
 * * -EFAULT: the bitmap cannot be read; nothing was changed, unless it was
 *   unmapped during the call
 * * -ENOMEM: no memory for the call itself; nothing was changed
 * * -EBADF: the scratch is an adopted one, and its descriptor is not open for writing
 * * -EINTR: a fatal signal arrived; the first result.done bytes of the range are
 *   dealt with, and the call can be repeated as it is
 */
int fastzero_reset_bitmap(const struct fastzero_scratch *scratch,
			  const struct fastzero_bitmap_opts *opts,
			  struct fastzero_result *result);

/**
 * struct fastzero_populated - what a populate did
 * @size: sizeof(struct fastzero_populated)
 * @__reserved: not used
 * @done: bytes of the range, from its start, that are populated now
 * @added: base pages that were not populated before
 * @mapped: base pages that were mapped, or found mapped, counted in each mapping of this
 *	process
 *
 * It is written when the call fails, too: see struct fastzero_populate.
 */
struct fastzero_populated {
	uint32_t size;
	uint32_t __reserved;
	uint64_t done;
	uint64_t added;
	uint64_t mapped;
};

/**
 * fastzero_populate_range() - back a range and map it, so that no touch of it faults
 * @scratch: the scratch
 * @offset: first byte, a multiple of the page size
 * @length: bytes, a multiple of the page size
 * @flags: bits of enum fastzero_populate_flags
 * @result: where to put the result, or NULL; its size must be set
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_populate_range(const struct fastzero_scratch *scratch,
			    uint64_t offset, uint64_t length, uint32_t flags,
			    struct fastzero_populated *result);

/**
 * fastzero_workset_read() - copy the working set, to save it
 * @scratch: the scratch
 * @buffer: where to put it; NULL to ask how much room it takes
 * @size: bytes at @buffer, 0 with NULL
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: bytes that it takes, or -errno: -EOPNOTSUPP without
 * FASTZERO_FEATURE_WORKSET, -ENOSPC if it has grown beyond @size: ask again.
 */
int64_t fastzero_workset_read(const struct fastzero_scratch *scratch,
			      void *buffer, size_t size);

/**
 * fastzero_workset_write() - set the working set to a saved one
 * @scratch: the scratch
 * @buffer: what fastzero_workset_read() gave
 * @size: bytes at @buffer
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: -EINVAL if @buffer has no working set, or that of a scratch of
 * another size; the set then stays as it was.
 */
int fastzero_workset_write(const struct fastzero_scratch *scratch,
			   const void *buffer, size_t size);

/**
 * fastzero_workset_clear() - forget the working set
 * @scratch: the scratch
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno.
 */
int fastzero_workset_clear(const struct fastzero_scratch *scratch);

/**
 * fastzero_workset_save() - write the working set to a file
 * @scratch: the scratch
 * @path: the file, which is replaced as a whole, or stays as it is if the call fails
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: that of fastzero_workset_read(), or of the file system.
 */
int fastzero_workset_save(const struct fastzero_scratch *scratch, const char *path);

/**
 * fastzero_workset_load() - set the working set to that of a file
 * @scratch: the scratch
 * @path: a file of fastzero_workset_save(), also from another host
 *
 * Context: any thread, concurrently with other calls on the handle.
 *
 * Return: 0 or -errno: that of fastzero_workset_write(), or of the file system.
 */
int fastzero_workset_load(const struct fastzero_scratch *scratch, const char *path);

#ifdef __cplusplus
}
#endif

#endif /* FASTZERO_H */
