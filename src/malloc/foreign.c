/* foreign.c - see foreign.h.
 *
 * A reservation of its own, cut into slabs of 64 KiB. A slab holds slots of one size class (Go's, up to 16 KiB), or
 * belongs to a big block, which is a run of slabs. Tables lie apart: struct slab, with the bitmap of used slots.
 *
 *   I1  A slab's `kind` is stored last when it comes into use, and first when it goes; `used` and the big block's size
 *       are right whenever kind says they hold something. All else (lists, counts) can be made again from these, and
 *       is, in the child of a fork, where a thread that is no more may have been in the middle of changing it.
 *   I2  Whoever holds one of these locks is counted as inside if its thread is attached, so no stopped thread holds one;
 *       but the gate is never waited for: libc calls malloc with locks of its own held, for which a fork waits.
 *
 * The collector reads kinds and bitmaps with no lock: a block that comes or goes meanwhile holds nothing yet, or nothing
 * any more.
 *
 * Not done: caches by thread (a block costs a few uncontended locked instructions), and giving a slab of small slots back
 * when all are free (it waits for blocks of its class).
 */
#include "foreign.h"
#include "guard.h"
#include "../base/lock.h"
#include "../gc/mark.h"
#include "../gc/roots.h"
#include "../gc/thread.h"
#include "../heap/gate.h"
#include "../heap/size_class.h"
#include "../os/os.h"

#include <string.h>

enum {
    SLAB_SHIFT = 16,
    SLAB = 1 << SLAB_SHIFT,
    SLAB_SLOTS = SLAB / 16,
    LARGEST_SLOT = 16 << 10,
    COMMIT = 4 << 20,          /* the reservation is made ready in steps of this */
    BASE_ALIGN = 1 << 30,      /* no block is aligned to more */
    RELEASE_BYTES = 256 << 10, /* a free block from here on gives its memory back */
};
#define RESERVE (128ull << 30)

enum slab_kind { SLAB_FREE, SLAB_SMALL, SLAB_BIG, SLAB_TAIL };

struct slab {
    uint8_t kind;   /* enum slab_kind; release */
    uint8_t class;  /* SMALL: of size_class.h; constant while it is */
    bool listed;    /* SMALL: in its class's list; its lock */
    bool dirty;     /* may hold old contents: does not read zero. Space lock, or its owner */
    uint16_t nfree; /* SMALL: class's lock */
    uint16_t hint;  /* SMALL: no word of `used` before this one has a free slot; class's lock */
    uint32_t next;  /* SMALL: in the list, plus 1; class's lock */
    uint64_t bytes; /* BIG: the program's size; relaxed */
    uint32_t count; /* BIG: slabs */
    uint64_t used[SLAB_SLOTS / 64]; /* SMALL: class's lock to write */
};

struct foreign_range trix_foreign_range;

static struct {
    struct lock lock;
    struct slab *slabs;  /* by number; constant once made */
    uint32_t most;       /* slabs in the reservation; constant once made */
    uint32_t frontier;   /* slabs ever used; rises only: written under lock, read with acquire */
    uint32_t lowest;     /* no slab below is free; lock */
    uint64_t committed;  /* bytes; lock */
    uint64_t live;       /* bytes of slots and big blocks in use; relaxed */
} space = {.lock = LOCK_INIT(FOREIGN_SPACE)};

static struct {
    struct lock lock;
    uint32_t first; /* slab with free slots, plus 1; lock */
} classes[NUM_CLASSES] = {[0 ... NUM_CLASSES - 1] = {.lock = LOCK_INIT(FOREIGN)}};

/* ---- I2 ---- */

static struct gate *no_stops(void) {
    struct gate *g = trix_self;
    if (g) g->inside++;
    signal_fence();
    return g;
}

static void stops(struct gate *g) {
    if (g) gate_leave(g);
}

/* ---- the reservation ---- */

static uintptr_t slab_address(uint32_t slab) { return trix_foreign_range.base + ((uint64_t)slab << SLAB_SHIFT); }
static uint32_t slab_of(const void *p) { return (uint32_t)(((uintptr_t)p - trix_foreign_range.base) >> SLAB_SHIFT); }

/* Lock held. */
static bool space_make(void) {
    for (uint64_t bytes = RESERVE; bytes >= COMMIT; bytes /= 2) {
        void *tables = trix_os_map((bytes >> SLAB_SHIFT) * sizeof(struct slab));
        void *base = tables ? trix_os_reserve(bytes, BASE_ALIGN) : NULL;
        if (!base) {
            if (tables) trix_os_unmap(tables, (bytes >> SLAB_SHIFT) * sizeof(struct slab));
            continue;
        }
        trix_os_name(tables, (bytes >> SLAB_SHIFT) * sizeof(struct slab), "tricolor: foreign tables");
        space.slabs = tables;
        space.most = (uint32_t)(bytes >> SLAB_SHIFT);
        store_relaxed(&trix_foreign_range.base, (uintptr_t)base);
        store_release(&trix_foreign_range.bytes, bytes);
        trix_os_not_leaked(base, bytes);
        return true;
    }
    return false;
}

/* Makes the slabs below `end` ready. Lock held. */
static bool space_commit(uint32_t end) {
    uint64_t bytes = round_up((uint64_t)end << SLAB_SHIFT, COMMIT);
    if (bytes <= space.committed) return true;
    void *at = (char *)trix_foreign_range.base + space.committed;
    if (end > space.most || !trix_os_commit(at, bytes - space.committed)) return false;
    trix_os_name(at, bytes - space.committed, "tricolor: foreign malloc");
    store_relaxed(&space.committed, bytes);
    return true;
}

/* A stretch of `count` free slabs beginning at a multiple of `align`, first fit; UINT32_MAX: no memory. Lock held. */
static uint32_t space_find(uint32_t count, uint32_t align) {
    uint32_t at = (uint32_t)round_up(space.lowest, align), end = at;
    while (end < space.frontier && end - at < count) {
        if (space.slabs[end].kind == SLAB_FREE) end++;
        else at = end = (uint32_t)round_up(end + 1, align);
    }
    if (count > space.most || at > space.most - count || !space_commit(at + count)) return UINT32_MAX;
    return at;
}

/* Takes slabs; `kind` of the first is left to the caller. */
static uint32_t space_take(uint32_t count, uint32_t align) {
    lock_acquire(&space.lock);
    uint32_t at = space.slabs || space_make() ? space_find(count, align) : UINT32_MAX;
    if (at != UINT32_MAX) {
        for (uint32_t i = 1; i < count; i++) store_release(&space.slabs[at + i].kind, SLAB_TAIL);
        store_relaxed(&space.slabs[at].kind, SLAB_TAIL); /* nobody else's */
        if (at == space.lowest) space.lowest = at + count;
        if (at + count > space.frontier) store_release(&space.frontier, at + count);
    }
    lock_release(&space.lock);
    return at;
}

/* Gives slabs back whose first is a TAIL by now. */
static void space_give(uint32_t at, uint32_t count) {
    bool clean = ((uint64_t)count << SLAB_SHIFT) >= RELEASE_BYTES &&
                 trix_os_release((void *)slab_address(at), (uint64_t)count << SLAB_SHIFT);
    lock_acquire(&space.lock);
    for (uint32_t i = at; i < at + count; i++) {
        space.slabs[i].dirty = !clean;
        store_release(&space.slabs[i].kind, SLAB_FREE);
    }
    if (at < space.lowest) space.lowest = at;
    lock_release(&space.lock);
}

/* ---- big blocks ---- */

static void *big_alloc(size_t bytes, size_t align, bool zeroed) {
    if (bytes > RESERVE || align > BASE_ALIGN) return NULL;
    uint32_t count = (uint32_t)((bytes + SLAB - 1) >> SLAB_SHIFT);
    uint32_t at = space_take(count, align > SLAB ? (uint32_t)(align >> SLAB_SHIFT) : 1);
    if (at == UINT32_MAX) return NULL;
    struct slab *s = &space.slabs[at];
    for (uint32_t i = 0; i < count; i++) {
        if (zeroed && s[i].dirty) memset((void *)slab_address(at + i), 0, SLAB);
        s[i].dirty = true;
    }
    s->count = count;
    store_relaxed(&s->bytes, bytes);
    store_release(&s->kind, SLAB_BIG);
    fetch_add_relaxed(&space.live, (uint64_t)count << SLAB_SHIFT);
    return (void *)slab_address(at);
}

static void big_free(uint32_t at) {
    uint8_t big = SLAB_BIG;
    if (!cas_seq(&space.slabs[at].kind, &big, SLAB_TAIL)) return; /* another thread frees it, too */
    uint32_t count = space.slabs[at].count;
    fetch_sub_relaxed(&space.live, (uint64_t)count << SLAB_SHIFT);
    space_give(at, count);
}

/* ---- slots ---- */

static unsigned slots_of(unsigned class) { return SLAB / trix_class_size[class]; }

/* Class's lock held. */
static void list_push(unsigned class, uint32_t slab) {
    struct slab *s = &space.slabs[slab];
    s->listed = true;
    s->next = classes[class].first;
    classes[class].first = slab + 1;
}

static bool class_grow(unsigned class) {
    uint32_t at = space_take(1, 1);
    if (at == UINT32_MAX) return false;
    struct slab *s = &space.slabs[at];
    memset(s->used, 0, sizeof s->used);
    s->class = (uint8_t)class;
    s->nfree = (uint16_t)slots_of(class);
    s->hint = 0;
    s->dirty = true;
    list_push(class, at);
    store_release(&s->kind, SLAB_SMALL);
    return true;
}

/* A free slot of a listed slab. Class's lock held. */
static void *slot_take(unsigned class, uint32_t slab) {
    struct slab *s = &space.slabs[slab];
    unsigned w = s->hint;
    while (s->used[w] == ~0ull) w++;
    unsigned slot = w * 64 + bits_lowest(~s->used[w]);
    DEBUG_CHECK(slot < slots_of(class), "a listed slab has no free slot");
    store_relaxed(&s->used[w], s->used[w] | 1ull << (slot & 63));
    s->hint = (uint16_t)w;
    if (--s->nfree == 0) {
        s->listed = false;
        classes[class].first = s->next;
    }
    return (void *)(slab_address(slab) + (uint64_t)slot * trix_class_size[class]);
}

static void *slot_alloc(unsigned class) {
    void *p = NULL;
    lock_acquire(&classes[class].lock);
    if (classes[class].first || class_grow(class)) p = slot_take(class, classes[class].first - 1);
    lock_release(&classes[class].lock);
    if (p) fetch_add_relaxed(&space.live, trix_class_size[class]);
    return p;
}

/* Whether a block begins there: its slot in *slot. */
static bool slot_find(const struct slab *s, const void *p, unsigned *slot) {
    uint64_t offset = (uintptr_t)p & (SLAB - 1);
    uint32_t size = trix_class_size[s->class];
    *slot = (unsigned)(offset / size);
    return offset % size == 0 && *slot < slots_of(s->class) && bits_test(s->used, *slot);
}

static void slot_free(uint32_t slab, void *p) {
    struct slab *s = &space.slabs[slab];
    unsigned class = s->class, slot;
    lock_acquire(&classes[class].lock);
    bool found = load_relaxed(&s->kind) == SLAB_SMALL && s->class == class && slot_find(s, p, &slot);
    if (found) {
        store_relaxed(&s->used[slot / 64], s->used[slot / 64] & ~(1ull << (slot & 63)));
        if (slot / 64 < s->hint) s->hint = (uint16_t)(slot / 64);
        s->nfree++;
        if (!s->listed) list_push(class, slab);
    }
    lock_release(&classes[class].lock);
    if (found) fetch_sub_relaxed(&space.live, trix_class_size[class]);
}

/* ---- the calls ---- */

/* The class for a block; 0: it is a big one. */
static unsigned class_for(size_t bytes, size_t align) {
    if (bytes > LARGEST_SLOT || align > LARGEST_SLOT) return 0;
    size_t want = max_u64(bytes, 16);
    unsigned class = trix_class_of(want);
    size_t multiple = max_u64(align, 16);
    while (trix_class_size[class] % multiple) class++; /* ends at a power of two, LARGEST_SLOT at the latest */
    return class;
}

static void *alloc(size_t bytes, size_t align, bool zeroed) {
    struct gate *g = no_stops();
    if (!bytes) bytes = 1; /* a block all the same, also where it takes slabs for its alignment */
    unsigned class = class_for(bytes, align);
    void *p = class ? slot_alloc(class) : big_alloc(bytes, align, zeroed);
    if (p && class && zeroed) memset(p, 0, bytes);
    stops(g);
    return p;
}

void *trix_foreign_alloc(size_t bytes, size_t align) { return alloc(bytes, align, false); }
void *trix_foreign_alloc_zeroed(size_t bytes) { return alloc(bytes, 16, true); }

/* The kind of the slab that p lies in; FREE for what lies in none. */
static uint8_t kind_at(const void *p, uint32_t *slab) {
    if (!foreign_contains(p)) return SLAB_FREE;
    *slab = slab_of(p);
    return *slab < load_acquire(&space.frontier) ? load_acquire(&space.slabs[*slab].kind) : (uint8_t)SLAB_FREE;
}

void trix_foreign_free(void *p) {
    uint32_t slab;
    struct gate *g = no_stops();
    switch (kind_at(p, &slab)) {
    case SLAB_SMALL: slot_free(slab, p); break;
    case SLAB_BIG:
        if ((uintptr_t)p == slab_address(slab)) big_free(slab);
        break;
    default: break;
    }
    stops(g);
}

/* Bytes the block could have without moving; 0: no block. */
static size_t room(const void *p) {
    uint32_t slab;
    unsigned slot;
    switch (kind_at(p, &slab)) {
    case SLAB_SMALL: return slot_find(&space.slabs[slab], p, &slot) ? trix_class_size[space.slabs[slab].class] : 0;
    case SLAB_BIG: return (uintptr_t)p == slab_address(slab) ? (size_t)space.slabs[slab].count << SLAB_SHIFT : 0;
    default: return 0;
    }
}

/* What the program may use, which is what is scanned. */
size_t trix_foreign_size(const void *p) {
    size_t have = room(p);
    return have > LARGEST_SLOT ? load_relaxed(&space.slabs[slab_of(p)].bytes) : have;
}

void *trix_foreign_resize(void *p, size_t bytes) {
    size_t have = room(p);
    if (bytes <= have && bytes >= have / 2) {
        if (have > LARGEST_SLOT) store_relaxed(&space.slabs[slab_of(p)].bytes, bytes);
        return p;
    }
    void *moved = trix_foreign_alloc(bytes, 16);
    if (!moved) return NULL;
    memcpy(moved, p, min_u64(have, bytes));
    trix_foreign_free(p);
    return moved;
}

uint64_t trix_foreign_bytes(void) { return load_relaxed(&space.live); }
uint64_t trix_foreign_sys(void) { return load_relaxed(&space.committed); }

/* ---- for the collector ---- */

RACY_READS static uint64_t scan_small(struct marker *m, uint32_t slab, const struct slab *s) {
    uint32_t size = trix_class_size[s->class];
    unsigned slots = slots_of(s->class);
    uint64_t bytes = 0;
    for (size_t at = 0, n; (at = bits_next(s->used, at, slots)) < slots; at += n) {
        if ((n = bits_run(s->used, at, slots)) == 0) n = 1; /* freed in this moment */
        const char *from = (const char *)slab_address(slab) + at * size;
        trix_marker_scan_range(m, from, from + n * size, false);
        bytes += n * size;
    }
    return bytes;
}

static uint64_t scan(struct marker *m) {
    uint32_t end = load_acquire(&space.frontier);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < end; i++) {
        struct slab *s = &space.slabs[i];
        uint8_t kind = load_acquire(&s->kind);
        if (kind == SLAB_SMALL) bytes += scan_small(m, i, s);
        if (kind != SLAB_BIG) continue;
        uint64_t n = load_relaxed(&s->bytes);
        const char *from = (const char *)slab_address(i);
        trix_marker_scan_range(m, from, from + round_up(n, 8), false);
        bytes += n;
    }
    return bytes;
}

/* I1: makes again what can be made again. */
static void reset_after_fork(void) {
    lock_reset(&space.lock);
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        lock_reset(&classes[c].lock);
        classes[c].first = 0;
    }
    uint32_t until = 0; /* end of the big block looked at last */
    for (uint32_t i = 0; i < space.frontier; i++) {
        struct slab *s = &space.slabs[i];
        if (s->kind == SLAB_BIG) until = i + s->count;
        if (s->kind == SLAB_TAIL && i >= until) { /* was being taken or given back */
            s->dirty = true;
            s->kind = SLAB_FREE;
        }
        if (s->kind != SLAB_SMALL) continue;
        s->nfree = (uint16_t)(slots_of(s->class) - trix_bits_count_range(s->used, 0, slots_of(s->class)));
        s->hint = 0;
        s->listed = false;
        if (s->nfree) list_push(s->class, i);
    }
    space.lowest = 0;
}

static const struct foreign_roots roots = {scan, reset_after_fork, trix_foreign_sys, trix_lacks_barriers};

__attribute__((constructor(102))) static void start(void) { trix_foreign_roots = &roots; }
