/* host.h - the library as a guest in a C program: what it puts itself in front of, and why.
 *
 *   signals.c   sigaction and kin: every handler of the program runs behind one trampoline, which rewinds an interrupted
 *               restartable sequence, puts the handler off while the thread is inside, and makes a blocked thread
 *               a running one
 *   masks.c     pthread_sigmask and kin: the stop signal is never blocked, waited for or taken by a signalfd
 *   blocking.c  read, poll, sleep and kin: the thread is BLOCKED meanwhile, and never returns early because of a stop
 *   threads.c   pthread_create and kin: threads are attached and detached, arguments and results kept alive
 *   files.c     close and kin: the scheduler is told of it, and the library's own descriptors stay
 *   kept.c      pointers that the program gives to libc or the kernel to keep: setspecific, epoll_data, putenv
 *   fork.c      fork, and what becomes of the collector in the child
 *   dl.c        dlclose
 *
 * The list of interposed names is tools/exports.txt, which the tests compare with the library.
 */
#ifndef TRIX_HOST_H
#define TRIX_HOST_H

#include "../gc/thread.h"
#include "../os/libc.h"
#include "../os/os.h"

/* A name of libc's that is interposed. ISO C leaves most of them to the program, which may have a function of its own called accept or
 * send: in a program that links the archive that one goes before ours, as it goes before libc's. */
#ifdef TRIX_SHARED
#define INTERPOSE EXPORT
#else
#define INTERPOSE EXPORT __attribute__((weak))
#endif

/* ---- one blocking call ---- */
struct blocking {
    struct thread *t; /* NULL: not attached, inside, or blocked already */
    uint32_t gc_signals, user_signals;
};

INLINE void blocking_end(struct blocking *b) {
    if (b->t) thread_unblock(b->t);
    b->t = NULL;
}

/* Declares `b`, and marks the thread as blocked until blocking_end(&b) or the end of the block, also when the thread is
 * cancelled. The function's pointer arguments must be in BLOCKING_KEEP'ed variables. */
#define BLOCKING(b)                                                                                            \
    struct blocking b __attribute__((cleanup(blocking_end))) = trix_blocking_who();                            \
    if (b.t) thread_block(b.t, THREAD_SPILL())
#define BLOCKING_KEEP(pointer)                                                                                 \
    const void *volatile keep_##pointer UNUSED = (const void *)(uintptr_t)(pointer)

INLINE struct blocking trix_blocking_who(void) {
    struct thread *t = thread_self();
    if (!t || t->cache.gate.inside || load_relaxed(&t->state) != THREAD_RUNNING) return (struct blocking){0};
    return (struct blocking){t, t->gc_signals, t->user_signals};
}

/* A call failed with EINTR: was that only a stop? Then it is made again. */
INLINE bool blocking_cut_short(const struct blocking *b) {
    return b->t && b->t->gc_signals != b->gc_signals && b->t->user_signals == b->user_signals;
}
INLINE void blocking_again(struct blocking *b) { b->gc_signals = b->t->gc_signals; }

/* A system call of up to six arguments that is a cancellation point, as libc's function of that name is. */
#define CANCELLABLE(...) trix_cancellable_call(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L)
long trix_cancellable_call(long number, ...);

/* Set by the scheduler, or NULL: waits until no goroutine is alive, as the program's last thread does before it ends the program. */
extern void (*trix_goroutines_hook)(void);
void trix_host_threads_reset_after_fork(void);

/* Set by the scheduler: handlers of the program that are installed from now on run on the alternate stack. */
extern bool trix_signals_on_altstack;

/* ---- starts ---- */
/* In the members of the archive that nobody else refers to but by the names they interpose: see init.c. */
extern const char trix_blocking_here, trix_files_here, trix_kept_here, trix_masks_here;
void trix_signals_init(void);
/* Looks at each SIGSEGV, or SIGBUS, that an instruction raises, before the program's handler; does not return if it is its own. */
typedef void trix_fault_watcher(const siginfo_t *info, const void *context);
void trix_signals_watch_faults(int sig, trix_fault_watcher *watcher);
void trix_signals_reset_after_fork(void);
/* Whether the program has a handler for a signal that may come at any time, not only from its own faults. Any thread. */
bool trix_signals_handled(void);
void trix_fork_init(void);
/* Set by the scheduler: called in the child of a fork, where the calling thread is the only one, before the records of the others are
 * put away. */
extern void (*trix_fork_child_hook)(void);
/* Set by the scheduler: called before the descriptors from lo to hi are closed; also in handlers, and in the child of a vfork. Those among
 * them that are the library's own, and must stay, are put into `own`, in rising order; returns how many. */
enum { OWN_DESCRIPTORS = 2 };
extern unsigned (*trix_closing_hook)(unsigned lo, unsigned hi, unsigned own[OWN_DESCRIPTORS]);
void trix_host_threads_init(void);
void trix_dl_init(void);

/* Removes the stop signal, and the two that libc keeps for itself, from a mask of the kernel's. */
INLINE uint64_t mask_strip(uint64_t mask) {
    return mask & ~(1ull << (STOP_SIGNAL - 1)) & ~(1ull << (32 - 1)) & ~(1ull << (33 - 1));
}

#endif
