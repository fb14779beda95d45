/* thread.c - time, threads, futexes and signals, as the kernel gives them. */
#include "os.h"
#include "../base/atomic.h"
#include "../base/check.h"
#include "../base/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

/* ---- files ---- */

int trix_os_open(const char *path, int flags) { return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC); }
void trix_os_close(int fd) { syscall(SYS_close, fd); }

/* ---- time ---- */

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t trix_os_now(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t trix_os_wall(void) { return clock_ns(CLOCK_REALTIME); }
uint64_t trix_os_thread_cpu(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
uint64_t trix_os_process_cpu(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static struct timespec timespec_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
}

void trix_os_sleep(uint64_t ns) {
    int saved = errno;
    struct timespec t = timespec_of(ns);
    syscall(SYS_nanosleep, &t, NULL);
    errno = saved;
}

/* ---- threads ---- */

int trix_os_tid(void) { return (int)syscall(SYS_gettid); }

int trix_os_cpus(void) {
    int saved = errno;
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    errno = saved;
    return n > 0 ? n : 1;
}

uint32_t trix_os_cpu(void) {
    int saved = errno, cpu = sched_getcpu();
    errno = saved;
    return cpu < 0 ? 0 : (uint32_t)cpu;
}

void trix_os_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

void trix_os_be_prompt(void) {
    struct { /* struct sched_attr, first version; no libc has it everywhere */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a = {.size = sizeof a};
    int saved = errno;
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) == 0 && a.policy == SCHED_OTHER) {
        a.runtime = 100 * 1000;
        syscall(SYS_sched_setattr, 0, &a, 0);
    }
    prctl(PR_SET_TIMERSLACK, 1000ul);
    errno = saved;
}

bool trix_os_is_ordinary(void) { return syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER; }

bool trix_os_real_time(bool on) {
    int saved = errno;
    struct sched_param p = {.sched_priority = on ? 1 : 0};
    bool done = syscall(SYS_sched_setscheduler, 0, on ? SCHED_FIFO : SCHED_OTHER, &p) == 0;
    errno = saved;
    return done;
}

void trix_os_yield(void) { syscall(SYS_sched_yield); }

bool trix_os_futex_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ns) {
    int saved = errno;
    struct timespec t = timespec_of(timeout_ns);
    long r = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? &t : NULL, NULL, 0);
    bool timed_out = r < 0 && errno == ETIMEDOUT;
    errno = saved;
    return !timed_out;
}

void trix_os_futex_wake(const uint32_t *word, int count) {
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved;
}

int trix_os_tgkill(int tid, int sig) {
    int saved = errno;
    int result = syscall(SYS_tgkill, getpid(), tid, sig) == 0 ? 0 : errno;
    errno = saved;
    return result;
}

/* ---- signals ---- */

#if defined(__x86_64__)
#define KERNEL_SA_RESTORER 0x04000000
/* With unwind tables, as libc's own has them, so that debuggers and profilers see past a handler: register n of the
 * interrupted code lies at rsp + offset, in the ucontext. They begin one byte early, because unwinders look there. */
#define SAVED(n, low, high) ".cfi_escape 0x10, " #n ", 0x03, 0x77, " #low ", " #high "\n" /* offset as sleb128 */
__asm__(".text\n.balign 16\n.type trix_os_sigreturn,@function\n.hidden trix_os_sigreturn\n"
        ".cfi_startproc simple\n.cfi_signal_frame\n"
        ".cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x01, 0x06\n" /* CFA: the saved rsp, at 160 */
        SAVED(8, 0xa8, 0x00) SAVED(9, 0xb0, 0x00) SAVED(10, 0xb8, 0x00) SAVED(11, 0xc0, 0x00) /* 40 48 56 64 */
        SAVED(12, 0xc8, 0x00) SAVED(13, 0xd0, 0x00) SAVED(14, 0xd8, 0x00) SAVED(15, 0xe0, 0x00) /* 72 80 88 96 */
        SAVED(5, 0xe8, 0x00) SAVED(4, 0xf0, 0x00) SAVED(6, 0xf8, 0x00) SAVED(3, 0x80, 0x01) /* rdi rsi rbp rbx */
        SAVED(1, 0x88, 0x01) SAVED(0, 0x90, 0x01) SAVED(2, 0x98, 0x01) SAVED(7, 0xa0, 0x01) /* rdx rax rcx rsp */
        SAVED(16, 0xa8, 0x01) /* rip */
        "nop\ntrix_os_sigreturn:\nmovq $15, %rax\nsyscall\n"
        ".cfi_endproc\n.size trix_os_sigreturn, .-trix_os_sigreturn\n");
#undef SAVED
extern void trix_os_sigreturn(void);
#endif

bool trix_os_sigaction_raw(int sig, const struct trix_kernel_action *action, struct trix_kernel_action *old) {
    struct trix_kernel_action copy;
    if (action) {
        copy = *action;
#if defined(__x86_64__)
        copy.flags |= KERNEL_SA_RESTORER;
        copy.restorer = (void *)trix_os_sigreturn;
#endif
    }
    return syscall(SYS_rt_sigaction, sig, action ? &copy : NULL, old, sizeof(uint64_t)) == 0;
}

bool trix_os_sigaction(int sig, trix_os_handler *handler, int flags) {
    struct trix_kernel_action action = {.handler = (void *)handler, .flags = (unsigned long)flags, .mask = ~0ull};
    int saved = errno;
    bool done = trix_os_sigaction_raw(sig, &action, NULL);
    errno = saved;
    return done;
}

int trix_os_sigaltstack(const stack_t *new_stack, stack_t *old_stack) {
    int saved = errno;
    int result = syscall(SYS_sigaltstack, new_stack, old_stack) == 0 ? 0 : errno;
    errno = saved;
    return result;
}

bool trix_os_requeue(int sig, const siginfo_t *info) {
    int saved = errno;
    bool done = syscall(SYS_rt_tgsigqueueinfo, getpid(), trix_os_tid(), sig, info) == 0;
    errno = saved;
    return done;
}

uint64_t trix_os_sigmask(int how, uint64_t set) {
    int saved = errno;
    uint64_t old = 0;
    syscall(SYS_rt_sigprocmask, how, &set, &old, sizeof set);
    errno = saved;
    return old;
}

bool trix_os_blocks_signal(int tid, int sig) {
    static const char key[] = "\nSigBlk:\t";
    char name[48], text[4096];
    int saved = errno;
    struct text t = text_over(name, sizeof name - 1);
    trix_text_add(&t, "/proc/self/task/%d/status", tid);
    *t.at = 0;
    int fd = trix_os_open(name, O_RDONLY);
    long n = fd >= 0 ? syscall(SYS_read, fd, text, sizeof text - 1) : 0; /* read() itself is interposed */
    if (fd >= 0) trix_os_close(fd);
    errno = saved;
    text[n > 0 ? n : 0] = 0;
    const char *mask = strstr(text, key);
    return mask && strtoull(mask + sizeof key - 1, NULL, 16) >> (sig - 1) & 1;
}

uintptr_t trix_os_context_pc(const void *context) {
    const ucontext_t *uc = context;
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
    return uc->uc_mcontext.pc;
#endif
}

void trix_os_context_set_pc(void *context, uintptr_t pc) {
    ucontext_t *uc = context;
#if defined(__x86_64__)
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
#else
    uc->uc_mcontext.pc = pc;
#endif
}

uintptr_t trix_os_context_sp(const void *context) {
    const ucontext_t *uc = context;
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#else
    return uc->uc_mcontext.sp;
#endif
}

uintptr_t trix_os_thread_pointer(void) { return (uintptr_t)__builtin_thread_pointer(); }
