/* queue.c - run queues: a ring for each processor, from which others steal, and one global list (after Go's
 * runqput, runqget and runqgrab).
 *
 * The ring has one producer, its owner, and many consumers: they move `head` on by compare-exchange; what lies between
 * head and tail was written before tail was. `runnext` is a slot of its own: what was readied last runs next, while its
 * data are in the cache; a chain of hand-offs does not pass the ring.
 */
#include "sched.h"
#include "../os/os.h"

enum { AHEAD = 2 }; /* descriptors are fetched into the cache before their turn */

bool trix_queue_empty(const struct proc *p) {
    return load_seq(&p->head) == load_seq(&p->tail) && !load_seq(&p->runnext);
}

/* The ring is full: half of it and g go to the global queue. */
static bool spill(struct proc *p, struct g *g, uint32_t head) {
    struct g *batch[RING / 2 + 1];
    uint32_t n = RING / 2;
    for (uint32_t i = 0; i < n; i++) batch[i] = load_relaxed(&p->ring[(head + i) % RING]);
    if (!cas_seq(&p->head, &head, head + n)) return false;
    batch[n++] = g;
    trix_global_push(batch, n);
    return true;
}

bool trix_queue_push(struct proc *p, struct g *g) {
    for (;;) {
        uint32_t head = load_acquire(&p->head), tail = p->tail;
        if (LIKELY(tail - head < RING)) {
            store_relaxed(&p->ring[tail % RING], g);
            store_release(&p->tail, tail + 1);
            return true;
        }
        if (spill(p, g, head)) return false;
    }
}

struct g *trix_queue_push_next(struct proc *p, struct g *g) { return swap_seq(&p->runnext, g); }

struct g *trix_queue_pop_next(struct proc *p) {
    struct g *g = load_relaxed(&p->runnext);
    return g && cas_acquire(&p->runnext, &g, NULL) ? g : NULL;
}

struct g *trix_queue_pop(struct proc *p) {
    for (;;) {
        uint32_t head = load_acquire(&p->head);
        if (head == p->tail) return NULL;
        struct g *g = load_relaxed(&p->ring[head % RING]);
        if (p->tail - head > AHEAD) __builtin_prefetch(load_relaxed(&p->ring[(head + AHEAD) % RING]), 1);
        if (cas_acquire(&p->head, &head, head + 1)) return g;
    }
}

/* Moves half of the victim's ring behind the thief's tail without publishing it; returns how many. */
static uint32_t grab(struct proc *thief, struct proc *victim, bool next_too) {
    for (;;) {
        uint32_t head = load_acquire(&victim->head), tail = load_acquire(&victim->tail), n = tail - head;
        n -= n / 2;
        if (n == 0) {
            struct g *g = next_too ? load_relaxed(&victim->runnext) : NULL;
            if (!g || !cas_acquire(&victim->runnext, &g, NULL)) return 0;
            store_relaxed(&thief->ring[thief->tail % RING], g);
            return 1;
        }
        DEBUG_CHECK(n <= RING / 2 || load_acquire(&victim->head) != head || load_acquire(&victim->tail) != tail,
                    "a ring holds more than it can");
        if (n > RING / 2) continue; /* head and tail were not of one moment */
        for (uint32_t i = 0; i < n; i++)
            store_relaxed(&thief->ring[(thief->tail + i) % RING], load_relaxed(&victim->ring[(head + i) % RING]));
        if (cas_seq(&victim->head, &head, head + n)) return n;
    }
}

struct g *trix_queue_steal(struct proc *thief, struct proc *victim, bool next_too) {
    uint32_t n = grab(thief, victim, next_too);
    if (n == 0) return NULL;
    struct g *g = load_relaxed(&thief->ring[(thief->tail + n - 1) % RING]);
    if (n > 1) store_release(&thief->tail, thief->tail + n - 1);
    return g;
}

/* ---- the global queue ----
 *
 * An array, so that goroutines pass it without being touched: with many of them each would be a miss of the cache, and the next
 * one is not known before. */

enum { GLOBAL_LEAST = 1024 };

/* Twice as long; lock held. */
static bool ring_grow(struct sched *s) {
    uint32_t size = s->ring_size ? 2 * s->ring_size : GLOBAL_LEAST;
    struct g **fresh = size ? trix_os_map(size * sizeof *fresh) : NULL;
    if (!fresh) return false;
    for (uint32_t i = 0; i < s->in_ring; i++) fresh[i] = s->ring[(s->ring_at + i) % s->ring_size];
    if (s->ring) trix_os_unmap(s->ring, s->ring_size * sizeof *fresh);
    s->ring = fresh;
    s->ring_size = size;
    s->ring_at = 0;
    return true;
}

static void push_one(struct sched *s, struct g *g) {
    if (LIKELY(!s->first && (s->in_ring < s->ring_size || ring_grow(s)))) {
        s->ring[(s->ring_at + s->in_ring++) % s->ring_size] = g;
        return;
    }
    g->next = NULL;
    if (s->last) s->last->next = g;
    else s->first = g;
    s->last = g;
}

static struct g *pop_one(struct sched *s) {
    struct g *g = s->first;
    if (LIKELY(s->in_ring)) {
        g = s->ring[s->ring_at];
        s->ring_at = (s->ring_at + 1) % s->ring_size;
        s->in_ring--;
    } else if (g) {
        s->first = g->next;
        if (!s->first) s->last = NULL;
    }
    return g;
}

void trix_global_push(struct g *const *g, uint32_t n) {
    struct sched *s = &trix_sched;
    lock_acquire(&s->lock);
    for (uint32_t i = 0; i < n; i++) push_one(s, g[i]);
    store_seq(&s->queued, s->queued + n);
    lock_release(&s->lock);
}

struct g *trix_global_pop(struct proc *p) {
    struct sched *s = &trix_sched;
    if (!load_relaxed(&s->queued)) return NULL;
    lock_acquire(&s->lock);
    uint32_t n = s->queued / (s->nprocs ? s->nprocs : 1) + 1, most = p ? (RING - queue_length(p)) / 2 : 0;
    if (n > most) n = most;
    struct g *g = pop_one(s), *more;
    uint32_t taken = g != NULL;
    while (taken < n && (more = pop_one(s))) {
        store_relaxed(&p->ring[p->tail % RING], more);
        store_release(&p->tail, p->tail + 1);
        taken++;
    }
    store_seq(&s->queued, s->queued - taken);
    lock_release(&s->lock);
    return g;
}
