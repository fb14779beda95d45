/* signals.c - the program's signal handlers run behind a trampoline.
 *
 * On entry: (1) an interrupted restartable sequence is rewound, so that a handler that allocates or stores pointers finds
 * the interrupted operation not begun; (2) if the thread is inside the library, the handler is put off: the
 * signal is queued again to this thread with all its information and blocked until the thread leaves (gate.c lets it
 * in); (3) if the thread was blocked, it is running from here, and blocked again when the handler returns.
 * A handler that leaves by siglongjmp leaves the thread running, which is right.
 *
 * Faults (SIGSEGV and kin raised by an instruction) are not put off. The stop signal itself comes here only
 * when the program has sent it, or has a handler for it.
 */
#include "host.h"
#include "../gc/blocking.h"
#include "../gc/modules.h"
#include "../heap/gate.h"
#include "../base/lock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIGNALS = 65 };

/* A handler of the program: written under the lock, read by the trampoline. */
static struct program_action {
    uintptr_t handler; /* relaxed; stored last */
    int flags;
    bool known; /* set through us at least once: `action` is what the program believes is installed */
    struct sigaction action;
} actions[SIGNALS];
NO_ROOTS(actions);
static struct lock actions_lock = LOCK_INIT(SIGNALS);

enum { FAULT_WATCHERS = 2 };
/* By signal; release; of goroutine stacks, of arenas, of mapped files, never taken back. */
static trix_fault_watcher *segv_watchers[FAULT_WATCHERS], *bus_watchers[FAULT_WATCHERS];

static trix_fault_watcher **watchers_of(int sig) {
    return sig == SIGSEGV ? segv_watchers : sig == SIGBUS ? bus_watchers : NULL;
}

/* ---- running a handler of the program ---- */

static void call_handler(uintptr_t handler, int flags, int sig, siginfo_t *info, void *context) {
    if (flags & SA_SIGINFO) ((void (*)(int, siginfo_t *, void *))handler)(sig, info, context);
    else ((void (*)(int))handler)(sig);
}

static int set_action(int sig, const struct sigaction *wish, struct sigaction *old);

/* SA_RESETHAND: here, as the kernel would do it also for a signal that is put off, which would then find no handler. All signals are
 * blocked. False: it has been another thread's. */
static bool take_once(int sig, uintptr_t handler) {
    struct program_action *a = &actions[sig];
    lock_acquire(&actions_lock);
    bool ours = a->handler == handler;
    struct sigaction none = a->action;
    none.sa_handler = SIG_DFL;
    if (ours) set_action(sig, &none, NULL);
    lock_release(&actions_lock);
    return ours;
}

static bool is_fault(int sig, const siginfo_t *info) {
    if (info->si_code <= 0) return false;
    return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP || sig == SIGSYS;
}

bool trix_signals_on_altstack;

/* Blocks the signal in the interrupted context and queues it again. */
static bool put_off(struct thread *t, int sig, const siginfo_t *info, void *context) {
    uint64_t bit = 1ull << (sig - 1), *mask = (uint64_t *)&((ucontext_t *)context)->uc_sigmask;
    uint64_t before = trix_os_sigmask(SIG_BLOCK, bit); /* SA_NODEFER: it would come again at once */
    bool queued = trix_os_requeue(sig, info);
    if (queued) {
        *mask |= bit;
        t->deferred |= bit;
        store_relaxed(&t->cache.gate.pending, 1);
    } else if (!(before & bit)) {
        trix_os_sigmask(SIG_UNBLOCK, bit);
    }
    return queued;
}

/* Calls the handler with the signals blocked that the program asked for. Before and after it all are: a stop or another
 * handler must find this thread's books in order. */
static void call_unmasked(int sig, siginfo_t *info, void *context) {
    const struct program_action *a = &actions[sig];
    uintptr_t handler = load_acquire(&a->handler);
    int flags = a->flags;
    uint64_t asked, interrupted = *(uint64_t *)&((ucontext_t *)context)->uc_sigmask;
    memcpy(&asked, &a->action.sa_mask, sizeof asked);
    if (!handler || (flags & (int)SA_RESETHAND && !take_once(sig, handler))) return;
    if (!(flags & SA_NODEFER)) asked |= 1ull << (sig - 1);
    trix_os_sigmask(SIG_SETMASK, interrupted | mask_strip(asked));
    call_handler(handler, flags, sig, info, context);
    trix_os_sigmask(SIG_SETMASK, ~0ull);
}

/* The thread is outside: runs the handler as part of the program. (A stack that a siglongjmp has left is forgotten.) */
static void run_handler(struct thread *t, int sig, siginfo_t *info, void *context) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), interrupted = trix_os_context_sp(context);
    bool blocked = load_relaxed(&t->state) == THREAD_BLOCKED, first = !trix_on_altstack(t, interrupted);
    uintptr_t frame = t->handler_frame, outer_sp = first ? 0 : t->handler_sp, blocked_sp = t->sp;
    t->handler_frame = here;
    if (first) t->handler_sp = trix_on_altstack(t, here) ? interrupted - OS_RED_ZONE : 0;
    uint64_t deferred = t->deferred; /* not to come in before this handler has returned: its mask may forbid it */
    t->deferred = 0;
    t->user_signals++;
    int cancel = PTHREAD_CANCEL_DEFERRED;
    uintptr_t section = 0;
    if (blocked) { /* the call may be cancelled at any instruction, the handler not: it may be inside */
        pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel);
        section = trix_section_suspend(t);
        if (!section) thread_unblock(t);
    }
    call_unmasked(sig, info, context);
    if (blocked) {
        if (section) trix_section_resume(t, blocked_sp, section);
        else thread_block(t, blocked_sp);
        pthread_setcanceltype(cancel, NULL);
    }
    t->deferred = deferred;
    if (deferred) store_relaxed(&t->cache.gate.pending, 1);
    t->sp = blocked_sp; /* it may have interrupted thread_block */
    t->handler_frame = frame;
    t->handler_sp = outer_sp;
}

/* A fault that is nobody's: it happens again when we return, and then does what it would have done without us. */
static void fault_by_default(int sig, const siginfo_t *info) {
    bool raised = is_fault(sig, info), ignored = actions[sig].action.sa_handler == SIG_IGN;
    if (!raised && ignored) return;
    struct trix_kernel_action k = {.handler = (void *)SIG_DFL};
    trix_os_sigaction_raw(sig, &k, NULL);
    if (!raised) trix_os_tgkill(trix_os_tid(), sig);
}

static void trampoline(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    trix_fault_watcher **watchers = watchers_of(sig);
    if (UNLIKELY(watchers && watchers[0])) {
        for (int i = 0; i < FAULT_WATCHERS && is_fault(sig, info) && watchers[i]; i++) watchers[i](info, context);
        if (!load_acquire(&actions[sig].handler)) {
            fault_by_default(sig, info);
            errno = saved;
            return;
        }
    }
    struct thread *t = thread_self();
    if (t) {
        trix_modules_rewind(context);
        bool inside = t->cache.gate.inside != 0, held = load_seq(&trix_handlers_held) && t->state == THREAD_RUNNING;
        if ((!inside && !held) || is_fault(sig, info) || !put_off(t, sig, info, context)) {
            if (inside) call_unmasked(sig, info, context);
            else run_handler(t, sig, info, context);
        }
    } else {
        call_unmasked(sig, info, context);
    }
    errno = saved;
}

/* Outside again, or no fork holds them off any more: what was put off comes in when the stop signal's handler returns. */
static void let_in(struct thread *t, void *context) {
    if (t->cache.gate.inside || load_seq(&trix_handlers_held)) return;
    *(uint64_t *)&((ucontext_t *)context)->uc_sigmask &= ~t->deferred;
    t->deferred = 0;
}

/* ---- the stop signal ---- */

static void on_stop_signal(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    struct thread *t = thread_self();
    bool from_us = info->si_code == SI_TKILL && info->si_pid == getpid();
    if (t && from_us) {
        t->gc_signals++;
        trix_stop_signal(t, context);
        if (t->worker && load_acquire(&trix_preempt_hook)) trix_preempt_hook(t, context);
        if (UNLIKELY(t->deferred)) let_in(t, context);
    } else if (load_relaxed(&actions[sig].handler)) {
        trampoline(sig, info, context);
    }
    errno = saved;
}

void trix_signals_init(void) {
    int where = trix_os_valgrind ? 0 : SA_ONSTACK; /* see set_altstack in gc/thread.c */
    if (!trix_os_sigaction(STOP_SIGNAL, on_stop_signal, SA_SIGINFO | SA_RESTART | where))
        trix_fatal("tricolor: cannot install the stop signal's handler");
    trix_os_sigmask(SIG_UNBLOCK, 1ull << (STOP_SIGNAL - 1));
}

/* Another thread may have been in sigaction: what it was about to set is as good as not set. */
void trix_signals_reset_after_fork(void) { lock_reset(&actions_lock); }

/* ---- sigaction and kin ---- */

static void read_disposition(int sig, struct sigaction *old) {
    struct trix_kernel_action k;
    memset(old, 0, sizeof *old);
    if (!trix_os_sigaction_raw(sig, NULL, &k)) return;
    old->sa_handler = (void (*)(int))k.handler;
    old->sa_flags = (int)k.flags & ~0x04000000;
    memcpy(&old->sa_mask, &k.mask, sizeof k.mask);
}

static bool is_function(const struct sigaction *a) { return a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN; }

/* What the kernel is to be told for the program's wish. */
static struct trix_kernel_action kernel_action(int sig, const struct sigaction *wish) {
    struct trix_kernel_action k = {.handler = (void *)wish->sa_handler, .flags = (unsigned)wish->sa_flags};
    memcpy(&k.mask, &wish->sa_mask, sizeof k.mask);
    k.mask = mask_strip(k.mask);
    if (is_function(wish)) {
        k.handler = (void *)trampoline;
        k.flags = (k.flags & ~(unsigned long)SA_RESETHAND) | SA_SIGINFO; /* take_once */
        k.mask = ~0ull; /* until the trampoline has set its books up: call_unmasked */
        if (trix_signals_on_altstack) k.flags |= SA_ONSTACK; /* there may be no room on a goroutine's own */
    } else if (watchers_of(sig) && watchers_of(sig)[0]) {
        k = (struct trix_kernel_action){.handler = (void *)trampoline, .flags = SA_SIGINFO | SA_ONSTACK, .mask = ~0ull};
    }
    return k;
}

static int set_action(int sig, const struct sigaction *wish, struct sigaction *old) {
    struct program_action *a = &actions[sig];
    struct sigaction copy;
    if (wish) copy = *wish; /* wish and old may be the same */
    if (old) {
        if (a->known) *old = a->action;
        else if (sig == STOP_SIGNAL) memset(old, 0, sizeof *old);
        else read_disposition(sig, old);
    }
    if (!wish) return 0;
    struct trix_kernel_action k = kernel_action(sig, &copy);
    a->flags = copy.sa_flags;
    a->action.sa_mask = copy.sa_mask; /* the trampoline's, from the first signal on */
    if (is_function(&copy)) store_release(&a->handler, (uintptr_t)copy.sa_handler);
    if (sig != STOP_SIGNAL && !trix_os_sigaction_raw(sig, &k, NULL)) return -1;
    if (!is_function(&copy)) store_release(&a->handler, 0);
    a->action = copy;
    a->known = true;
    return 0;
}

INTERPOSE int sigaction(int sig, const struct sigaction *restrict wish, struct sigaction *restrict old) {
    if (sig <= 0 || sig >= SIGNALS || sig == 32 || sig == 33 || ((sig == SIGKILL || sig == SIGSTOP) && wish)) {
        errno = EINVAL;
        return -1;
    }
    uint64_t mask = trix_os_sigmask(SIG_BLOCK, ~0ull); /* async-signal-safe: no handler of ours may find the lock held */
    lock_acquire(&actions_lock);
    int result = set_action(sig, wish, old);
    lock_release(&actions_lock);
    trix_os_sigmask(SIG_SETMASK, mask);
    return result;
}

static sighandler_t simple_signal(int sig, sighandler_t handler, int flags) {
    struct sigaction wish = {.sa_handler = handler, .sa_flags = flags}, old;
    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    if (!(flags & SA_NODEFER)) sigaddset(&wish.sa_mask, sig);
    return sigaction(sig, &wish, &old) == 0 ? old.sa_handler : SIG_ERR;
}

static uint64_t interrupting; /* signals of which siginterrupt has said so, for `signal`s to come, too; relaxed */

INTERPOSE sighandler_t signal(int sig, sighandler_t handler) {
    bool interrupts = sig > 0 && sig < SIGNALS && load_relaxed(&interrupting) >> (sig - 1) & 1;
    return simple_signal(sig, handler, interrupts ? 0 : SA_RESTART);
}
INTERPOSE sighandler_t bsd_signal(int sig, sighandler_t handler) { return signal(sig, handler); }
INTERPOSE sighandler_t sysv_signal(int sig, sighandler_t handler) {
    return simple_signal(sig, handler, (int)(SA_RESETHAND | SA_NODEFER));
}
INTERPOSE sighandler_t __sysv_signal(int sig, sighandler_t handler) { return sysv_signal(sig, handler); }

INTERPOSE sighandler_t sigset(int sig, sighandler_t handler) {
    struct sigaction wish = {.sa_handler = handler}, old;
    bool hold = handler == SIG_HOLD;
    sigset_t set, before;
    if (handler == SIG_ERR) errno = EINVAL;
    if (handler == SIG_ERR || sigaction(sig, hold ? NULL : &wish, &old) != 0) return SIG_ERR;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, &before);
    return sigismember(&before, sig) ? SIG_HOLD : old.sa_handler;
}

INTERPOSE int siginterrupt(int sig, int interrupt) {
    struct sigaction a;
    if (sigaction(sig, NULL, &a) != 0) return -1;
    if (interrupt) a.sa_flags &= ~SA_RESTART;
    else a.sa_flags |= SA_RESTART;
    if (interrupt) fetch_or_relaxed(&interrupting, 1ull << (sig - 1));
    else fetch_and_relaxed(&interrupting, ~(1ull << (sig - 1)));
    return sigaction(sig, &a, NULL);
}

bool trix_signals_handled(void) {
    const uint64_t faults = 1ull << SIGSEGV | 1ull << SIGBUS | 1ull << SIGFPE | 1ull << SIGILL | 1ull << SIGTRAP | 1ull << SIGABRT | 1ull << SIGSYS;
    for (int sig = 1; sig < SIGNALS; sig++)
        if (load_relaxed(&actions[sig].handler) && !(sig < 64 && faults >> sig & 1)) return true;
    return false;
}

/* From here on every such signal comes to the trampoline first. A handler that was installed past us becomes the program's. */
void trix_signals_watch_faults(int sig, trix_fault_watcher *watcher) {
    trix_fault_watcher **watchers = watchers_of(sig);
    uint64_t mask = trix_os_sigmask(SIG_BLOCK, ~0ull);
    lock_acquire(&actions_lock);
    struct sigaction wish = actions[sig].action;
    if (!actions[sig].known) read_disposition(sig, &wish);
    int i = 0;
    while (i < FAULT_WATCHERS - 1 && watchers[i] && watchers[i] != watcher) i++;
    store_release(&watchers[i], watcher);
    set_action(sig, &wish, NULL);
    lock_release(&actions_lock);
    trix_os_sigmask(SIG_SETMASK, mask);
}

/* ---- alternate stacks ---- */

/* The address sanitizer asks while it makes its marks on left frames good, which ours would be taken for. */
RACY_READS static void put_altstack(stack_t *old, stack_t is) { *old = is; }

/* The thread has one of ours until the program sets its own; of ours the program knows nothing. */
INTERPOSE int sigaltstack(const stack_t *restrict wish, stack_t *restrict old) {
    struct thread *t = thread_self();
    stack_t before, ours = {0};
    int error = trix_os_sigaltstack(NULL, &before);
    if (!error && wish) {
        bool disable = wish->ss_flags & SS_DISABLE;
        if (t) ours = (stack_t){.ss_sp = t->altstack, .ss_size = ALTSTACK_BYTES};
        error = trix_os_sigaltstack(disable && t ? &ours : wish, NULL);
        if (!error && t)
            t->program_altstack = disable ? (struct range){0}
                                          : (struct range){(uintptr_t)wish->ss_sp, (uintptr_t)wish->ss_sp + wish->ss_size};
    }
    if (error) {
        errno = error;
        return -1;
    }
    if (old) {
        bool ours_is_set = t && before.ss_sp == t->altstack;
        put_altstack(old, ours_is_set ? (stack_t){.ss_flags = SS_DISABLE} : before);
    }
    return 0;
}
