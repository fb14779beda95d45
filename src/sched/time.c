/* time.c - the public timers (after Go 1.23's time.go).
 *
 * A timer's channel is filled on demand: whoever receives or selects looks at the clock first. Only
 * while somebody waits on the channel does the timer stand in the heap of pending timers. So a timer whose channel nobody
 * holds is garbage like any other object, and Stop leaves no stale value behind. All state is under the channel's lock.
 *
 * Timers with a function stand in the heap until they fire, and are kept alive by it.
 */
#include "chan.h"
#include "timers.h"
#include "../gc/barrier.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/go.h"
#include "../../include/tricolor/time.h"

struct tri_timer {
    struct timer timer; /* arg: the struct tri_timer */
    struct tri_chan *chan; /* NULL: with a function */
    void (*fn)(void *);
    void *arg;
    uint64_t when;    /* ns, monotonic; channel's lock */
    uint64_t period;  /* ns, 0: once; channel's lock */
    bool armed;       /* has still to fire; channel's lock */
    uint32_t blocked; /* waiters on the channel; channel's lock */
};
TRI_TYPE(struct tri_timer, timer.arg, chan, arg)

static uint64_t deadline_in(int64_t ns) {
    uint64_t now = trix_os_now();
    return ns <= 0 ? now : now + (uint64_t)ns;
}

/* ---- channels ---- */

/* It is due: its next time, or its end. */
static void advance(struct tri_timer *r, uint64_t now) {
    if (r->period) r->when += r->period * (1 + (now - r->when) / r->period);
    else r->armed = false;
}

/* Sends the time to a waiter or into the buffer, or drops it. Lock held. */
static struct g *deliver(struct thread *t, struct tri_timer *r, uint64_t now) {
    struct g *g = NULL;
    int64_t value = (int64_t)(trix_os_wall() - (now - r->when));
    trix_chan_try_send(t, r->chan, &value, &g);
    advance(r, now);
    return g;
}

void trix_timer_look(struct thread *t, struct tri_chan *c) {
    struct tri_timer *r = c->timer;
    if (!r->armed) return;
    uint64_t now = trix_os_now();
    if (r->when > now || c->receivers.first) return; /* who waits is served when the timer fires */
    deliver(t, r, now);
}

static void fire_chan(struct thread *t, struct timer *timer, uint64_t now) {
    struct tri_timer *r = timer->arg;
    struct g *g = NULL;
    word_lock(&r->chan->lock);
    if (r->armed && r->when <= now) g = deliver(t, r, now);
    if (r->armed && r->blocked) trix_timer_add(t, &r->timer, r->when);
    word_unlock(&r->chan->lock);
    if (g) trix_ready(t, g);
}

void trix_timer_blocked(struct thread *t, struct tri_chan *c, int more) {
    struct tri_timer *r = c->timer;
    r->blocked += (uint32_t)more;
    if (more > 0 && r->blocked == 1 && r->armed) trix_timer_add(t, &r->timer, r->when);
    if (more < 0 && r->blocked == 0) trix_timer_remove(t, &r->timer);
}

/* Sets it anew (armed) or stops it; whether it had still to fire, or had and nobody has seen it. */
static bool set_chan(struct tri_timer *r, bool armed, uint64_t when, uint64_t period) {
    struct thread *t = sched_enter();
    struct tri_chan *c = r->chan;
    word_lock(&c->lock);
    bool pending = r->armed || c->len > 0;
    c->len = c->send_at = c->recv_at = 0;
    r->armed = armed;
    r->when = when;
    r->period = period;
    if (armed && r->blocked) trix_timer_add(t, &r->timer, when);
    else trix_timer_remove(t, &r->timer);
    word_unlock(&c->lock);
    sched_leave(t);
    return pending;
}

static struct tri_timer *chan_timer(uint64_t when, uint64_t period) {
    struct tri_chan *c = trix_chan_new_plain(sizeof(int64_t), 1);
    struct tri_timer *r = tri_new(struct tri_timer);
    r->timer.fire = fire_chan;
    tri_set(r->timer.arg, r);
    tri_set(r->chan, c);
    r->when = when;
    r->period = period;
    r->armed = true;
    tri_set(c->timer, r);
    trix_sched_start();
    return r;
}

EXPORT tri_timer *tri_timer_new(int64_t ns) { return chan_timer(deadline_in(ns), 0); }
EXPORT tri_chan *tri_timer_chan(tri_timer *timer) { return timer->chan; }
EXPORT tri_chan *tri_after(int64_t ns) { return tri_timer_new(ns)->chan; }

EXPORT tri_ticker *tri_ticker_new(int64_t ns) {
    if (ns <= 0) trix_panic("non-positive interval for NewTicker");
    return chan_timer(deadline_in(ns), (uint64_t)ns);
}
EXPORT tri_chan *tri_ticker_chan(tri_ticker *ticker) { return ticker->chan; }
EXPORT void tri_ticker_stop(tri_ticker *ticker) { set_chan(ticker, false, 0, 0); }
EXPORT void tri_ticker_reset(tri_ticker *ticker, int64_t ns) {
    if (ns <= 0) trix_panic("non-positive interval for Ticker.Reset");
    set_chan(ticker, true, deadline_in(ns), (uint64_t)ns);
}

/* ---- functions ---- */

static void fire_func(struct thread *t, struct timer *timer, uint64_t now) {
    struct tri_timer *r = timer->arg;
    (void)now;
    trix_spawn(t, r->fn, r->arg, 0);
}

EXPORT tri_timer *tri_after_func(int64_t ns, void (*fn)(void *), void *arg) {
    if (UNLIKELY(!fn)) trix_fatal("go of nil func value");
    struct tri_timer *r = tri_new(struct tri_timer);
    trix_sched_start();
    r->timer.fire = fire_func;
    tri_set(r->timer.arg, r);
    r->fn = fn;
    tri_set(r->arg, arg);
    struct thread *t = sched_enter();
    trix_timer_add(t, &r->timer, deadline_in(ns));
    sched_leave(t);
    return r;
}

EXPORT bool tri_timer_stop(tri_timer *r) {
    if (r->chan) return set_chan(r, false, 0, 0);
    struct thread *t = sched_enter();
    bool pending = trix_timer_remove(t, &r->timer);
    sched_leave(t);
    return pending;
}

EXPORT bool tri_timer_reset(tri_timer *r, int64_t ns) {
    if (r->chan) return set_chan(r, true, deadline_in(ns), 0);
    struct thread *t = sched_enter();
    bool pending = trix_timer_remove(t, &r->timer);
    trix_timer_add(t, &r->timer, deadline_in(ns));
    sched_leave(t);
    return pending;
}
