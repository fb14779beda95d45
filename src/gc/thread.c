/* thread.c - threads come and go: see thread.h.
 *
 * A record is one mapping with the thread's alternate signal stack behind it. Records of ended threads are kept for
 * the next ones, with their tables of runs, so that a program that makes a thread for each request pays for no
 * mapping.
 */
#include "thread.h"
#include "barrier.h"
#include "gc.h"
#include "init.h"
#include "life.h"
#include "specific.h"
#include "../os/os.h"
#include "../../include/tricolor/control.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

TLS struct gate *trix_self;
__thread __attribute__((tls_model("initial-exec"), visibility("default"))) struct tri__tls tri__tls = {trix_no_runs};

enum { KEPT_RECORDS = 32 };

static struct {
    struct thread *kept; /* threads' lock; linked by next */
    uint32_t nkept;
    uint64_t ids;
} records;

/* ---- records ---- */

static struct thread *record_make(void) {
    size_t bytes = round_up(sizeof(struct thread), trix_os_page);
    struct thread *t = trix_os_map(bytes + ALTSTACK_BYTES);
    if (!t) return NULL;
    t->altstack = (char *)t + bytes;
    return t;
}

static struct thread *record_get(void) {
    lock_acquire(&trix_threads.lock);
    struct thread *t = records.kept;
    if (t) {
        records.kept = t->next;
        records.nkept--;
    }
    lock_release(&trix_threads.lock);
    return t ? t : record_make();
}

/* Keeps or unmaps a record that is off the list. Threads' lock. */
static void record_put(struct thread *t) {
    struct run_table *table = t->cache.table, *spare = t->cache.spare;
    char *altstack = t->altstack;
    struct g *own_g = t->own_g;
    memset(t, 0, sizeof *t);
    t->own_g = own_g;
    t->cache.table = table;
    t->cache.spare = spare;
    t->altstack = altstack;
    if (records.nkept < KEPT_RECORDS) {
        t->next = records.kept;
        records.kept = t;
        records.nkept++;
        return;
    }
    trix_cache_unmap(&t->cache);
    trix_os_unmap(t, round_up(sizeof(struct thread), trix_os_page) + ALTSTACK_BYTES);
}

/* ---- where a thread's stack is ---- */

/* The main thread's: down from where the kernel put it, as far as it may grow. */
static struct range main_stack(void) {
    extern void *__libc_stack_end;
    struct rlimit limit;
    uintptr_t hi = round_up((uintptr_t)__libc_stack_end, trix_os_page), size = 64 << 20;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) size = limit.rlim_cur;
    return (struct range){size < hi ? hi - size : 0, hi};
}

static struct range thread_stack(void) {
    pthread_attr_t attributes;
    struct range r = {0};
    void *lo;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return r;
    if (pthread_attr_getstack(&attributes, &lo, &size) == 0) r = (struct range){(uintptr_t)lo, (uintptr_t)lo + size};
    pthread_attr_destroy(&attributes);
    return r;
}

/* (When a handler returns from an alternate stack, valgrind may lose track of the stack it returns to.) */
static void set_altstack(struct thread *t) {
    stack_t old;
    if (trix_os_valgrind || trix_os_sigaltstack(NULL, &old) != 0) return;
    if (old.ss_flags & SS_DISABLE)
        trix_os_sigaltstack(&(stack_t){.ss_sp = t->altstack, .ss_size = ALTSTACK_BYTES}, NULL);
    else t->program_altstack = (struct range){(uintptr_t)old.ss_sp, (uintptr_t)old.ss_sp + old.ss_size};
}

static void unset_altstack(struct thread *t) {
    stack_t old;
    if (trix_os_sigaltstack(NULL, &old) == 0 && old.ss_sp == t->altstack)
        trix_os_sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
}

/* ---- attach and detach ---- */

static void list_insert(struct thread *t) {
    lock_acquire(&trix_threads.list_lock);
    t->id = ++records.ids;
    t->next = trix_threads.first;
    if (t->next) t->next->previous = t;
    t->previous = NULL;
    trix_threads.first = t;
    store_relaxed(&trix_threads.count, trix_threads.count + 1);
    lock_release(&trix_threads.list_lock);
}

static void list_remove(struct thread *t) {
    lock_acquire(&trix_threads.list_lock);
    if (t->previous) t->previous->next = t->next;
    else trix_threads.first = t->next;
    if (t->next) t->next->previous = t->previous;
    store_relaxed(&trix_threads.count, trix_threads.count - 1);
    lock_release(&trix_threads.list_lock);
}

struct tri__tls trix_nobodys_line;

void trix_thread_gone(struct thread *t) {
    t->gone = true;
    t->cache.line = &trix_nobodys_line; /* its own went with its stack */
    store_seq(&t->state, THREAD_BLOCKED);
}

static struct thread *attach(struct range stack) {
    struct thread *t = record_get();
    if (!t || !trix_cache_init(&t->cache, &tri__tls)) trix_fatal("out of memory");
    t->tid = trix_os_tid();
    t->pthread = pthread_self();
    t->stack = stack;
    t->tp = trix_os_thread_pointer();
    t->cpu = trix_os_cpu();
    set_altstack(t);
    /* A stop holds this lock throughout, so the thread appears between two stops, or before the first. */
    lock_acquire(&trix_threads.lock);
    for (struct thread *old = trix_threads.first; old; old = old->next)
        if (old->tid == t->tid) trix_thread_gone(old);
    list_insert(t);
    trix_self = &t->cache.gate;
    lock_release(&trix_threads.lock);
    return t;
}

struct thread *trix_thread_attach(void) {
    if (trix_self) return thread_self();
    int saved = errno;
    uint64_t mask = trix_os_sigmask(SIG_SETMASK, ~0ull); /* a handler that allocates would attach again */
    struct thread *t = attach(thread_stack());
    trix_host_thread_attached();
    trix_os_sigmask(SIG_SETMASK, mask & ~(1ull << (STOP_SIGNAL - 1)));
    errno = saved;
    return t;
}

struct gate *trix_gate_attach(void) {
    trix_init();
    return &trix_thread_attach()->cache.gate;
}

#ifdef TRIX_DEBUG
/* I1, whether or not a stop comes just then. Who stops the world holds the threads' lock, so who holds it is not stopped. */
static void watch_lock(const struct lock *lock) {
    struct thread *t = thread_self();
    if (!t || t->cache.gate.inside || load_seq(&t->state) != THREAD_RUNNING || lock->rank <= RANK_THREADS) return;
    CHECK(trix_os_sigmask(SIG_BLOCK, 0) >> (STOP_SIGNAL - 1) & 1, "a thread that can be stopped takes a lock");
}
#endif

void trix_threads_init(void) {
#ifdef TRIX_DEBUG
    trix_lock_watch = watch_lock;
#endif
    struct thread *t = attach(main_stack());
    if (!(t->stack.lo <= (uintptr_t)__builtin_frame_address(0) && (uintptr_t)__builtin_frame_address(0) < t->stack.hi))
        t->stack = thread_stack(); /* dlopened by another thread, or a stack of the program's own making */
}

/* Gives back what a thread held that ends, or is gone already. Threads' lock. */
static void reap(struct thread *t) {
    trix_shade_flush(t);
    if (t->shades) trix_workbuf_put(t->shades);
    /* Not through the gate: with the threads' lock held, nobody waits for a cycle. */
    int64_t unclaimed = (int64_t)trix_cache_close(&t->cache);
    fetch_add_relaxed(&trix_gc.live, t->cache.unreported - unclaimed);
    trix_specific_drop(t);
    if (t->cache.gate.section) t->shelf = t->shelf_kept; /* it was in a section when the process forked */
    trix_life_thread_gone(t);
    list_remove(t);
    record_put(t);
}

void trix_thread_detach(void) {
    struct thread *t = thread_self();
    if (!t) return;
    trix_thread_report(t);
    uint64_t mask = trix_os_sigmask(SIG_SETMASK, ~0ull);
    trix_lock_blocking(&trix_threads.lock); /* from here on no stop can begin */
    unset_altstack(t);
    trix_self = NULL;
    tri__tls.runs = trix_no_runs;
    reap(t);
    lock_release(&trix_threads.lock);
    trix_event_post();
    trix_os_sigmask(SIG_SETMASK, mask);
}

void trix_threads_reap_gone(void) {
    for (struct thread *t = trix_threads.first, *next; t; t = next) {
        next = t->next;
        if (t->gone) reap(t);
    }
}

void trix_threads_keep_self(void) {
    struct thread *self = thread_self();
    for (struct thread *t = trix_threads.first, *next; t; t = next) {
        next = t->next;
        if (t != self) reap(t);
    }
    trix_threads.starting = 0;
    self->tid = trix_os_tid();
    self->ask_scan = self->hold = 0;
}

EXPORT void tri_thread_attach(void) {
    trix_init();
    trix_thread_attach()->by_hand = true;
}

EXPORT void tri_thread_detach(void) {
    if (!trix_self) trix_misuse("tri_thread_detach", "the calling thread is not attached");
    if (thread_self()->fiber) trix_misuse("tri_thread_detach", "called from a goroutine; use tri_goexit");
    trix_thread_detach();
}
