/* chan.c - channels (Hoare's, by way of Go's runtime/chan.go).
 *
 * A value goes straight from the sender's memory to a receiver that waits, or into the buffer, or the sender waits with it.
 * Invariants, lock held: a receiver waits only when the buffer is empty, a sender only when it is full; so at least one
 * of the two queues is empty, but for a goroutine that selects both on one unbuffered channel.
 *
 * Values that hold pointers pass from stack to stack, where stores have no barrier, though the receiver's stack may have
 * been scanned and the sender may forget the value at once: so what is copied is shaded while marking.
 */
#include "chan.h"
#include "../gc/barrier.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"

#include <string.h>

TRI_TYPE(struct tri_chan, buffer, timer)

enum { HEAD_BYTES = (sizeof(struct tri_chan) + 15) & ~15 };

EXPORT tri_chan *tri__chan_new(const tri_type *type, size_t cap) {
    bool leaf = (type->kind & TRI__KIND_WHAT) == TRI__KIND_LEAF;
    size_t bytes;
    if (__builtin_mul_overflow(type->size, cap, &bytes) || bytes > SIZE_MAX / 4) trix_panic("makechan: size out of range");
    struct tri_chan *c;
    if (leaf) {
        c = tri_alloc_leaf(HEAD_BYTES + bytes);
        c->buffer = (char *)c + HEAD_BYTES;
    } else {
        char *buffer = cap ? tri__alloc_array(type, cap) : NULL;
        c = tri_new(struct tri_chan);
        tri_set(c->buffer, buffer);
    }
    c->elem = (uint32_t)type->size;
    c->leaf = leaf;
    c->cap = cap;
    return c;
}

struct tri_chan *trix_chan_new_plain(size_t elem, size_t cap) {
    char *buffer = tri_alloc_leaf(elem * cap);
    struct tri_chan *c = tri_new(struct tri_chan);
    tri_set(c->buffer, buffer);
    c->elem = (uint32_t)elem;
    c->leaf = true;
    c->cap = cap;
    return c;
}

/* ---- copying ---- */

/* On its way to a stack a pointer to the end of a typed object counts, as it does on one. */
static uint64_t shade_flags(const void *to) { return map_contains((uintptr_t)to) ? 0 : RAW_ROOT; }

void trix_chan_copy_slow(struct thread *t, void *to, const void *from, size_t bytes, bool leaf) {
    if (!leaf && gate_marking()) {
        trix_shade_range(t, to, bytes, shade_flags(to));
        trix_shade_range(t, from, bytes, shade_flags(to));
    }
    if (leaf || ((uintptr_t)to | (uintptr_t)from | bytes) & 7) {
        memmove(to, from, bytes);
        return;
    }
    tri__word *a = to;
    const tri__word *b = from;
    for (size_t i = 0; i < bytes / 8; i++) store_relaxed(&a[i], load_relaxed(&b[i])); /* never half a pointer */
}

void trix_chan_zero(struct thread *t, const struct tri_chan *c, void *at) {
    if (!c->leaf && gate_marking()) trix_shade_range(t, at, c->elem, shade_flags(at));
    memset(at, 0, c->elem);
}

static void put(struct thread *t, struct tri_chan *c, const void *value) {
    chan_copy(t, c, c->buffer + c->send_at * c->elem, value);
    if (++c->send_at == c->cap) c->send_at = 0;
    c->len++;
}

static void get(struct thread *t, struct tri_chan *c, void *value) {
    char *at = c->buffer + c->recv_at * c->elem;
    if (value) chan_copy(t, c, value, at);
    if (!c->leaf) trix_chan_zero(t, c, at);
    if (++c->recv_at == c->cap) c->recv_at = 0;
    c->len--;
}

/* ---- waiters ---- */

/* A goroutine that selects is in several queues: the first to claim it wins. */
static bool claim(struct waiter *w) {
    uint32_t nobody = 0;
    return !w->select || cas_seq((uint32_t *)w->select, &nobody, w->index + 1);
}

struct waiter *trix_waiter_take(struct waitq *q) {
    struct waiter *w;
    while ((w = waitq_take(q)) && !claim(w)) {}
    return w;
}

bool trix_chan_try_send(struct thread *t, struct tri_chan *c, const void *value, struct g **g) {
    struct waiter *w = c->receivers.first ? trix_waiter_take(&c->receivers) : NULL;
    if (w) {
        if (w->value) chan_copy(t, c, w->value, value);
        w->done = true;
        *g = w->g;
        return true;
    }
    if (c->len == c->cap) return false;
    put(t, c, value);
    return true;
}

bool trix_chan_try_recv(struct thread *t, struct tri_chan *c, void *value, bool *ok, struct g **g) {
    chan_timer_look(t, c);
    *ok = true;
    if (c->len) {
        get(t, c, value);
        struct waiter *w = c->senders.first ? trix_waiter_take(&c->senders) : NULL;
        if (!w) return true;
        put(t, c, w->value);
        w->done = true;
        *g = w->g;
        return true;
    }
    struct waiter *w = c->senders.first ? trix_waiter_take(&c->senders) : NULL;
    if (w) {
        if (value) chan_copy(t, c, value, w->value);
        w->done = true;
        *g = w->g;
        return true;
    }
    if (!c->closed) return false;
    if (value) trix_chan_zero(t, c, value);
    *ok = false;
    return true;
}

/* ---- the calls ---- */

static NOINLINE void block_for_ever(enum g_wait why) {
    for (;;) {
        struct thread *t = sched_enter();
        sched_waits_on(sched_self(t), &why); /* something */
        sched_leave(trix_park(t, why));
    }
}

static NOINLINE void send_waiting(struct thread *t, struct tri_chan *c, const void *value) {
    struct waiter me = {.g = sched_self(t), .value = (void *)(uintptr_t)value};
    waitq_add(&c->senders, &me);
    sched_waits_on(me.g, c);
    word_unlock(&c->lock);
    t = trix_park(t, WAIT_SEND);
    sched_leave(t);
    if (!me.done) trix_panic("send on closed channel");
}

EXPORT void tri_send(tri_chan *c, const void *value) {
    struct g *g = NULL;
    if (UNLIKELY(!c)) block_for_ever(WAIT_SEND_NIL);
    struct thread *t = sched_enter();
    word_lock(&c->lock);
    if (UNLIKELY(c->closed)) {
        word_unlock(&c->lock);
        sched_leave(t);
        trix_panic("send on closed channel");
    }
    if (UNLIKELY(!trix_chan_try_send(t, c, value, &g))) {
        send_waiting(t, c, value);
        return;
    }
    word_unlock(&c->lock);
    if (g) trix_ready(t, g);
    sched_leave(t);
}

static NOINLINE bool recv_waiting(struct thread *t, struct tri_chan *c, void *value) {
    struct waiter me = {.g = sched_self(t), .value = value};
    waitq_add(&c->receivers, &me);
    chan_timer_blocked(t, c, 1);
    sched_waits_on(me.g, c);
    word_unlock(&c->lock);
    t = trix_park(t, WAIT_RECV);
    if (UNLIKELY(c->timer != NULL)) {
        word_lock(&c->lock);
        chan_timer_blocked(t, c, -1);
        word_unlock(&c->lock);
    }
    if (!me.done && value) trix_chan_zero(t, c, value);
    sched_leave(t);
    return me.done;
}

EXPORT bool tri_recv(tri_chan *c, void *value) {
    struct g *g = NULL;
    bool ok;
    if (UNLIKELY(!c)) block_for_ever(WAIT_RECV_NIL);
    struct thread *t = sched_enter();
    word_lock(&c->lock);
    if (UNLIKELY(!trix_chan_try_recv(t, c, value, &ok, &g))) return recv_waiting(t, c, value);
    word_unlock(&c->lock);
    if (g) trix_ready(t, g);
    sched_leave(t);
    return ok;
}

/* Takes all waiters, linked by g->next. */
static struct g *take_all(struct waitq *q, struct g *list) {
    for (struct waiter *w; (w = trix_waiter_take(q));) {
        w->done = false;
        w->g->next = list;
        list = w->g;
    }
    return list;
}

EXPORT void tri_close(tri_chan *c) {
    if (!c) trix_panic("close of nil channel");
    struct thread *t = sched_enter();
    word_lock(&c->lock);
    if (c->closed) {
        word_unlock(&c->lock);
        sched_leave(t);
        trix_panic("close of closed channel");
    }
    c->closed = true;
    struct g *list = take_all(&c->receivers, take_all(&c->senders, NULL));
    word_unlock(&c->lock);
    for (struct g *next; list; list = next) {
        next = list->next;
        trix_ready(t, list);
    }
    sched_leave(t);
}

/* A timer's channel has no buffer for who looks, as in Go: its one value is put in when it is received. */
EXPORT size_t tri_chan_len(tri_chan *c) {
    if (!c || c->timer) return 0;
    struct thread *t = sched_enter();
    word_lock(&c->lock);
    size_t n = c->len;
    word_unlock(&c->lock);
    sched_leave(t);
    return n;
}

EXPORT size_t tri_chan_cap(tri_chan *c) { return c && !c->timer ? c->cap : 0; }
