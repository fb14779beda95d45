/* select.c - waiting for several channels at once (after Go's runtime/select.go).
 *
 * All channels are locked, by rising address; the cases are tried in a random order, every one equally likely, so that of
 * several that are ready each has the same chance; if none can go on, the goroutine puts a
 * waiter into the queue of each and parks. Whoever takes one of the waiters out must claim the whole select, by
 * compare-exchange of `claimed`: the first one wins, the others drop the waiter. Woken, it takes its other waiters out.
 */
#include "chan.h"
#include "leaks.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/control.h"

#include <string.h>

enum { FEW_CASES = 8 };

/* First in it is the word that claim() in chan.c exchanges. */
struct select {
    uint32_t claimed; /* 0, or 1 + the index of the case that has been done; seq_cst */
    size_t n;
    tri_case *cases;
    struct waiter *waiter; /* of each case */
    uint32_t *by_address;  /* indexes of the cases with a channel, in order of locking */
    uint32_t *untried;     /* the same, in no order: those tried come first */
    uint32_t nchans;
};

/* ---- order ---- */

static bool locked_before(const struct select *s, uint32_t a, uint32_t b) {
    return (uintptr_t)s->cases[a].chan < (uintptr_t)s->cases[b].chan;
}

/* Insertion for few, heap sort for many. */
static void sort_few(struct select *s) {
    for (uint32_t i = 1; i < s->nchans; i++) {
        uint32_t moved = s->by_address[i], at = i;
        for (; at > 0 && locked_before(s, moved, s->by_address[at - 1]); at--) s->by_address[at] = s->by_address[at - 1];
        s->by_address[at] = moved;
    }
}

static void sort_many(struct select *s) {
    uint32_t *r = s->by_address;
    for (uint32_t size = s->nchans, root = size / 2; size > 1;) {
        uint32_t moved;
        if (root > 0) moved = r[--root];
        else moved = r[--size], r[size] = r[0];
        uint32_t hole = root;
        for (uint32_t child; (child = 2 * hole + 1) < size; hole = child) {
            if (child + 1 < size && locked_before(s, r[child], r[child + 1])) child++;
            if (!locked_before(s, moved, r[child])) break;
            r[hole] = r[child];
        }
        r[hole] = moved;
    }
}

static void find_order(struct select *s) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->cases[i].chan) s->by_address[n] = s->untried[n] = i, n++;
    s->nchans = n;
    if (s->nchans > 2 * FEW_CASES) sort_many(s);
    else sort_few(s);
}

static struct tri_chan *chan_at(const struct select *s, uint32_t place) { return s->cases[s->by_address[place]].chan; }

static void lock_all(const struct select *s) {
    for (uint32_t i = 0; i < s->nchans; i++)
        if (i == 0 || chan_at(s, i) != chan_at(s, i - 1)) word_lock(&chan_at(s, i)->lock);
}

static void unlock_all(const struct select *s) {
    for (uint32_t i = s->nchans; i-- > 0;)
        if (i == 0 || chan_at(s, i) != chan_at(s, i - 1)) word_unlock(&chan_at(s, i)->lock);
}

/* ---- the passes; all locked ---- */

static uint64_t random_seed(void) {
    static uint64_t state = 0x9e3779b97f4a7c15ull;
    uint64_t x = fetch_add_relaxed(&state, 0x9e3779b97f4a7c15ull);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    return (x ^ x >> 27) * 0x94d049bb133111ebull;
}

static uint32_t random_below(uint64_t *random, uint32_t n) {
    uint64_t now = *random >> 32;
    *random = *random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((now * n) >> 32);
}

enum { NONE_READY = -1, SENT_ON_CLOSED = -2 };

/* Tries the cases, each time a random one of those left (Fisher and Yates' shuffle, as far as it is needed); index of the one
 * done. */
static int try_all(struct select *s, struct thread *t, struct g **g) {
    uint32_t n = s->nchans;
    uint64_t random = n > 1 ? random_seed() : 0;
    for (uint32_t tried = 0; tried < n; tried++) {
        uint32_t at = tried + 1 < n ? tried + random_below(&random, n - tried) : tried, index = s->untried[at];
        s->untried[at] = s->untried[tried];
        tri_case *k = &s->cases[index];
        if (k->send && k->chan->closed) return SENT_ON_CLOSED;
        bool done = k->send ? trix_chan_try_send(t, k->chan, k->value, g)
                            : trix_chan_try_recv(t, k->chan, k->value, &k->ok, g);
        if (done) return (int)index;
    }
    return NONE_READY;
}

static void enqueue_all(struct select *s, struct thread *t) {
    struct g *g = sched_self(t);
    for (uint32_t i = 0; i < s->nchans; i++) {
        uint32_t index = s->by_address[i];
        tri_case *k = &s->cases[index];
        s->waiter[index] = (struct waiter){.g = g, .value = k->value, .select = s, .index = index};
        waitq_add(k->send ? &k->chan->senders : &k->chan->receivers, &s->waiter[index]);
        if (!k->send) chan_timer_blocked(t, k->chan, 1);
    }
    sched_waits_on(g, s);
}

bool trix_select_any(const struct select *s, bool (*holds)(const void *chan)) {
    for (uint32_t i = 0; i < s->nchans; i++)
        if (holds(chan_at(s, i))) return true;
    return false;
}

static void dequeue_all(struct select *s, struct thread *t) {
    for (uint32_t i = 0; i < s->nchans; i++) {
        struct waiter *w = &s->waiter[s->by_address[i]];
        tri_case *k = &s->cases[s->by_address[i]];
        if (w->queue) waitq_remove(w->queue, w);
        if (!k->send) chan_timer_blocked(t, k->chan, -1);
    }
}

/* ---- the whole ---- */

static struct thread *wait(struct select *s, struct thread *t, int *result) {
    enqueue_all(s, t);
    unlock_all(s);
    t = trix_park(t, s->nchans ? WAIT_SELECT : WAIT_SELECT_EMPTY);
    lock_all(s);
    dequeue_all(s, t);
    uint32_t index = load_seq(&s->claimed) - 1;
    tri_case *k = &s->cases[index];
    bool done = s->waiter[index].done;
    if (!k->send) k->ok = done;
    if (!k->send && !done && k->value) trix_chan_zero(t, k->chan, k->value);
    unlock_all(s);
    *result = k->send && !done ? SENT_ON_CLOSED : (int)index;
    return t;
}

static int run(struct select *s, bool has_default) {
    struct g *g = NULL;
    int result;
    find_order(s);
    struct thread *t = sched_enter();
    lock_all(s);
    result = try_all(s, t, &g);
    if (result == NONE_READY && !has_default) {
        t = wait(s, t, &result);
    } else {
        unlock_all(s);
        if (g) trix_ready(t, g);
    }
    sched_leave(t);
    if (result == SENT_ON_CLOSED) trix_panic("send on closed channel");
    return result;
}

static NOINLINE int select_few(tri_case *cases, size_t n, bool has_default) {
    struct waiter waiter[FEW_CASES];
    uint32_t order[FEW_CASES], untried[FEW_CASES];
    struct select s = {.n = n, .cases = cases, .waiter = waiter, .by_address = order, .untried = untried};
    return run(&s, has_default);
}

static NOINLINE int select_many(tri_case *cases, size_t n, bool has_default) {
    char *memory = tri_alloc_leaf(n * (sizeof(struct waiter) + 2 * sizeof(uint32_t)));
    uint32_t *order = (uint32_t *)(memory + n * sizeof(struct waiter));
    struct select s = {.n = n, .cases = cases, .waiter = (struct waiter *)memory, .by_address = order, .untried = order + n};
    int result = run(&s, has_default);
    tri_keep_alive(memory);
    return result;
}

EXPORT int tri_select(tri_case *cases, size_t n, bool has_default) {
    if (n > INT32_MAX / 2) trix_misuse("tri_select", "%zu cases are too many", n);
    return n <= FEW_CASES ? select_few(cases, n, has_default) : select_many(cases, n, has_default);
}
