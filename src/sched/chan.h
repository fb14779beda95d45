/* chan.h - what chan.c, select.c and time.c share of channels. */
#ifndef TRIX_CHAN_H
#define TRIX_CHAN_H

#include "sched.h"
#include "wait.h"
#include "../../include/tricolor/chan.h"

/* In the collected heap; under `lock` but for what is constant. The waiters are on stacks. */
struct tri_chan {
    struct lock lock;
    uint32_t elem; /* bytes of a value; constant */
    bool leaf;     /* values hold no pointers; constant */
    bool closed;
    size_t cap; /* constant */
    size_t len;
    size_t send_at, recv_at; /* in the buffer */
    struct waitq receivers, senders;
    char *buffer;            /* cap * elem bytes; constant */
    struct tri_timer *timer; /* of time.c, or NULL; constant */
};

/* One value between stack, heap and buffer. With the barrier, also for memory that is no heap: another goroutine's stack may
 * have been scanned already. Inside. */
void trix_chan_copy_slow(struct thread *t, void *to, const void *from, size_t bytes, bool leaf);
INLINE void chan_copy(struct thread *t, const struct tri_chan *c, void *to, const void *from) {
    if (LIKELY(c->elem == 8 && (c->leaf || !gate_marking()) && (((uintptr_t)to | (uintptr_t)from) & 7) == 0))
        store_relaxed((tri__word *)to, load_relaxed((const tri__word *)from));
    else trix_chan_copy_slow(t, to, from, c->elem, c->leaf);
}

void trix_chan_zero(struct thread *t, const struct tri_chan *c, void *at);

/* The first waiter that nobody else has readied; lock held. */
struct waiter *trix_waiter_take(struct waitq *q);

/* Without waiting, lock held; false: not now. Whoever is to be readied afterwards is *g, or NULL. */
bool trix_chan_try_send(struct thread *t, struct tri_chan *c, const void *value, struct g **g);
/* *ok: a value was received, as opposed to: it is closed. */
bool trix_chan_try_recv(struct thread *t, struct tri_chan *c, void *value, bool *ok, struct g **g);

/* A channel of values without pointers but whose `timer` field is looked at; outside. */
struct tri_chan *trix_chan_new_plain(size_t elem, size_t cap);

/* ---- channels of timers (time.c); lock held ---- */
void trix_timer_look(struct thread *t, struct tri_chan *c);              /* puts a value in when it is due */
void trix_timer_blocked(struct thread *t, struct tri_chan *c, int more); /* one waiter more (1) or less (-1) */

INLINE void chan_timer_look(struct thread *t, struct tri_chan *c) {
    if (UNLIKELY(c->timer != NULL)) trix_timer_look(t, c);
}
INLINE void chan_timer_blocked(struct thread *t, struct tri_chan *c, int more) {
    if (UNLIKELY(c->timer != NULL)) trix_timer_blocked(t, c, more);
}

/* Ends the program, or unwinds to whoever recovers, in Go's words; outside, no locks. */
NORETURN void trix_panic(const char *words);

#endif
