/* poller.c - waiting for descriptors, by epoll.
 *
 * Each wait arms the descriptor once (EPOLLONESHOT), so a descriptor that is closed and opened anew needs no care: a wait is
 * one system call, and none when the data are there already. Several goroutines may wait for one descriptor; an event
 * readies the first of each direction, and arms it again for the others.
 *
 * Locks: a descriptor's own word lock; nothing else is taken under it but the scheduler's.
 */
#include "poller.h"
#include "sched.h"
#include "timers.h"
#include "wait.h"
#include "../gc/gc.h"
#include "../heap/metadata.h"
#include "../os/os.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, CHUNK = 1024, CHUNKS = 1024, BREAK_FD = UINT32_MAX, BUSY_NS = 1000 * 1000 };

struct descriptor {
    struct lock lock;
    struct waitq queue[2]; /* of readers, of writers; lock */
};

static struct {
    int epoll, event;
    struct descriptor *chunk[CHUNKS]; /* release; compare-exchanged in, never taken out */
    uint32_t waiting;  /* goroutines; seq_cst */
    uint32_t ever;     /* some goroutine has waited; seq_cst */
    uint32_t seat;     /* taken; seq_cst */
    uint64_t until;    /* when whoever sits there gets up; 0: nobody sits; seq_cst */
    struct epoll_event found[EVENTS]; /* by whoever has the seat */
    int nfound;
    struct worker *finder; /* whose `found` is; who has the seat */
} poller = {.epoll = -1, .event = -1};
NO_ROOTS(poller);

/* Also in the child of a fork, where the old ones are the parent's. */
void trix_poller_init(void) {
    if (poller.epoll >= 0) {
        close(poller.epoll);
        close(poller.event);
        poller.waiting = poller.seat = 0;
        poller.until = 0;
        poller.nfound = 0;
        poller.finder = NULL;
    }
    poller.epoll = epoll_create1(EPOLL_CLOEXEC);
    poller.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = BREAK_FD};
    if (poller.epoll < 0 || poller.event < 0 ||
        syscall(SYS_epoll_ctl, poller.epoll, EPOLL_CTL_ADD, poller.event, &e) != 0)
        trix_fatal("tricolor: the scheduler needs an epoll and an eventfd descriptor");
}

/* Whether sitting there is of any use: else a futex is cheaper to sleep on, and to be woken from. */
static bool is_worth_sitting(void) { return load_seq(&poller.ever) || trix_timers_next() != TIME_NEVER; }

bool trix_poller_used(void) { return load_relaxed(&poller.waiting) != 0; }

/* ---- descriptors ---- */

static struct descriptor *descriptor_of(int fd) {
    if (fd < 0 || fd >= CHUNK * CHUNKS) return NULL;
    struct descriptor **at = &poller.chunk[fd / CHUNK], *chunk = load_acquire(at);
    if (!chunk) {
        struct descriptor *fresh = trix_os_map(CHUNK * sizeof *fresh);
        if (!fresh) trix_fatal("out of memory");
        if (cas_seq(at, &chunk, fresh)) chunk = fresh;
        else trix_os_unmap(fresh, CHUNK * sizeof *fresh);
    }
    return &chunk[fd % CHUNK];
}

/* Lock held: asks for what is waited for. */
static bool arm(struct descriptor *d, int fd) {
    struct epoll_event e = {.events = EPOLLONESHOT, .data.u32 = (uint32_t)fd};
    if (d->queue[0].first) e.events |= EPOLLIN | EPOLLRDHUP;
    if (d->queue[1].first) e.events |= EPOLLOUT;
    if (syscall(SYS_epoll_ctl, poller.epoll, EPOLL_CTL_MOD, fd, &e) == 0) return true;
    return errno == ENOENT && syscall(SYS_epoll_ctl, poller.epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

struct thread *trix_poller_wait(struct thread *t, int fd, bool to_write, int *error) {
    struct descriptor *d = descriptor_of(fd);
    *error = EBADF;
    if (!d) return t;
    struct waiter me = {.g = sched_self(t)};
    int saved = errno;
    word_lock(&d->lock);
    waitq_add(&d->queue[to_write], &me);
    *error = arm(d, fd) ? 0 : errno;
    if (*error) waitq_remove(&d->queue[to_write], &me);
    else fetch_add_seq(&poller.waiting, 1);
    word_unlock(&d->lock);
    errno = saved;
    if (UNLIKELY(!load_seq(&poller.ever))) {
        store_seq(&poller.ever, 1);
        sched_wake_maybe();
    }
    return *error ? t : trix_park(t, WAIT_IO);
}

static void ready_first(struct thread *t, struct waitq *q) {
    struct waiter *w = waitq_take(q);
    if (!w) return;
    fetch_sub_seq(&poller.waiting, 1);
    trix_ready(t, w->g);
}

static void deliver(struct thread *t, const struct epoll_event *e) {
    if (e->data.u32 == BREAK_FD) {
        uint64_t count;
        syscall(SYS_read, poller.event, &count, sizeof count);
        return;
    }
    struct descriptor *d = descriptor_of((int)e->data.u32);
    word_lock(&d->lock);
    if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ready_first(t, &d->queue[0]);
    if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) ready_first(t, &d->queue[1]);
    if (d->queue[0].first || d->queue[1].first) arm(d, (int)e->data.u32);
    word_unlock(&d->lock);
}

/* ---- looking ---- */

/* ns to wait; 0: not at all, TIME_NEVER: for ever. */
static int wait_events(struct epoll_event *events, uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    int saved = errno;
    int n = (int)syscall(SYS_epoll_pwait2, poller.epoll, events, EVENTS, ns == TIME_NEVER ? NULL : &t, NULL, 8);
    if (n < 0 && errno == ENOSYS) {
        int ms = ns == TIME_NEVER ? -1 : ns / 1000000 > 1000000 ? 1000000 : (int)((ns + 999999) / 1000000);
        n = (int)syscall(SYS_epoll_pwait, poller.epoll, events, EVENTS, ms, NULL, 8);
    }
    errno = saved;
    return n < 0 ? 0 : n;
}

void trix_poller_look(struct thread *t, uint64_t now) {
    struct epoll_event events[EVENTS];
    (void)now;
    int saved = errno, n = wait_events(events, 0);
    for (int i = 0; i < n; i++) deliver(t, &events[i]);
    errno = saved;
}

/* ---- the seat ---- */

static void sleep_blocked(struct thread *t, uint64_t ns) {
    struct gate *g = &t->cache.gate;
    g->inside = 0;
    signal_fence();
    if (load_relaxed(&g->pending)) trix_gate_serve(g);
    thread_block(t, THREAD_SPILL());
    poller.nfound = wait_events(poller.found, ns);
    thread_unblock(t);
    signal_fence();
    g->inside = 1;
    signal_fence();
    if (UNLIKELY(load_relaxed(&trix_gate_closed))) trix_gate_await_open(g);
}

/* All processors are busy and timers are due: let one look. */
static void poke_all(void) {
    for (uint32_t i = 0; i < load_relaxed(&trix_sched.nprocs); i++) store_relaxed(&trix_sched.procs[i].poke, 1);
}

bool trix_poller_sit(struct thread *t, struct worker *w) {
    if (!is_worth_sitting() || swap_seq(&poller.seat, 1)) return false;
    poller.finder = w;
    poller.nfound = 0;
    uint64_t next, until, now;
    store_seq(&w->polling, 1);
    do {
        next = until = trix_timers_next();
        now = trix_os_now();
        if (next <= now && !load_seq(&trix_sched.nidle)) {
            poke_all();
            until = now + BUSY_NS;
        }
        store_seq(&poller.until, until);
    } while (trix_timers_next() < next);
    if (!load_seq(&w->wake)) sleep_blocked(t, until == TIME_NEVER ? until : until > now ? until - now : 0);
    store_seq(&poller.until, 0);
    store_seq(&w->polling, 0);
    if (poller.nfound == 0) store_seq(&poller.seat, 0);
    return true;
}

bool trix_poller_pending(const struct worker *w) {
    return load_seq(&poller.seat) && poller.finder == w && poller.nfound != 0;
}

void trix_poller_deliver(struct thread *t, struct worker *w) {
    if (!trix_poller_pending(w)) return;
    int saved = errno;
    for (int i = 0; i < poller.nfound; i++) deliver(t, &poller.found[i]);
    errno = saved;
    poller.nfound = 0;
    poller.finder = NULL;
    store_seq(&poller.seat, 0);
}

void trix_poller_break(void) {
    uint64_t one = 1;
    int saved = errno;
    syscall(SYS_write, poller.event, &one, sizeof one);
    errno = saved;
}

void trix_poller_hurry(uint64_t when) {
    fence_seq();
    if (load_seq(&poller.until) > when) trix_poller_break();
    else if (!load_seq(&poller.seat)) sched_wake_maybe(); /* one that is idle is to sit there */
}
