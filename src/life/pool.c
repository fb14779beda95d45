/* pool.c - tri_pool, after Go's sync.Pool.
 *
 * Each thread has a shelf, and on it a bin for each pool it uses:
 *
 *   own      a few objects that only the owner touches, with no lock: most gets and puts end here
 *   shared   what overflows, the bin's lock; the owner takes from one end, threads that find nothing steal at the other
 *   victim   what was in the two when a cycle began: looked at last, and dropped when the next one begins
 *
 * A cycle only counts the epoch up. A bin is as old as the cycles since its owner last used it, and read accordingly:
 *
 *   age 0    own and shared are fresh, victim is the victim
 *   age 1    own and shared are the victim; what is in victim is gone
 *   older    all is gone
 *
 * The owner brings its bin up to date when it next uses it; thieves and markers read it as it is. What counts as gone is not
 * marked, so nobody may hand it out.
 *
 * Shelves are never freed: one whose thread has ended can be stolen from, and is the next new thread's.
 *
 *   I1  own, n and epoch are written by the owner, inside or by a restartable sequence; others read them, racily, to mark.
 *   I2  While marking, whatever goes in or out is shaded, since bins may have been marked before: no fast path then.
 *   I3  own holds no NULL below n. What lies above n is marked too, for nothing but one cycle's life.
 */
#include "pool.h"
#include "../heap/metadata.h"
#include "../os/os.h"
#include "../os/races.h"
#include "../sched/told.h"
#include "../../include/tricolor/pool.h"
#include "../../include/tricolor/abi.h"

#include <string.h>

enum {
    MAX_POOLS = 1024,
    OWN = 8,         /* objects in a bin's own part */
    BATCH = OWN / 2, /* go between own and shared at once */
    LEAST_RING = 512
};

/* Objects in a circle; capacity a power of two or 0. */
struct ring {
    uintptr_t *item;
    uint32_t capacity, first, n;
};

struct bin {
    uint32_t epoch; /* relaxed; I1 */
    uint32_t n;     /* I1 */
    uintptr_t own[OWN];
    struct lock lock; /* of the rest, and of bringing it up to date */
    struct ring shared, victim;
};

struct shelf {
    struct shelf *next; /* constant */
    uint32_t owned;     /* some thread's; seq_cst */
    struct bin *bin[MAX_POOLS]; /* by pool; release, owner only */
};

static struct {
    struct shelf *shelves; /* release; grows only */
    uint32_t epoch;        /* cycles begun; written with the world stopped */
    uint32_t ids;          /* pools ever used; seq_cst */
} pools;

/* ---- rings; bin's lock ---- */

static bool ring_grow(struct ring *r) {
    uint32_t capacity = r->capacity ? r->capacity * 2 : LEAST_RING;
    uintptr_t *wider = trix_os_map(capacity * sizeof *wider);
    if (!wider) return false;
    for (uint32_t i = 0; i < r->n; i++) wider[i] = r->item[(r->first + i) & (r->capacity - 1)];
    if (r->item) trix_os_unmap(r->item, r->capacity * sizeof *wider);
    *r = (struct ring){wider, capacity, 0, r->n};
    return true;
}

/* With no memory for a larger ring the object is left to the collector. */
static void ring_push(struct ring *r, uintptr_t object) {
    if (r->n == r->capacity && !ring_grow(r)) return;
    r->item[(r->first + r->n++) & (r->capacity - 1)] = object;
}

static uintptr_t ring_pop_newest(struct ring *r) {
    return r->n ? r->item[(r->first + --r->n) & (r->capacity - 1)] : 0;
}

static uintptr_t ring_pop_oldest(struct ring *r) {
    if (!r->n) return 0;
    uintptr_t object = r->item[r->first];
    r->first = (r->first + 1) & (r->capacity - 1);
    r->n--;
    return object;
}

/* Empties it, and gives its memory back when it was empty before. */
static void ring_clear(struct ring *r) {
    if (!r->n && r->item) {
        trix_os_unmap(r->item, r->capacity * sizeof *r->item);
        *r = (struct ring){0};
    }
    r->n = 0;
}

/* ---- bins ---- */

static uint32_t bin_age(const struct bin *b) { return pools.epoch - load_relaxed(&b->epoch); }

/* The thread sanitizer does not see the lock. */
static void bin_lock(struct bin *b) {
    lock_acquire(&b->lock);
    order_after(b);
}
static void bin_unlock(struct bin *b) {
    order_before(b);
    lock_release(&b->lock);
}

static void bin_shade(struct thread *t, uintptr_t object) {
    if (UNLIKELY(gate_marking())) trix_shade(t, object, 0);
}

/* The owner's, now. */
static NOINLINE void bin_refresh(struct bin *b) {
    uint32_t age = bin_age(b);
    if (age == 0) return;
    bin_lock(b);
    ring_clear(&b->victim);
    if (age == 1) {
        struct ring empty = b->victim;
        b->victim = b->shared;
        b->shared = empty;
        for (uint32_t i = 0; i < b->n; i++) ring_push(&b->victim, b->own[i]);
    } else {
        ring_clear(&b->shared);
    }
    memset(b->own, 0, sizeof b->own);
    b->n = 0;
    store_relaxed(&b->epoch, pools.epoch);
    bin_unlock(b);
}

/* Takes up to a batch from the shared part, all but one into the own part. */
static uintptr_t bin_refill(struct bin *b) {
    bin_lock(b);
    uintptr_t object = ring_pop_newest(&b->shared);
    while (b->n < BATCH - 1 && b->shared.n) b->own[b->n++] = ring_pop_newest(&b->shared);
    bin_unlock(b);
    return object;
}

static void bin_overflow(struct bin *b) {
    bin_lock(b);
    for (int i = 0; i < BATCH; i++) ring_push(&b->shared, b->own[i]);
    bin_unlock(b);
    memmove(b->own, b->own + BATCH, (OWN - BATCH) * sizeof b->own[0]);
    memset(b->own + OWN - BATCH, 0, BATCH * sizeof b->own[0]);
    b->n -= BATCH;
}

/* The oldest object that is not gone, of the fresh ones or of the victims. */
static uintptr_t bin_steal(struct bin *b, bool victims) {
    uint32_t age = bin_age(b);
    if (age > 1 || (age == 1 && !victims)) return 0;
    struct ring *r = victims && age == 0 ? &b->victim : &b->shared;
    if (!load_relaxed(&r->n)) return 0;
    bin_lock(b);
    age = bin_age(b); /* its owner may have refreshed it */
    uintptr_t object = age > 1 ? 0 : ring_pop_oldest(victims && age == 0 ? &b->victim : &b->shared);
    bin_unlock(b);
    return object;
}

/* ---- shelves ---- */

static struct shelf *shelf_make(void) {
    struct shelf *s = trix_metadata_alloc(sizeof *s);
    if (!s) trix_fatal("out of memory");
    s->owned = 1;
    s->next = load_acquire(&pools.shelves);
    while (!cas_seq(&pools.shelves, &s->next, s)) {}
    return s;
}

static struct shelf *shelf_get(void) {
    for (struct shelf *s = load_acquire(&pools.shelves); s; s = s->next) {
        uint32_t nobody = 0;
        if (!cas_seq(&s->owned, &nobody, 1)) continue;
        races_after_all(); /* who has left it */
        return s;
    }
    return shelf_make();
}

void trix_life_thread_gone(struct thread *t) {
    if (t->shelf) store_seq(&t->shelf->owned, 0);
    t->shelf = NULL;
}

/* The pool's number; 0 when there are too many. */
static uint32_t pool_id(tri_pool *pool) {
    uint32_t id = load_acquire(&pool->tri__id);
    if (LIKELY(id)) return id < MAX_POOLS ? id : 0;
    uint32_t fresh = fetch_add_seq(&pools.ids, 1) + 1;
    if (!cas_seq(&pool->tri__id, &id, fresh)) fresh = id;
    return fresh < MAX_POOLS ? fresh : 0;
}

/* The calling thread's bin, up to date; NULL when there are too many pools. */
static NOINLINE struct bin *bin_find(struct thread *t, tri_pool *pool) {
    uint32_t id = pool_id(pool);
    if (!id) return NULL;
    if (!t->shelf) t->shelf = shelf_get();
    struct bin *b = t->shelf->bin[id];
    if (!b) {
        b = trix_metadata_alloc(sizeof *b);
        if (!b) return NULL;
        b->lock.rank = RANK_POOL;
        b->epoch = pools.epoch;
        store_release(&t->shelf->bin[id], b);
    }
    bin_refresh(b);
    return b;
}

/* ---- the fast paths ---- */

/* Restartable sequences (tricolor/abi.h): from the thread's shelf to the count of its bin's own part, whose change is the
 * only effect. NULL or false: the bin is not there, not up to date, empty or full, or a cycle marks. */
#if defined(__x86_64__) && !defined(TRI__NO_INLINE_PATHS)

#define FIND_BIN                                                                                               \
    "771: movq %%fs:(%[self]), %[b]\n\t"                                                                       \
    "testq %[b], %[b]\n\t"                                                                                     \
    "jz %l[slow]\n\t"                                                                                          \
    "movq %c[shelf](%[b]), %[b]\n\t"                                                                           \
    "testq %[b], %[b]\n\t"                                                                                     \
    "jz %l[slow]\n\t"                                                                                          \
    "movq %c[bins](%[b],%[id],8), %[b]\n\t"                                                                    \
    "testq %[b], %[b]\n\t"                                                                                     \
    "jz %l[slow]\n\t"                                                                                          \
    "cmpl $0, %[phase]\n\t"                                                                                    \
    "jne %l[slow]\n\t"                                                                                         \
    "movl %[now], %k[n]\n\t"                                                                                   \
    "cmpl %k[n], %c[epoch](%[b])\n\t"                                                                          \
    "jne %l[slow]\n\t"                                                                                         \
    "movl %c[count](%[b]), %k[n]\n\t"
#define BIN_INPUTS                                                                                             \
    [self] "r"(self), [id] "r"(id), [shelf] "i"(offsetof(struct thread, shelf)),                               \
        [bins] "i"(offsetof(struct shelf, bin)), [epoch] "i"(offsetof(struct bin, epoch)),                     \
        [count] "i"(offsetof(struct bin, n)), [own] "i"(offsetof(struct bin, own)), [phase] "m"(trix_phase),   \
        [now] "m"(pools.epoch)

INLINE uintptr_t self_offset(void) {
    uintptr_t self;
    __asm__("movq trix_self@gottpoff(%%rip), %0" : "=r"(self));
    return self;
}

INLINE void *own_pop(const tri_pool *pool) {
    uintptr_t self = self_offset(), id = load_relaxed(&pool->tri__id), b, n, object;
    if (UNLIKELY(id >= MAX_POOLS)) return NULL; /* 0 has no bin */
    __asm__ volatile goto(FIND_BIN
                 "subl $1, %k[n]\n\t"
                 "jc %l[slow]\n\t"
                 "movq %c[own](%[b],%[n],8), %[object]\n\t"
                 "movl %k[n], %c[count](%[b])\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 : [b] "=&r"(b), [n] "=&r"(n), [object] "=&r"(object)
                 : BIN_INPUTS
                 : "cc", "memory"
                 : slow);
    return (void *)object;
slow:
    return NULL;
}

INLINE bool own_push(const tri_pool *pool, void *object) {
    uintptr_t self = self_offset(), id = load_relaxed(&pool->tri__id), b, n;
    if (UNLIKELY(id >= MAX_POOLS)) return false;
    __asm__ volatile goto(FIND_BIN
                 "cmpl %[most], %k[n]\n\t"
                 "je %l[slow]\n\t"
                 "movq %[object], %c[own](%[b],%[n],8)\n\t" /* above the count: nobody's until that rises */
                 "addl $1, %k[n]\n\t"
                 "movl %k[n], %c[count](%[b])\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 : [b] "=&r"(b), [n] "=&r"(n)
                 : BIN_INPUTS, [object] "r"(object), [most] "i"(OWN)
                 : "cc", "memory"
                 : slow);
    return true;
slow:
    return false;
}

#else

INLINE void *own_pop(const tri_pool *pool) { return (void)pool, NULL; }
INLINE bool own_push(const tri_pool *pool, void *object) { return (void)pool, (void)object, false; }

#endif

/* ---- getting and putting ---- */

static uintptr_t steal(uint32_t id, bool victims) {
    uintptr_t object = 0;
    for (struct shelf *s = load_acquire(&pools.shelves); s && !object; s = s->next) {
        struct bin *b = load_acquire(&s->bin[id]);
        if (b) object = bin_steal(b, victims);
    }
    return object;
}

static NOINLINE uintptr_t get_slow(struct thread *t, tri_pool *pool) {
    struct bin *b = bin_find(t, pool);
    if (!b) return 0;
    if (b->n) return b->own[--b->n];
    uintptr_t object = bin_refill(b);
    if (!object) object = steal(pool_id(pool), false);
    if (!object) object = steal(pool_id(pool), true);
    return object;
}

static NOINLINE void *pool_get_slow(tri_pool *pool) {
    struct thread *t = (struct thread *)gate_enter();
    uintptr_t object = get_slow(t, pool);
    bin_shade(t, object);
    gate_leave(&t->cache.gate);
    if (LIKELY(object)) return (void *)object;
    return pool->new_fn ? pool->new_fn(pool->arg) : NULL;
}

EXPORT void *tri_pool_get(tri_pool *pool) {
    void *object = own_pop(pool);
    return LIKELY(object) ? object : pool_get_slow(pool);
}

static NOINLINE void pool_put_slow(tri_pool *pool, void *object) {
    struct thread *t = (struct thread *)gate_enter();
    struct bin *b = bin_find(t, pool);
    if (b) {
        bin_shade(t, (uintptr_t)object);
        if (b->n == OWN) bin_overflow(b);
        store_relaxed(&b->own[b->n++], (uintptr_t)object);
    }
    gate_leave(&t->cache.gate);
}

EXPORT void tri_pool_put(tri_pool *pool, void *object) {
    if (UNLIKELY(!object || !own_push(pool, object)) && object) pool_put_slow(pool, object);
}

/* ---- the collector ---- */

static void mark_ring(struct marker *m, const struct ring *r) {
    for (uint32_t i = 0; i < r->n; i++) trix_marker_shade(m, r->item[(r->first + i) & (r->capacity - 1)]);
}

static void mark_bin(struct marker *m, struct bin *b) {
    lock_acquire(&b->lock);
    uint32_t age = bin_age(b);
    if (age <= 1) {
        for (int i = 0; i < OWN; i++) trix_marker_shade(m, load_relaxed(&b->own[i]));
        mark_ring(m, &b->shared);
    }
    if (age == 0) mark_ring(m, &b->victim);
    lock_release(&b->lock);
}

void trix_pools_mark(struct marker *m) {
    uint32_t ids = (uint32_t)min_u64(load_seq(&pools.ids) + 1, MAX_POOLS);
    for (struct shelf *s = load_acquire(&pools.shelves); s; s = s->next)
        for (uint32_t id = 1; id < ids; id++) {
            struct bin *b = load_acquire(&s->bin[id]);
            if (b) mark_bin(m, b);
        }
}

void trix_pools_age(void) { pools.epoch++; }
