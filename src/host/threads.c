/* threads.c - threads made by pthread_create and thrd_create are attached before they run a line of the program, and
 * detached after the last one.
 *
 * The last line may come late: C++ thread_local destructors and pthread keys run after the start routine has returned,
 * and may allocate. So detaching is the business of a key of ours, whose destructor puts itself back until the last round
 * of destructors. That of another key may come after it in the last round too: then the thread stays attached, since nothing else keeps
 * what the key holds. A thread that uses the heap after it was detached is attached once more. When such a thread is gone, the collector
 * notices that its signal finds nobody (gc/stop.c).
 *
 * Two things cross from one thread to another in libc's memory, where no scan looks: the argument, from pthread_create
 * until the new thread has it, and the result, until somebody has joined. Both are kept in a record.
 */
#include "host.h"
#include "../gc/barrier.h"
#include "../gc/kept.h"
#include "../gc/init.h"
#include "../gc/specific.h"
#include "../heap/gate.h"
#include "../heap/metadata.h"
#include "../os/races.h"
#include "../../include/tricolor.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

/* ---- the last thread ---- */

/* When main has called pthread_exit, a program ends with its last thread, by exit(0). libc sees to that by counting threads, but
 * it counts the library's own too, which never end; so the program's are counted here, from before they are made. */
static uint32_t program_threads = 1; /* seq_cst */
static TLS bool counted;             /* in it */
static bool all_counted;             /* the program's calls come here: it is not one that has opened the library by dlopen */

void (*trix_goroutines_hook)(void);

static bool calls_come_here(void);

static COLD void last_thread_ends(void) {
    static uint32_t ending;
    if (!all_counted || swap_seq(&ending, 1)) return;
    if (trix_goroutines_hook) trix_goroutines_hook();
    exit(0);
}

static void program_thread_ends(void) {
    if (!counted) return;
    counted = false;
    if (fetch_sub_seq(&program_threads, 1) == 1) last_thread_ends();
}

void trix_host_threads_reset_after_fork(void) {
    program_threads = 1;
    counted = true;
}

/* ---- detaching ---- */

static pthread_key_t detach_key;
static bool have_key;

/* Once detached, what the thread keeps in thread-locals lives no longer, and a handler of the program's could use it. So none
 * comes any more, as libc itself will see to a little later: signals to the process go to other threads. */
static void hold_handlers_off(void) {
    static const int kept[] = {STOP_SIGNAL, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    uint64_t mask = ~0ull;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) mask &= ~(1ull << (kept[i] - 1));
    trix_os_sigmask(SIG_BLOCK, mask);
}

static bool keys_left(void) { return thread_self() && trix_specific_left(thread_self()); }

static void on_thread_end(void *round) {
    uintptr_t n = (uintptr_t)round;
    if (n < PTHREAD_DESTRUCTOR_ITERATIONS) {
        trix_libc_setspecific(detach_key, n + 1);
    } else {
        program_thread_ends();
        hold_handlers_off();
        if (LIKELY(!keys_left())) trix_thread_detach();
    }
}

static TLS bool unborn; /* counted in trix_threads.starting */

static void be_born(void) {
    if (!unborn) return;
    unborn = false;
    fetch_sub_seq(&trix_threads.starting, 1);
}

void trix_host_thread_attached(void) {
    be_born();
    if (have_key) trix_libc_setspecific(detach_key, 1);
}

void trix_host_threads_init(void) {
    have_key = pthread_key_create(&detach_key, on_thread_end) == 0;
    trix_host_thread_attached();
    all_counted = calls_come_here();
    counted = true;
}

/* ---- arguments and results ---- */

/* A record goes when three things have happened, in whatever order: pthread_create has returned, the thread has ended,
 * and it has been joined or detached. */
enum { START_CREATED = 1, START_ENDED = 2, START_LET_GO = 4, START_ALL = 7 };

struct start {
    struct start *next; /* in one of the lists, if in any; lock */
    void *(*fn)(void *);
    struct kept *kept; /* the argument, then the result */
    pthread_t *where;  /* of the caller of pthread_create; for start_name */
    uint32_t state;    /* START_…; lock */
    bool named;        /* `thread` is set, and it is in that list; lock */
    bool exited;       /* by pthread_exit, the kept word being the result; own thread, others after joining it */
    bool is_main;      /* the main thread's, made when it ends by pthread_exit; no other thread's pthread_t is its */
    pthread_t thread;
};

/* `named` has the one that was named last in front: a record may still be there when its thread has been joined and its pthread_t is
 * another thread's, since who joined it settles it only then. */
static struct {
    struct lock lock;
    struct start *free, *named; /* lock */
} starts = {.lock = LOCK_INIT(SIGNALS)};

static TLS struct start *own_start;

static struct start *start_take(pthread_t *where, void *(*fn)(void *), void *arg, uint32_t state) {
    struct gate *g = gate_enter();
    lock_acquire(&starts.lock);
    struct start *s = starts.free;
    if (s) starts.free = s->next;
    lock_release(&starts.lock);
    if (!s) s = trix_metadata_alloc(sizeof *s);
    if (!s) trix_fatal("out of memory");
    *s = (struct start){.fn = fn, .where = where, .kept = trix_kept_add((struct thread *)g, (uintptr_t)arg), .state = state};
    gate_leave(g);
    return s;
}

/* Lock held. Takes the record off the list; its word is dropped by the caller, without the lock. */
static bool start_settle_locked(struct start *s, uint32_t bit) {
    s->state |= bit;
    if (s->state != START_ALL) return false;
    for (struct start **link = &starts.named; *link; link = &(*link)->next)
        if (*link == s) {
            *link = s->next;
            break;
        }
    return true;
}

static void start_free(struct thread *t, struct start *s) {
    trix_kept_drop(t, s->kept);
    lock_acquire(&starts.lock);
    s->next = starts.free;
    starts.free = s;
    lock_release(&starts.lock);
}

/* The record of a thread that can be joined, or NULL. To be looked up before libc lets go of the thread: from then on its
 * pthread_t may be another one's. */
static struct start *start_find(pthread_t thread) {
    struct gate *g = gate_enter();
    lock_acquire(&starts.lock);
    struct start *s = starts.named;
    while (s && (s->state & START_LET_GO || !pthread_equal(s->thread, thread))) s = s->next;
    lock_release(&starts.lock);
    gate_leave(g);
    return s;
}

/* Something has happened to the thread of the record, if there is one. */
static void start_settle(struct start *s, uint32_t bit) {
    if (!s) return;
    struct gate *g = gate_enter();
    lock_acquire(&starts.lock);
    bool done = start_settle_locked(s, bit);
    lock_release(&starts.lock);
    if (done) start_free((struct thread *)g, s);
    gate_leave(g);
}

/* By the thread itself and by who made it, the second of them in vain: by then it may have ended, and its pthread_t be another one's.
 * The first of them stores it for the program, as libc does before the thread runs. */
static void start_name(struct start *s, pthread_t thread) {
    struct gate *g = gate_enter();
    lock_acquire(&starts.lock);
    if (!s->named) {
        s->thread = *s->where = thread;
        s->named = true;
        s->next = starts.named;
        starts.named = s;
    }
    lock_release(&starts.lock);
    gate_leave(g);
}

/* Nothing is kept any more by the time the thread's routine has it: what it takes from there, a list say, may go. */
static NOINLINE void *take_argument(struct start *s) {
    struct gate *g = gate_enter();
    void *volatile arg = (void *)trix_kept_get(s->kept);
    trix_kept_set((struct thread *)g, s->kept, 0);
    gate_leave(g);
    return arg;
}

static void keep_result(struct start *s, void *result) {
    struct gate *g = gate_enter();
    trix_kept_set((struct thread *)g, s->kept, (uintptr_t)result);
    gate_leave(g);
}

/* ---- the start ---- */

/* The thread ends by returning, pthread_exit or cancellation: libc unwinds through here. */
static void started_ends(struct start **s) {
    own_start = NULL;
    be_born();
    if (UNLIKELY(trix_races_told) && thread_self()) trix_thread_report(thread_self()); /* it may have to start the collector */
    trix_races_here = false;
    start_settle(*s, START_ENDED);
}

/* With the shared library the thread sanitizer's pthread_create is in front of ours, and what we start is a routine of its
 * own: before that has run the thread cannot even use malloc. It attaches at its first use of the heap, and the program's
 * argument lies on the stack of the thread that waits in pthread_create meanwhile. */
static void *started(void *arg) {
    struct start *s __attribute__((cleanup(started_ends))) = arg;
    unborn = true;
    bool attaches = !trix_libc_thread_sanitizer();
    if (attaches) {
        trix_thread_attach();
        start_name(s, pthread_self());
        counted = true;
    }
    own_start = s;
    trix_races_here = true;
    void *result = s->fn(attaches ? take_argument(s) : (void *)trix_kept_get(s->kept));
    keep_result(s, result);
    return result;
}

INTERPOSE int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*fn)(void *),
                          void *restrict arg) {
    int detach = PTHREAD_CREATE_JOINABLE;
    if (UNLIKELY(trix_libc_own_thread)) return trix_libc_pthread_create(thread, attributes, fn, arg);
    trix_init();
    if (attributes) pthread_attr_getdetachstate(attributes, &detach);
    struct start *s = start_take(thread, fn, arg, detach == PTHREAD_CREATE_DETACHED ? START_LET_GO : 0);
    pthread_t made;
    fetch_add_seq(&trix_threads.starting, 1);
    fetch_add_seq(&program_threads, 1);
    int error = trix_libc_pthread_create(&made, attributes, started, s);
    if (error) {
        fetch_sub_seq(&program_threads, 1);
        fetch_sub_seq(&trix_threads.starting, 1);
        start_settle(s, START_ALL);
        return error;
    }
    start_name(s, made);
    start_settle(s, START_CREATED);
    return 0;
}

extern __typeof__(pthread_create) trix_own_pthread_create __attribute__((alias("pthread_create"), visibility("hidden"), nothrow));

/* First, or behind the address sanitizer's. (Behind the thread sanitizer's threads do not begin here: they are not counted.) */
static bool calls_come_here(void) {
    return pthread_create == trix_own_pthread_create || (trix_libc_sanitizer() && !trix_libc_thread_sanitizer());
}

static void keep_main_result(void *result) {
    pthread_t self;
    struct start *s = start_take(&self, NULL, result, START_CREATED | START_ENDED);
    s->exited = s->is_main = true;
    start_name(s, pthread_self());
}

INTERPOSE void pthread_exit(void *result) {
    if (thread_self() && thread_self()->fiber) trix_misuse("pthread_exit", "called from a goroutine; use tri_goexit");
    if (own_start) {
        keep_result(own_start, result);
        own_start->exited = true; /* read once the thread has been joined */
    } else {
        if (trix_os_tid() == getpid()) keep_main_result(result);
        trix_races_here = false;
    }
    trix_libc_exit(result);
}

/* ---- joining and detaching ---- */

/* In a static executable pthread_exit is a cancellation for libc: the result that the thread meant is in its record. */
static void *meant_result(const struct start *s, void *result) {
    return s && s->exited ? (void *)trix_kept_get(s->kept) : result;
}

/* The main thread's record is made after others have begun to wait for it. */
static struct start *start_or_main(struct start *s, pthread_t thread) {
    if (s) return s;
    s = start_find(thread);
    return s && s->is_main ? s : NULL;
}

INTERPOSE int pthread_join(pthread_t thread, void **result) {
    struct start *s = start_find(thread);
    int error;
    {
        BLOCKING_KEEP(result);
        BLOCKING(b);
        error = trix_libc_join(thread, result);
    }
    if (!error) s = start_or_main(s, thread);
    if (!error && result && *result == PTHREAD_CANCELED && trix_libc_static())
        *result = meant_result(s, *result);
    if (!error) start_settle(s, START_LET_GO);
    return error;
}

INTERPOSE int pthread_detach(pthread_t thread) {
    struct start *s = start_find(thread);
    int error = trix_libc_detach(thread);
    if (!error) start_settle(s, START_LET_GO);
    return error;
}

#ifdef TRIX_SHARED
INTERPOSE int pthread_tryjoin_np(pthread_t thread, void **result) {
    struct start *s = start_find(thread);
    int error = NEXT(pthread_tryjoin_np)(thread, result);
    if (!error) start_settle(s, START_LET_GO);
    return error;
}

INTERPOSE int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until) {
    struct start *s = start_find(thread);
    int error;
    {
        BLOCKING_KEEP(result);
        BLOCKING_KEEP(until);
        BLOCKING(b);
        error = NEXT(pthread_timedjoin_np)(thread, result, until);
    }
    if (!error) start_settle(s, START_LET_GO);
    return error;
}

INTERPOSE int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until) {
    struct start *s = start_find(thread);
    int error;
    {
        BLOCKING_KEEP(result);
        BLOCKING_KEEP(until);
        BLOCKING(b);
        error = NEXT(pthread_clockjoin_np)(thread, result, clock, until);
    }
    if (!error) start_settle(s, START_LET_GO);
    return error;
}
#endif

/* ---- C11 ---- */

struct c11_start {
    thrd_start_t fn;
    void *arg;
};

static void *c11_started(void *arg) {
    struct c11_start start = *(struct c11_start *)arg;
    return (void *)(intptr_t)start.fn(start.arg);
}

INTERPOSE int thrd_create(thrd_t *thread, thrd_start_t fn, void *arg) {
    struct c11_start *start = tri_alloc(sizeof *start); /* reachable from the record until it has been read */
    tri_set(start->arg, arg);
    start->fn = fn;
    switch (pthread_create(thread, NULL, c11_started, start)) {
    case 0: return thrd_success;
    case ENOMEM: return thrd_nomem;
    default: return thrd_error;
    }
}

INTERPOSE int thrd_join(thrd_t thread, int *result) {
    void *value;
    if (pthread_join(thread, &value) != 0) return thrd_error;
    if (result) *result = (int)(intptr_t)value;
    return thrd_success;
}

INTERPOSE int thrd_detach(thrd_t thread) { return pthread_detach(thread) == 0 ? thrd_success : thrd_error; }
INTERPOSE void thrd_exit(int result) { pthread_exit((void *)(intptr_t)result); }
