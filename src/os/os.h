/* os.h - the contract with the kernel: all that the library asks of it, in one place.
 *
 * Memory goes through four states, as in Go: none, reserved (address space only), ready (readable, pages come zeroed
 * when touched), and back to ready-but-empty by release. Sizes and addresses are multiples of the page size. Nothing
 * here allocates, takes a lock or touches errno. With TRIX_FAULTS the n-th call of a kind can be made to fail, see
 * trix_os_fault.
 */
#ifndef TRIX_OS_H
#define TRIX_OS_H

#include "../base/attr.h"

#include <signal.h>

/* ---- files: by system calls, since a program may have functions of its own called open and close ---- */
int trix_os_open(const char *path, int flags); /* O_CLOEXEC is added; -1 with errno set: the one call here that does */
void trix_os_close(int fd);

/* ---- memory ---- */
extern size_t trix_os_page; /* bytes; set by trix_os_init */

extern bool trix_os_valgrind; /* the process runs under valgrind; set by trix_os_init */

void trix_os_init(void);
void *trix_os_reserve(size_t bytes, size_t align); /* NULL when there is no such room */
bool trix_os_commit(void *at, size_t bytes);       /* reserved -> ready */
bool trix_os_map_anew(void *at, size_t bytes);     /* whatever is mapped there -> ready; false: nothing has changed */
enum os_map_how { OS_MAP_READ, OS_MAP_COPY, OS_MAP_SHARED };
int trix_os_map_file(void *at, size_t bytes, int fd, int how); /* ready -> the file's pages; 0, or an errno value */
/* Whether no page of the range has memory or is swapped out: it reads zero. At most 4 MiB; false when it cannot be told. */
bool trix_os_untouched(const void *at, size_t bytes);
void *trix_os_map(size_t bytes);                   /* none -> ready; NULL when refused */
bool trix_os_release(void *at, size_t bytes);      /* ready -> ready, contents and memory dropped: reads zero again */
/* The same, but the memory goes only when the kernel needs it; until then the contents may be the old ones. */
bool trix_os_release_lazily(void *at, size_t bytes);
/* False under an emulator that says yes to MADV_GUARD_INSTALL as to any advice, and does nothing (qemu-user). */
bool trix_os_takes_guards(void);
bool trix_os_revoke(void *at, size_t bytes);       /* ready -> revoked: contents dropped, and memory that is not locked; any use faults */
bool trix_os_restore(void *at, size_t bytes);      /* revoked -> ready, reads zero */
void trix_os_unmap(void *at, size_t bytes);
bool trix_os_huge(void *at, size_t bytes, bool advise);
/* Has the range backed by memory, as if each page were written, its contents left alone; a hint. */
void trix_os_populate(void *at, size_t bytes);
void trix_os_name(void *at, size_t bytes, const char *name); /* shown in /proc/self/maps where the kernel can */
/* Where the program has a leak checker: whatever the range points to is no leak. */
void trix_os_not_leaked(void *at, size_t bytes);
size_t trix_os_address_room(void);                 /* bytes RLIMIT_AS leaves, SIZE_MAX when unlimited */
/* Copies memory that may vanish meanwhile; returns bytes copied, stopping at the first unreadable page. */
size_t trix_os_read_self(void *to, const void *from, size_t bytes);
/* Calls visit for the parts of [lo, hi) that have memory or are swapped out: untouched pages are passed over, and not
 * touched. Page-aligned bounds. */
void trix_os_visit_resident(uintptr_t lo, uintptr_t hi,
                            void (*visit)(const void *lo, const void *hi, bool exact_ends, void *arg), void *arg);
uint64_t trix_os_peak_rss(void);                   /* bytes */
uint64_t trix_os_anonymous_rss(void);              /* bytes resident that are no file's; 0 when it cannot be told */
/* The memory limit of the process's control group and those around it, versions 1 and 2; bytes, UINT64_MAX for none. `root`
 * is "" but in tests: where /proc and /sys are. */
uint64_t trix_os_cgroup_limit(const char *root);

/* ---- time, in nanoseconds ---- */
uint64_t trix_os_now(void);        /* monotonic */
uint64_t trix_os_wall(void);       /* since 1970 */
uint64_t trix_os_thread_cpu(void); /* of the calling thread */
uint64_t trix_os_process_cpu(void);
void trix_os_sleep(uint64_t ns);

/* ---- threads ---- */
int trix_os_tid(void);
int trix_os_cpus(void);   /* that this process may run on */
uint32_t trix_os_cpu(void); /* the number of the one that the calling thread runs on; it may be another one at once */
/* Asks for the shortest time slice (Linux 6.12 and later heed it, of ordinary users too): the calling thread gets no more
 * of the processor than before, but sooner. A collector that is preempted in the middle of stopping the world waits
 * for a whole slice of the program's threads, some 3 ms. Its sleeps end on time, not up to 50 µs later. */
void trix_os_be_prompt(void);

/* The calling thread's name. Not by pthread_setname_np from the thread that made it: that opens a file, and a program that has just closed a number
 * to get it back (close, dup) could find it taken, or write into it. */
void trix_os_name_thread(const char *name);
/* The lowest real-time priority for the calling thread, which has an ordinary one now, or the ordinary one again (its niceness
 * is kept). False: the kernel refuses, as it does for most ordinary users. */
bool trix_os_real_time(bool on);
bool trix_os_is_ordinary(void); /* the calling thread's priority is no real-time, batch or idle one */
void trix_os_yield(void);
/* Sleeps while *word == value, at most timeout_ns (0: for ever). Returns false on timeout. May wake for no reason. */
bool trix_os_futex_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ns);
void trix_os_futex_wake(const uint32_t *word, int count);
int trix_os_tgkill(int tid, int sig); /* 0, or an errno value */

/* ---- signals: the kernel's own calls, past libc and whoever interposes it ---- */
typedef void trix_os_handler(int, siginfo_t *, void *);
/* Installs a handler of the library's own, with all signals blocked while it runs. */
bool trix_os_sigaction(int sig, trix_os_handler *handler, int flags);
struct trix_kernel_action { /* the kernel's struct, not libc's */
    void *handler;
    unsigned long flags;
#if defined(__x86_64__)
    void *restorer; /* filled in by trix_os_sigaction_raw */
#endif
    uint64_t mask;
};
/* rt_sigaction; either may be NULL. Sets errno. */
bool trix_os_sigaction_raw(int sig, const struct trix_kernel_action *action, struct trix_kernel_action *old);
int trix_os_sigaltstack(const stack_t *new_stack, stack_t *old_stack); /* 0, or an errno value */
/* Re-sends a signal with its siginfo to this very thread. */
bool trix_os_requeue(int sig, const siginfo_t *info);
/* how as in sigprocmask; masks as the kernel has them, one word. */
uint64_t trix_os_sigmask(int how, uint64_t set);
/* Whether a thread of the process blocks the signal at the moment; false too where /proc cannot be read. */
bool trix_os_blocks_signal(int tid, int sig);

/* The interrupted machine state. */
uintptr_t trix_os_context_pc(const void *ucontext);
void trix_os_context_set_pc(void *ucontext, uintptr_t pc);
uintptr_t trix_os_context_sp(const void *ucontext);
uintptr_t trix_os_thread_pointer(void);
enum { OS_RED_ZONE = 128 };

/* ---- faults for tests ---- */
enum os_fault { OS_FAULT_RESERVE, OS_FAULT_COMMIT, OS_FAULT_MAP, OS_FAULT_RELEASE, OS_FAULT_ADVISE, OS_FAULT_KINDS };
#ifdef TRIX_FAULTS
/* From now on the n-th call (1 = the next one) of the kind fails, and every one after it when `sticky`; 0 turns it off. */
EXPORT void trix_os_fault(enum os_fault kind, uint64_t nth, bool sticky);
#endif

#endif
