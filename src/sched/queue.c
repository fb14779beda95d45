/* queue.c - run queues: a ring for each processor, from which others steal, and one global list (after Go's
 * runqput, runqget and runqgrab).
 *
 * The ring has one producer, its owner, and many consumers: they move `head` on by compare-exchange; what lies between
 * head and tail was written before tail was. `runnext` is a slot of its own: what was readied last runs next, while its
 * data are in the cache; a chain of hand-offs does not pass the ring.
 */
#include "sched.h"

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
    for (uint32_t i = 0; i + 1 < n; i++) batch[i]->next = batch[i + 1];
    trix_global_push(batch[0], batch[n - 1], n);
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

/* ---- the global queue ---- */

void trix_global_push(struct g *first, struct g *last, uint32_t n) {
    struct sched *s = &trix_sched;
    last->next = NULL;
    lock_acquire(&s->lock);
    if (s->last) s->last->next = first;
    else s->first = first;
    s->last = last;
    store_seq(&s->queued, s->queued + n);
    lock_release(&s->lock);
}

struct g *trix_global_pop(struct proc *p) {
    struct sched *s = &trix_sched;
    if (!load_relaxed(&s->queued)) return NULL;
    lock_acquire(&s->lock);
    struct g *g = s->first;
    uint32_t n = s->queued / (s->nprocs ? s->nprocs : 1) + 1, most = p ? (RING - queue_length(p)) / 2 : 0;
    if (n > most) n = most;
    uint32_t taken = 0;
    struct g *rest = g ? g->next : NULL;
    if (g) taken = 1;
    while (rest && taken < n) {
        struct g *next = rest->next;
        store_relaxed(&p->ring[p->tail % RING], rest);
        store_release(&p->tail, p->tail + 1);
        rest = next;
        taken++;
    }
    s->first = rest;
    if (!rest) s->last = NULL;
    store_seq(&s->queued, s->queued - taken);
    lock_release(&s->lock);
    return g;
}
