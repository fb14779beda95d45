/* poller.c - waiting for descriptors, by epoll.
 *
 * A descriptor is registered once for each direction that somebody has waited for, and stays so: each change of its state is told
 * once (EPOLLET, as Go does it). Who waits has tried in vain before; an event that finds nobody is noted, so that the next one to
 * wait tries again first. So a wait is no system call of its own. Several goroutines may wait for one descriptor: an event readies
 * the first of each direction, and for the others the kernel is asked to look again.
 *
 * The kernel forgets a descriptor that is closed, and its number is given to another one. Closing is seen (host/files.c): the
 * number counts as not registered, and who still waits there is told EBADF. What is closed unseen (fclose, a system call of the
 * program's own), and who has registered just after closing was seen and before the kernel did it, the monitor finds: who has
 * waited for 10 to 20 ms has the registration made again, which also tells of everything that has happened before.
 *
 * Locks: a descriptor's own word lock; nothing else is taken under it but the scheduler's.
 */
#include "poller.h"
#include "sched.h"
#include "timers.h"
#include "wait.h"
#include "../gc/gc.h"
#include "../heap/metadata.h"
#include "../host/host.h"
#include "../os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, CHUNK = 1024, CHUNKS = 1024, BREAK_FD = UINT32_MAX, BUSY_NS = 1000 * 1000 };
enum { READING, WRITING, DIRECTIONS };

struct descriptor {
    struct lock lock;
    uint32_t registered; /* 4 * poller.instance + a bit for each direction, or 0; lock, but for 0 by who closes it; relaxed */
    uint8_t told[DIRECTIONS]; /* an event has found nobody there; lock */
    uint32_t waiters;    /* in both queues; lock, looked at without */
    uint8_t trusted;     /* somebody waits, trusting in a registration: 1 lately, 2 for longer; lock, looked at without */
    struct waitq queue[DIRECTIONS]; /* lock */
};

static struct {
    int epoll, event;
    struct descriptor *chunk[CHUNKS]; /* release; compare-exchanged in, never taken out */
    uint32_t instance; /* epoll descriptors made, in this process and those it was forked from; constant while goroutines run */
    pid_t pid;         /* whose it is; likewise */
    uint32_t highest;  /* descriptor that was ever waited for; relaxed */
    uint32_t trusting; /* some descriptor is trusted; seq_cst */
    uint32_t look_at;  /* where the monitor goes on looking for such; monitor */
    uint64_t looked;   /* ns: when it did; monitor */
    uint32_t waiting;  /* goroutines; seq_cst */
    uint32_t ever;     /* some goroutine has waited; seq_cst */
    uint32_t seat;     /* taken; seq_cst */
    uint64_t until;    /* when whoever sits there gets up; 0: nobody sits; seq_cst */
    struct epoll_event found[EVENTS]; /* by whoever has the seat */
    int nfound;
    struct worker *finder; /* whose `found` is; who has the seat */
} poller = {.epoll = -1, .event = -1};
NO_ROOTS(poller);

static struct descriptor *known_descriptor(int fd) {
    struct descriptor *chunk = fd < 0 || fd >= CHUNK * CHUNKS ? NULL : load_acquire(&poller.chunk[fd / CHUNK]);
    return chunk ? &chunk[fd % CHUNK] : NULL;
}

/* In the child of a fork: who waited there is gone, and the monitor, which may have had a lock. */
static COLD void forget_waits(void) {
    for (uint32_t fd = 0; fd <= poller.highest; fd++) {
        struct descriptor *d = known_descriptor((int)fd);
        if (d) *d = (struct descriptor){0};
    }
}

/* To where programs that count on their first descriptor being 3, or make one a certain number by dup2, do not look. */
static COLD int out_of_the_way(int fd) {
    enum { FROM = 256 };
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FROM);
    if (high < 0) return fd; /* a low limit */
    syscall(SYS_close, fd);
    return high;
}

/* Also in the child of a fork, where the old ones are the parent's. */
COLD void trix_poller_init(void) {
    if (poller.epoll >= 0) {
        forget_waits();
        syscall(SYS_close, poller.epoll);
        syscall(SYS_close, poller.event);
        poller.waiting = poller.seat = poller.trusting = poller.look_at = 0;
        poller.until = 0;
        poller.nfound = 0;
        poller.finder = NULL;
    }
    poller.instance++;
    poller.pid = getpid();
    poller.epoll = out_of_the_way(epoll_create1(EPOLL_CLOEXEC));
    poller.event = out_of_the_way(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = BREAK_FD};
    if (poller.epoll < 0 || poller.event < 0 ||
        syscall(SYS_epoll_ctl, poller.epoll, EPOLL_CTL_ADD, poller.event, &e) != 0)
        trix_fatal("tricolor: the scheduler needs an epoll and an eventfd descriptor");
    store_release(&trix_closing_hook, trix_poller_closing);
}

/* Whether sitting there is of any use: else a futex is cheaper to sleep on, and to be woken from. */
static bool is_worth_sitting(void) { return load_seq(&poller.ever) || trix_timers_next() != TIME_NEVER; }

bool trix_poller_used(void) { return load_relaxed(&poller.waiting) != 0; }
bool trix_poller_attended(void) { return load_seq(&poller.until) != 0; }

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

static bool is_registered(const struct descriptor *d, int direction) {
    uint32_t r = load_relaxed(&d->registered);
    return r / 4 == poller.instance && r & 1u << direction;
}

static bool anybody(const struct descriptor *d) { return load_relaxed(&d->waiters) != 0; }

static bool control(int operation, int fd, uint32_t directions) {
    struct epoll_event e = {.events = EPOLLET | EPOLLRDHUP, .data.u32 = (uint32_t)fd};
    if (directions & 1u << READING) e.events |= EPOLLIN;
    if (directions & 1u << WRITING) e.events |= EPOLLOUT;
    return syscall(SYS_epoll_ctl, poller.epoll, operation, fd, &e) == 0;
}

/* Lock held: has it registered for what is waited for, and for what it was, and the state it has now told. False: errno. */
static COLD bool enroll(struct descriptor *d, int fd) {
    uint32_t before = load_relaxed(&d->registered), directions = before / 4 == poller.instance ? before % 4 : 0;
    int operation = directions ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!directions) d->told[READING] = d->told[WRITING] = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        if (d->queue[i].first) directions |= 1u << i;
    bool done = control(operation, fd, directions) ||
                (errno == ENOENT && control(EPOLL_CTL_ADD, fd, directions)) ||
                (errno == EEXIST && control(EPOLL_CTL_MOD, fd, directions));
    store_relaxed(&d->registered, done ? 4 * poller.instance + directions : 0);
    return done;
}

static COLD void note_highest(uint32_t fd) {
    uint32_t highest = load_relaxed(&poller.highest);
    while (fd > highest && !cas_seq(&poller.highest, &highest, fd)) {}
}

/* Lock held. */
static int begin_wait(struct descriptor *d, int fd, int direction, bool tried, struct waiter *me) {
    waitq_add(&d->queue[direction], me);
    if (!(tried && is_registered(d, direction)) && !enroll(d, fd)) {
        waitq_remove(&d->queue[direction], me);
        return errno;
    }
    store_relaxed(&d->trusted, 1);
    store_relaxed(&d->waiters, d->waiters + 1);
    fetch_add_seq(&poller.waiting, 1);
    return 0;
}

struct thread *trix_poller_wait(struct thread *t, int fd, bool to_write, bool tried, int *error) {
    struct descriptor *d = descriptor_of(fd);
    *error = EBADF;
    if (!d) return t;
    if (UNLIKELY(load_relaxed(&trix_sched_forked))) t = trix_sched_again(t); /* or it would be registered with the parent's */
    struct waiter me = {.g = sched_self(t)};
    int saved = errno;
    word_lock(&d->lock);
    bool told = tried && d->told[to_write];
    d->told[to_write] = 0;
    *error = told ? 0 : begin_wait(d, fd, to_write, tried, &me);
    word_unlock(&d->lock);
    errno = saved;
    if (told || *error) return t;
    if (UNLIKELY((uint32_t)fd > load_relaxed(&poller.highest))) note_highest((uint32_t)fd);
    if (!load_seq(&poller.trusting)) store_seq(&poller.trusting, 1);
    if (UNLIKELY(!load_seq(&poller.ever))) {
        store_seq(&poller.ever, 1);
        sched_wake_maybe();
    }
    t = trix_park(t, WAIT_IO);
    if (UNLIKELY(!me.done)) *error = EBADF;
    return t;
}

/* Lock held; done: it is ready, as opposed to: it is closed. */
static bool ready_first(struct thread *t, struct descriptor *d, int direction, bool done) {
    struct waiter *w = waitq_take(&d->queue[direction]);
    if (!w) return false;
    store_relaxed(&d->waiters, d->waiters - 1);
    fetch_sub_seq(&poller.waiting, 1);
    w->done = done;
    trix_ready(t, w->g);
    return true;
}

/* Lock held. True: others wait for the same. (Who waits for the other direction is none of them: to have the kernel look again would
 * only have it tell the same again, such as that a socket can be written to while somebody waits to read from it.) */
static bool tell(struct thread *t, struct descriptor *d, int direction, uint32_t events) {
    if (!events) return false;
    if (!ready_first(t, d, direction, true)) d->told[direction] = 1;
    return d->queue[direction].first != NULL;
}

static void deliver(struct thread *t, const struct epoll_event *e) {
    struct descriptor *d = descriptor_of((int)e->data.u32);
    word_lock(&d->lock);
    bool others = tell(t, d, READING, e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    others |= tell(t, d, WRITING, e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR));
    if (others) enroll(d, (int)e->data.u32);
    else if (!anybody(d)) store_relaxed(&d->trusted, 0);
    word_unlock(&d->lock);
}

/* ---- closed ---- */

/* Lock held: whoever waits there is told that it is closed. */
static COLD void send_away(struct thread *t, struct descriptor *d) {
    for (int i = 0; i < DIRECTIONS; i++)
        while (ready_first(t, d, i, false)) {}
    store_relaxed(&d->trusted, 0);
}

static COLD void close_under(struct descriptor *d) {
    if (getpid() != poller.pid) return; /* the child of a vfork, or of a fork: its goroutines are gone */
    struct thread *t = sched_enter();
    word_lock(&d->lock);
    send_away(t, d);
    word_unlock(&d->lock);
    sched_leave(t);
}

COLD unsigned trix_poller_closing(unsigned lo, unsigned hi, unsigned own[OWN_DESCRIPTORS]) {
    unsigned n = 0, first = (unsigned)min_u64((uint64_t)poller.epoll, (uint64_t)poller.event);
    unsigned second = (unsigned)max_u64((uint64_t)poller.epoll, (uint64_t)poller.event);
    for (uint64_t fd = lo; fd <= hi && fd <= load_relaxed(&poller.highest); fd++) {
        struct descriptor *d = known_descriptor((int)fd);
        if (!d) continue;
        store_relaxed(&d->registered, 0);
        if (UNLIKELY(anybody(d))) close_under(d);
    }
    if (first >= lo && first <= hi) own[n++] = first;
    if (second >= lo && second <= hi) own[n++] = second;
    return n;
}

/* Trusted for long enough; by the monitor. EPERM: the number is now that of a file which cannot be waited for. */
static COLD void confirm(struct descriptor *d, int fd) {
    int saved = errno;
    word_lock(&d->lock);
    if (d->trusted == 2) {
        store_relaxed(&d->trusted, 0);
        if (anybody(d) && !enroll(d, fd) && (errno == EBADF || errno == EPERM)) send_away(NULL, d);
    }
    word_unlock(&d->lock);
    errno = saved;
}

/* True: it is to be looked at again. */
static COLD bool look_at(struct descriptor *d, int fd) {
    uint8_t trusted = load_relaxed(&d->trusted);
    if (trusted == 2) confirm(d, fd);
    if (trusted != 1) return false;
    word_lock(&d->lock);
    if (d->trusted) store_relaxed(&d->trusted, 2);
    word_unlock(&d->lock);
    return true;
}

bool trix_poller_trusting(void) { return load_seq(&poller.trusting); }

void trix_poller_confirm(uint64_t now) {
    enum { EVERY_NS = 10 * 1000 * 1000, AT_ONCE = 4096 };
    if (!load_seq(&poller.trusting) || now - poller.looked < EVERY_NS) return;
    poller.looked = now;
    if (poller.look_at == 0) store_seq(&poller.trusting, 0); /* until one is found in this pass */
    uint32_t end = min_u64(load_relaxed(&poller.highest) + 1, poller.look_at + AT_ONCE);
    for (uint32_t fd = poller.look_at; fd < end; fd++) {
        struct descriptor *d = known_descriptor((int)fd);
        if (d && look_at(d, (int)fd)) store_seq(&poller.trusting, 1);
    }
    poller.look_at = end > load_relaxed(&poller.highest) ? 0 : end;
    if (poller.look_at) store_seq(&poller.trusting, 1);
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
    /* That somebody is to get up from the seat is for who sits there: taken away, it would not wake him. */
    for (int i = 0; i < n; i++)
        if (events[i].data.u32 != BREAK_FD) deliver(t, &events[i]);
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
    for (int i = 0; i < poller.nfound; i++) {
        uint64_t count;
        if (poller.found[i].data.u32 == BREAK_FD) syscall(SYS_read, poller.event, &count, sizeof count);
        else deliver(t, &poller.found[i]);
    }
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
