/* sync.c - locks for goroutines: see tricolor/sync.h. Each has its queue of waiters in itself, under a word lock that is
 * held for moments.
 *
 * The mutex: state is MUTEX_LOCKED, MUTEX_WAITED (the queue is not empty) and MUTEX_STARVING. In the normal mode a
 * waiter that is woken competes with newcomers, who are running and mostly win; that is fast. A waiter that loses and has
 * waited for more than STARVED_NS makes the mutex starving: then unlock hands it to the first in the queue, still locked, and
 * newcomers queue up, until a waiter gets it in less time than that or the queue is empty (Go's algorithm, with the
 * queue in the mutex). Whoever hands it over lets the other run at once, in its own place: else the mutex would be locked by
 * one who waits for a processor, and the next to call lock, mostly who has just unlocked it, would find it so and keep it starving.
 */
#include "sched.h"
#include "chan.h"
#include "defer.h"
#include "goroutines.h"
#include "wait.h"
#include "walk.h"
#include "../os/os.h"
#include "../../include/tricolor/go.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/defer.h"
#include "../../include/tricolor/sync.h"

enum { MUTEX_LOCKED = 1, MUTEX_WAITED = 2, MUTEX_STARVING = 4, STARVED_NS = 1000 * 1000, MUTEX_SPINS = 30 };

/* The library's view of the public fields. */
static struct lock *lock_of(uint32_t *lock) { return (struct lock *)lock; }
static struct waitq *queue_of(struct tri__waitq *q) { return (struct waitq *)q; }
_Static_assert(sizeof(struct lock) == 8 && sizeof(struct waitq) == sizeof(struct tri__waitq), "as in tricolor/sync.h");

/* ---- mutex ---- */

static bool mutex_try(tri_mutex *m) {
    uint32_t seen = load_relaxed(&m->state);
    return !(seen & (MUTEX_LOCKED | MUTEX_STARVING)) && cas_acquire(&m->state, &seen, seen | MUTEX_LOCKED);
}

/* Somebody else runs and holds it for a moment, perhaps. */
static bool mutex_spin(tri_mutex *m) {
    if (load_relaxed(&trix_sched.nprocs) < 2) return false;
    for (int i = 0; i < MUTEX_SPINS && !(load_relaxed(&m->state) & MUTEX_STARVING); i++) {
        if (mutex_try(m)) return true;
        cpu_relax();
    }
    return false;
}

/* Takes it, or joins the queue. Word lock held, and released. */
static bool mutex_take_or_queue(tri_mutex *m, struct waiter *me, bool again) {
    bool taken = false;
    word_lock(lock_of(&m->lock));
    uint32_t seen = load_relaxed(&m->state), next;
    do {
        taken = !(seen & (MUTEX_LOCKED | MUTEX_STARVING));
        next = taken ? seen | MUTEX_LOCKED : seen | MUTEX_WAITED;
        if (!taken && again && trix_os_now() - me->since > STARVED_NS) next |= MUTEX_STARVING;
    } while (!cas_acquire(&m->state, &seen, next));
    if (!taken) sched_waits_on(me->g, m);
    if (!taken && again) waitq_add_first(queue_of(&m->queue), me);
    else if (!taken) waitq_add(queue_of(&m->queue), me);
    word_unlock(lock_of(&m->lock));
    return taken;
}

/* It has been handed over; the mode is normal again when nobody starves. */
static void mutex_settle(tri_mutex *m, const struct waiter *me) {
    word_lock(lock_of(&m->lock));
    if (!m->queue.first || trix_os_now() - me->since < STARVED_NS) fetch_and_relaxed(&m->state, ~(uint32_t)MUTEX_STARVING);
    word_unlock(lock_of(&m->lock));
}

static NOINLINE void mutex_lock_slow(tri_mutex *m) {
    if (mutex_spin(m)) return;
    struct thread *t = sched_enter();
    struct waiter me = {.g = sched_self(t), .since = trix_os_now()};
    for (bool again = false; !mutex_take_or_queue(m, &me, again); again = true) {
        t = trix_park(t, WAIT_MUTEX);
        if (me.done) {
            mutex_settle(m, &me);
            break;
        }
    }
    sched_leave(t);
}

EXPORT void tri_mutex_lock(tri_mutex *m) {
    uint32_t free = 0;
    if (UNLIKELY(!cas_acquire(&m->state, &free, MUTEX_LOCKED))) mutex_lock_slow(m);
    order_after(m);
}

EXPORT bool tri_mutex_trylock(tri_mutex *m) {
    bool done = mutex_try(m);
    if (done) order_after(m);
    return done;
}

/* Somebody has waited since then for what the caller has just given up. */
static void tell_contention(uint64_t since, enum g_wait why) {
    trix_contention_hook *hook = load_acquire(&trix_mutex_hook);
    if (UNLIKELY(hook != NULL) && since) hook(trix_os_now() - since, trix_wait_words(why));
}

/* Inside. Whether it has been handed over to a goroutine that this thread could run next. */
static bool mutex_unlock_slow(struct thread *t, tri_mutex *m) {
    word_lock(lock_of(&m->lock));
    uint32_t seen = load_relaxed(&m->state);
    if (!(seen & MUTEX_LOCKED)) trix_fatal("sync: unlock of unlocked mutex");
    struct waiter *w = waitq_take(queue_of(&m->queue));
    bool hand_over = w && seen & MUTEX_STARVING;
    uint32_t off = (hand_over ? 0 : MUTEX_LOCKED) | (m->queue.first ? 0 : MUTEX_WAITED) | (w ? 0 : MUTEX_STARVING);
    __atomic_fetch_and(&m->state, ~off, __ATOMIC_RELEASE);
    struct g *g = w ? w->g : NULL;
    uint64_t since = w ? w->since : 0;
    if (w) w->done = hand_over;
    word_unlock(lock_of(&m->lock));
    bool can_run = hand_over && !g->is_thread && worker_of(t) && worker_of(t)->proc;
    if (g) trix_ready(t, g);
    if (g) tell_contention(since, WAIT_MUTEX);
    return can_run;
}

static NOINLINE void mutex_unlock_waited(tri_mutex *m) {
    struct thread *t = sched_enter();
    if (mutex_unlock_slow(t, m)) t = trix_yield(t);
    sched_leave(t);
}

static bool mutex_give_up(tri_mutex *m) {
    uint32_t locked = MUTEX_LOCKED;
    order_before(m);
    return __atomic_compare_exchange_n(&m->state, &locked, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

EXPORT void tri_mutex_unlock(tri_mutex *m) {
    if (UNLIKELY(!mutex_give_up(m))) mutex_unlock_waited(m);
}

/* ---- semaphores ---- */

static struct thread *sema_acquire(struct thread *t, struct tri__sema *s, enum g_wait why) {
    uint64_t since = load_relaxed(&trix_mutex_hook) && why != WAIT_WAITGROUP ? trix_os_now() : 0;
    word_lock(lock_of(&s->lock));
    if (s->count > 0) {
        s->count--;
        word_unlock(lock_of(&s->lock));
        return t;
    }
    struct waiter me = {.g = sched_self(t), .since = since};
    waitq_add(queue_of(&s->queue), &me);
    sched_waits_on(me.g, s);
    word_unlock(lock_of(&s->lock));
    return trix_park(t, why);
}

static void sema_release(struct thread *t, struct tri__sema *s) {
    word_lock(lock_of(&s->lock));
    struct waiter *w = waitq_take(queue_of(&s->queue));
    struct g *g = w ? w->g : NULL;
    uint64_t since = w ? w->since : 0;
    if (!w) s->count++;
    word_unlock(lock_of(&s->lock));
    if (g) trix_ready(t, g);
    if (g) tell_contention(since, WAIT_RWMUTEX_WRITE);
}

/* ---- rwmutex (Go's: a pending writer makes `readers` negative by MAX_READERS) ---- */

enum { MAX_READERS = 1 << 30 };

static NOINLINE void rlock_waiting(tri_rwmutex *m) {
    struct thread *t = sched_enter();
    sched_leave(sema_acquire(t, &m->reader, WAIT_RWMUTEX_READ));
}

EXPORT void tri_rwmutex_rlock(tri_rwmutex *m) {
    if (UNLIKELY(fetch_add_seq(&m->readers, 1) + 1 < 0)) rlock_waiting(m);
    order_after(m);
}

EXPORT bool tri_rwmutex_tryrlock(tri_rwmutex *m) {
    int32_t seen = load_relaxed(&m->readers);
    while (seen >= 0)
        if (cas_seq(&m->readers, &seen, seen + 1)) {
            order_after(m);
            return true;
        }
    return false;
}

EXPORT void tri_rwmutex_runlock(tri_rwmutex *m) {
    order_before(m);
    int32_t left = fetch_sub_seq(&m->readers, 1) - 1;
    if (LIKELY(left >= 0)) return;
    if (left + 1 == 0 || left + 1 == -MAX_READERS) trix_fatal("sync: RUnlock of unlocked RWMutex");
    if (fetch_sub_seq(&m->leaving, 1) != 1) return;
    struct thread *t = sched_enter();
    sema_release(t, &m->writer);
    sched_leave(t);
}

static NOINLINE void lock_waiting(tri_rwmutex *m) {
    struct thread *t = sched_enter();
    sched_leave(sema_acquire(t, &m->writer, WAIT_RWMUTEX_WRITE));
}

EXPORT void tri_rwmutex_lock(tri_rwmutex *m) {
    tri_mutex_lock(&m->writers);
    int32_t readers = fetch_sub_seq(&m->readers, MAX_READERS);
    if (readers != 0 && fetch_add_seq(&m->leaving, readers) + readers != 0) lock_waiting(m);
    order_after(m);
}

EXPORT bool tri_rwmutex_trylock(tri_rwmutex *m) {
    if (!tri_mutex_trylock(&m->writers)) return false;
    int32_t none = 0;
    if (cas_seq(&m->readers, &none, -MAX_READERS)) {
        order_after(m);
        return true;
    }
    tri_mutex_unlock(&m->writers);
    return false;
}

EXPORT void tri_rwmutex_unlock(tri_rwmutex *m) {
    order_before(m);
    int32_t waiting = fetch_add_seq(&m->readers, MAX_READERS) + MAX_READERS;
    if (waiting >= MAX_READERS) trix_fatal("sync: Unlock of unlocked RWMutex");
    if (waiting > 0) {
        struct thread *t = sched_enter();
        for (int32_t i = 0; i < waiting; i++) sema_release(t, &m->reader);
        sched_leave(t);
    }
    tri_mutex_unlock(&m->writers);
}

/* ---- waitgroup ---- */

EXPORT void tri_waitgroup_add(tri_waitgroup *group, int delta) {
    if (delta < 0) order_before(group);
    int64_t more = (int64_t)((uint64_t)(int64_t)delta << 32), now = fetch_add_seq(&group->count, more) + more;
    int32_t count = (int32_t)(now >> 32);
    uint32_t waiters = (uint32_t)now;
    if (count < 0) trix_panic("sync: negative WaitGroup counter");
    /* Zero with waiters: nobody may add before they have gone on, so it is ours; who does all the same is not overlooked. */
    if ((waiters && delta > 0 && count == delta) || (count == 0 && waiters && !cas_seq(&group->count, &now, 0)))
        trix_panic("sync: WaitGroup misuse: Add called concurrently with Wait");
    if (count > 0 || waiters == 0) return;
    struct thread *t = sched_enter();
    for (uint32_t i = 0; i < waiters; i++) sema_release(t, &group->sema);
    sched_leave(t);
}

EXPORT void tri_waitgroup_done(tri_waitgroup *group) { tri_waitgroup_add(group, -1); }

static NOINLINE void group_wait(tri_waitgroup *group) {
    int64_t seen = load_seq(&group->count);
    do
        if (seen >> 32 == 0) return;
    while (!cas_seq(&group->count, &seen, seen + 1));
    struct thread *t = sched_enter();
    sched_leave(sema_acquire(t, &group->sema, WAIT_WAITGROUP));
    if (load_seq(&group->count) != 0) trix_panic("sync: WaitGroup is reused before previous Wait has returned");
}

EXPORT void tri_waitgroup_wait(tri_waitgroup *group) {
    group_wait(group);
    order_after(group);
}

struct group_call {
    tri_waitgroup *group;
    void (*fn)(void *);
    void *arg;
};
TRI_TYPE(struct group_call, group, arg)

/* Deferred: also when fn has called tri_goexit. When it has panicked, the program ends, and nobody is to get ahead of that. */
static void group_call_over(void *group) {
    if (!trix_panicking()) tri_waitgroup_done(group);
}

static void run_in_group(void *arg) {
    struct group_call *c = arg;
    TRI_FUNC;
    tri_defer(group_call_over, c->group);
    c->fn(c->arg);
}

EXPORT void tri_waitgroup_go(tri_waitgroup *group, void (*fn)(void *), void *arg) {
    if (UNLIKELY(!fn)) trix_fatal("go of nil func value");
    struct group_call *c = tri_new(struct group_call);
    tri_set(c->group, group);
    tri_set(c->arg, arg);
    c->fn = fn;
    tri_waitgroup_add(group, 1);
    tri_go(run_in_group, c);
}

/* ---- once ---- */

/* Deferred, so that others do not wait for ever for a function that panics, or ends its goroutine: it counts as run, as in Go. */
static void once_end(void *arg) {
    tri_once *once = arg;
    order_before(once);
    store_release(&once->done, 1);
    tri_mutex_unlock(&once->mutex);
}

static NOINLINE void once_run(tri_once *once, void (*fn)(void *), void *arg) {
    TRI_FUNC;
    tri_defer(once_end, once);
    fn(arg);
}

EXPORT void tri_once_do(tri_once *once, void (*fn)(void *), void *arg) {
    if (LIKELY(load_acquire(&once->done))) {
        order_after(once);
        return;
    }
    tri_mutex_lock(&once->mutex);
    if (once->done) {
        tri_mutex_unlock(&once->mutex);
        return;
    }
    if (UNLIKELY(!fn)) trix_misuse("tri_once_do", "the function is NULL");
    once_run(once, fn, arg);
}

/* ---- cond ---- */

EXPORT NOINLINE void tri_cond_wait(tri_cond *c, tri_mutex *m) {
    struct thread *t = sched_enter();
    struct waiter me = {.g = sched_self(t)};
    word_lock(lock_of(&c->lock));
    waitq_add(queue_of(&c->queue), &me);
    sched_waits_on(me.g, c);
    word_unlock(lock_of(&c->lock));
    if (!mutex_give_up(m)) mutex_unlock_slow(t, m); /* it waits already: no yielding any more */
    sched_leave(trix_park(t, WAIT_COND));
    tri_mutex_lock(m);
}

static bool wake_one(struct thread *t, tri_cond *c) {
    word_lock(lock_of(&c->lock));
    struct waiter *w = waitq_take(queue_of(&c->queue));
    struct g *g = w ? w->g : NULL;
    word_unlock(lock_of(&c->lock));
    if (g) trix_ready(t, g);
    return g != NULL;
}

EXPORT void tri_cond_signal(tri_cond *c) {
    struct thread *t = sched_enter();
    wake_one(t, c);
    sched_leave(t);
}

EXPORT void tri_cond_broadcast(tri_cond *c) {
    struct thread *t = sched_enter();
    word_lock(lock_of(&c->lock));
    struct waiter *w = c->queue.first;
    c->queue.first = c->queue.last = NULL;
    word_unlock(lock_of(&c->lock));
    for (struct waiter *next; w; w = next) {
        next = w->next;
        trix_ready(t, w->g);
    }
    sched_leave(t);
}
