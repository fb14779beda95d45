/* masks.c - the stop signal stays out of every mask and every wait: a thread that blocked it would hold up all
 * collections, and sigwait or a signalfd would swallow it. */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

const char trix_masks_here = 1;

static uint64_t bits_of(const sigset_t *set) {
    uint64_t bits;
    memcpy(&bits, set, sizeof bits);
    return bits;
}

static int change_mask(int how, const sigset_t *set, sigset_t *old) {
    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return EINVAL;
    uint64_t before = trix_os_sigmask(set ? how : SIG_BLOCK, set ? mask_strip(bits_of(set)) : 0);
    if (set && how == SIG_SETMASK) trix_os_sigmask(SIG_UNBLOCK, 1ull << (STOP_SIGNAL - 1));
    if (old) {
        memset(old, 0, sizeof *old);
        memcpy(old, &before, sizeof before);
    }
    return 0;
}

INTERPOSE int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old) {
    return change_mask(how, set, old);
}

INTERPOSE int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old) {
    int error = change_mask(how, set, old);
    if (error) errno = error;
    return error ? -1 : 0;
}

/* The old calls: masks of the first 32 signals, and one signal at a time. */
static int change_int(int how, int mask) {
    sigset_t set, old;
    sigemptyset(&set);
    memcpy(&set, &mask, sizeof mask);
    change_mask(how, &set, &old);
    return (int)bits_of(&old);
}

INTERPOSE int sigblock(int mask) { return change_int(SIG_BLOCK, mask); }
INTERPOSE int sigsetmask(int mask) { return change_int(SIG_SETMASK, mask); }

INTERPOSE int sighold(int sig) {
    sigset_t set;
    sigemptyset(&set);
    return sigaddset(&set, sig) == 0 ? sigprocmask(SIG_BLOCK, &set, NULL) : -1;
}

INTERPOSE int signalfd(int fd, const sigset_t *set, int flags) {
    uint64_t bits = mask_strip(bits_of(set));
    return (int)syscall(SYS_signalfd4, fd, &bits, sizeof bits, flags);
}

/* ---- waiting for signals ---- */

static int wait_for(const sigset_t *set, siginfo_t *info, const struct timespec *timeout) {
    uint64_t bits = mask_strip(bits_of(set));
    uint64_t deadline = timeout ? trix_os_now() + (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec : 0;
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    BLOCKING_KEEP(info);
    BLOCKING(b);
    for (;;) {
        long sig = CANCELLABLE(SYS_rt_sigtimedwait, &bits, info, timeout ? &left : NULL, sizeof bits);
        if (sig >= 0 || errno != EINTR || !blocking_cut_short(&b)) return (int)sig;
        blocking_again(&b);
        if (!timeout) continue;
        uint64_t now = trix_os_now(), rest = deadline > now ? deadline - now : 0;
        left = (struct timespec){(time_t)(rest / 1000000000u), (long)(rest % 1000000000u)};
    }
}

INTERPOSE int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                        const struct timespec *restrict timeout) {
    return wait_for(set, info, timeout);
}

INTERPOSE int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info) { return wait_for(set, info, NULL); }

INTERPOSE int sigwait(const sigset_t *restrict set, int *restrict sig) {
    int got;
    do got = wait_for(set, NULL, NULL);
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno;
    *sig = got;
    return 0;
}

INTERPOSE int sigsuspend(const sigset_t *set) {
    uint64_t bits = mask_strip(bits_of(set));
    BLOCKING(b);
    do {
        if (b.t) blocking_again(&b);
        CANCELLABLE(SYS_rt_sigsuspend, &bits, sizeof bits);
    } while (blocking_cut_short(&b));
    errno = EINTR;
    return -1;
}

/* Its symbol is __xpg_sigpause. */
INTERPOSE int sigpause(int sig) {
    sigset_t set;
    change_mask(SIG_BLOCK, NULL, &set);
    return sigdelset(&set, sig) == 0 ? sigsuspend(&set) : -1;
}

INTERPOSE int pause(void) {
    BLOCKING(b);
    do {
        if (b.t) blocking_again(&b);
        CANCELLABLE(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    } while (blocking_cut_short(&b));
    errno = EINTR;
    return -1;
}
