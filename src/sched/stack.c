/* stack.c - stacks are cut from slabs: one mapping each, of address space whose pages come when they are touched.
 *
 * A stack grows by being touched, down to a guard at the lower end of its slot, and cannot move: C keeps
 * pointers into it. So a slot is as large as the stack may ever become. That costs address space only, but a stack whose
 * neighbours are far away has page tables to itself: 4 KiB each 2 MiB, as much as the stack's own first page. So there are
 * three kinds of slots: the first stacks in use get all that tri_set_max_stack allows, the next ones 1 MiB, and from some
 * tens of thousands on 64 KiB, where 32 stacks share a page of page tables.
 *
 *   slot:   | guard | grows down ............ first page: frames | descriptor | colour | pages left out |
 *
 * The descriptor's place differs from slot to slot by whole cache lines ("colour"): else the tops of all stacks
 * would fall into few sets of the cache. In large slots it differs by whole pages too: AMD's first-level cache tells the
 * lines of a set apart by a hash of bits 12 to 27 of the address alone, so that lines 256 MiB apart drive each other out
 * (two goroutines that hand each other values: 200 ns a round, against 87).
 *
 * Guards are marked in the page tables where the kernel can (MADV_GUARD_INSTALL, Linux 6.13), by process_madvise many at a
 * time, so that a slab stays one mapping: a million stacks fit far below vm.max_map_count. Elsewhere they are mprotected,
 * which ends at some 32,000 stacks.
 *
 * What a goroutine has once used below its stack pointer goes back at a collection: when it has stayed parked since the one
 * before, all of it; when it comes and goes, all beyond some room to spare, every eighth time it is scanned (scan.c).
 *
 * Free stacks keep their memory, and are used again last in, first out; what has lain idle for a whole cycle of the
 * collector gives back all but its first page.
 */
#include "stack.h"
#include "../heap/metadata.h"
#include "../os/os.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Kinds of slots: large ones by size, 1 MiB to 64 GiB, of which one is in favour; medium; small. */
enum { LEAST_LOG = 20, DEFAULT_LARGE = 28 - LEAST_LOG, LARGE = 17, MEDIUM = LARGE, SMALL, KINDS };
enum { MAX_SLABS = 1 << 16, BATCH = 512, COLOURS = 17, MOST_TRIMMED = 512 /* in a cycle: a call each */ };

static struct kind {
    size_t bytes;      /* of a slot; constant once there are slabs of this kind */
    uint32_t slots;    /* in a slab */
    uint64_t inuse;    /* lock */
    struct g **free;   /* lock; lately used last: no descriptor is touched on the way in and out */
    uint64_t nfree;    /* lock */
    uint64_t room;     /* lock; entries that `free` has room for: all slots of the kind */
    uint64_t fewest;   /* lock; nfree has been, since they were trimmed last */
    uint64_t trimmed;  /* lock; of the first so many all but the first page has been given back */
    uint64_t all;      /* lock; slots in its slabs */
    struct slab *open; /* lock; has slots never used */
    bool refused;      /* lock; the system had no room for another slab */
} kinds[KINDS] = {
    [DEFAULT_LARGE] = {.bytes = 256 << 20, .slots = 16},
    [MEDIUM] = {.bytes = 1 << 20, .slots = 64},
    [SMALL] = {.bytes = 64 << 10, .slots = 1024},
};

struct slab {
    uintptr_t base;
    size_t slot_bytes, guard;
    uint32_t slots;
    uint32_t used;  /* slots below this have descriptors; lock to write, release */
    uint64_t first; /* number of its first slot */
    uint32_t page_colours;
    uint8_t kind;
};

static struct {
    struct lock lock;
    struct slab **slab;           /* MAX_SLABS, by order of making; mapped with the first one. Written under lock before nslabs
                                     is raised */
    uint32_t nslabs;              /* release */
    uint64_t count;               /* slots in all slabs; lock */
    size_t max;                   /* as it was asked for; lock */
    struct kind *large;           /* kind in favour; lock */
    uint64_t nlarge;              /* large ones in use, of all sizes; lock */
    size_t halved;                /* bytes of the slabs of large ones smaller than usual; lock */
    uint64_t deep;                /* sum of all g.deep; relaxed */
} stacks = {.lock = LOCK_INIT(STACKS), .max = 256 << 20, .large = &kinds[DEFAULT_LARGE]};

/* ---- guards ---- */

static bool guard_one_by_one(const struct slab *s) {
    for (uint32_t i = 0; i < s->slots; i++)
        if (madvise((void *)(s->base + i * s->slot_bytes), s->guard, MADV_GUARD_INSTALL) != 0) return i > 0;
    return true;
}

static bool guard_many(const struct slab *s) {
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    bool done = self >= 0;
    for (uint32_t at = 0; done && at < s->slots; at += BATCH) {
        struct iovec v[BATCH];
        uint32_t n = (uint32_t)min_u64(BATCH, s->slots - at);
        for (uint32_t i = 0; i < n; i++) v[i] = (struct iovec){(void *)(s->base + (at + i) * s->slot_bytes), s->guard};
        done = syscall(SYS_process_madvise, self, v, n, MADV_GUARD_INSTALL, 0) == (long)(n * s->guard);
    }
    if (self >= 0) trix_os_close(self);
    return done;
}

static bool guard_by_protection(const struct slab *s) {
    for (uint32_t i = 0; i < s->slots; i++)
        if (mprotect((void *)(s->base + i * s->slot_bytes), s->guard, PROT_NONE) != 0) return false;
    return true;
}

static bool install_guards(const struct slab *s) {
    int saved = errno;
    bool done = (trix_os_takes_guards() && (guard_many(s) || guard_one_by_one(s))) || guard_by_protection(s);
    errno = saved;
    return done;
}

/* ---- slabs; lock held ---- */

/* So that giving a stack back never needs memory. */
static bool free_reserve(struct kind *k, uint64_t entries) {
    if (entries <= k->room) return true;
    uint64_t room = max_u64(2 * k->room, max_u64(entries, 512));
    struct g **fresh = trix_os_map(room * sizeof *fresh);
    if (!fresh) return false;
    if (k->nfree) memcpy(fresh, k->free, k->nfree * sizeof *fresh);
    if (k->free) trix_os_unmap(k->free, k->room * sizeof *fresh);
    k->free = fresh;
    k->room = room;
    return true;
}

/* Where address space is limited (ulimit -v), large slots leave most of it to the small ones and to the heap: those that are made for want
 * of room for the usual ones, all of them together. */
static bool affordable(const struct kind *k) {
    size_t bytes = k->bytes * k->slots, part = trix_os_address_room() / 8;
    if (k < &kinds[DEFAULT_LARGE]) bytes += stacks.halved, part += stacks.halved / 8;
    return k == &kinds[SMALL] || bytes <= part;
}

/* At most a 256th of a slot is left out: none of those whose addresses differ below bit 28 anyway. */
static uint32_t page_colours(size_t slot_bytes) {
    enum { MOST = 256, PART = 256 };
    return (uint32_t)max_u64(1, min_u64(slot_bytes / trix_os_page / PART, MOST));
}

static struct slab *slab_make(struct kind *k) {
    if (!affordable(k)) return NULL;
    if (!stacks.slab) stacks.slab = trix_os_map(MAX_SLABS * sizeof *stacks.slab);
    if (!stacks.slab || stacks.nslabs == MAX_SLABS || !free_reserve(k, k->all + k->slots)) return NULL;
    struct slab *s = trix_metadata_alloc(sizeof *s);
    if (!s) return NULL;
    size_t bytes = k->bytes * k->slots;
    uintptr_t base = (uintptr_t)trix_os_map(bytes);
    if (!base) return NULL;
    *s = (struct slab){.base = base, .slot_bytes = k->bytes, .slots = k->slots, .first = stacks.count,
                       .guard = k->bytes > 1 << 20 ? 64 << 10 : 2 * trix_os_page, .kind = (uint8_t)(k - kinds),
                       .page_colours = page_colours(k->bytes)};
    trix_os_huge((void *)base, bytes, false);
    trix_os_name((void *)base, bytes, "tricolor: goroutine stacks");
    if (!install_guards(s)) {
        trix_os_unmap((void *)base, bytes);
        return NULL;
    }
    stacks.slab[stacks.nslabs] = s;
    stacks.count += k->slots;
    k->all += k->slots;
    if (k < &kinds[DEFAULT_LARGE]) stacks.halved += bytes;
    store_release(&stacks.nslabs, stacks.nslabs + 1);
    return s;
}

static uintptr_t slot_top(const struct slab *s, uint32_t slot) {
    return s->base + (slot + 1) * s->slot_bytes - (s->first + slot) % s->page_colours * trix_os_page;
}

static struct g *slot_g(const struct slab *s, uint32_t slot) {
    uintptr_t colour = (s->first + slot) * 5 % COLOURS * CACHE_LINE;
    return (struct g *)round_down(slot_top(s, slot) - colour - sizeof(struct g), CACHE_LINE);
}

/* A slot never used before. */
static struct g *slot_open(struct kind *k) {
    if (!k->open && !k->refused) {
        k->open = slab_make(k);
        k->refused = !k->open;
    }
    struct slab *s = k->open;
    if (!s) return NULL;
    struct g *g = slot_g(s, s->used);
    uintptr_t lo = s->base + s->used * s->slot_bytes;
    g->fiber = (struct fiber){lo + s->guard, slot_top(s, s->used)};
    g->stack_kind = s->kind;
    store_release(&s->used, s->used + 1);
    if (s->used == s->slots) k->open = NULL;
    return g;
}

static struct g *free_pop(struct kind *k) {
    struct g *g = k->free[--k->nfree];
    k->fewest = min_u64(k->fewest, k->nfree);
    k->trimmed = min_u64(k->trimmed, k->nfree);
    return g;
}

static struct g *take_of(struct kind *k, bool may_open) {
    struct g *g = k->nfree ? free_pop(k) : may_open ? slot_open(k) : NULL;
    if (g) k->inuse++;
    return g;
}

/* What was asked for is more than there is room for, as where address space is limited: half of it, then, down to twice a medium one. */
static struct g *take_large(bool may_open) {
    struct g *g;
    while (!(g = take_of(stacks.large, may_open)) && stacks.large->refused && stacks.large > &kinds[1]) {
        struct kind *k = --stacks.large;
        k->bytes = k[1].bytes / 2;
        k->slots = k[1].slots;
        k->refused = false;
    }
    return g;
}

static struct g *take_one(void) {
    enum { MOST_LARGE = 4096, MOST_MEDIUM = 32768 }; /* in use: further ones only of what is free */
    struct g *g = take_large(stacks.nlarge < MOST_LARGE);
    if (g) stacks.nlarge++;
    if (!g) g = take_of(&kinds[MEDIUM], kinds[MEDIUM].inuse < MOST_MEDIUM);
    return g ? g : take_of(&kinds[SMALL], true);
}

uint32_t trix_stacks_take(struct g **g, uint32_t most) {
    uint32_t n = 0;
    lock_acquire(&stacks.lock);
    while (n < most && (g[n] = take_one())) n++;
    lock_release(&stacks.lock);
    return n;
}

void trix_stacks_give(struct g *const *g, uint32_t n) {
    lock_acquire(&stacks.lock);
    for (uint32_t i = 0; i < n; i++) {
        struct kind *k = &kinds[g[i]->stack_kind];
        k->free[k->nfree++] = g[i];
        k->inuse--;
        if (k < &kinds[LARGE]) stacks.nlarge--;
    }
    lock_release(&stacks.lock);
}

/* ---- looking ---- */

uint64_t trix_stacks_count(void) {
    uint32_t n = load_acquire(&stacks.nslabs);
    return n ? stacks.slab[n - 1]->first + stacks.slab[n - 1]->slots : 0;
}

/* Index of the last slab that begins at or below the number. */
static uint32_t slab_of_number(uint64_t number) {
    uint32_t low = 0, high = load_acquire(&stacks.nslabs);
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (stacks.slab[middle]->first <= number) low = middle;
        else high = middle;
    }
    return low;
}

void trix_stacks_visit(uint64_t from, uint64_t to, void (*visit)(struct g *g, void *arg), void *arg) {
    enum { AHEAD = 4 };
    uint32_t n = load_acquire(&stacks.nslabs);
    for (uint32_t i = slab_of_number(from); i < n && stacks.slab[i]->first < to; i++) {
        const struct slab *s = stacks.slab[i];
        uint32_t slot = (uint32_t)(from > s->first ? from - s->first : 0);
        uint32_t end = (uint32_t)min_u64(load_acquire(&s->used), to - s->first);
        for (; slot < end; slot++) {
            if (slot + AHEAD < end) __builtin_prefetch(slot_g(s, slot + AHEAD));
            visit(slot_g(s, slot), arg);
        }
    }
}

struct g *trix_stacks_find(uintptr_t address, bool *guard) {
    uint32_t n = load_acquire(&stacks.nslabs);
    for (uint32_t i = 0; i < n; i++) {
        const struct slab *s = stacks.slab[i];
        uintptr_t offset = address - s->base;
        if (offset >= s->slots * s->slot_bytes) continue;
        uint32_t slot = (uint32_t)(offset / s->slot_bytes);
        *guard = offset % s->slot_bytes < s->guard;
        return slot < load_acquire(&s->used) ? slot_g(s, slot) : NULL;
    }
    return NULL;
}

size_t trix_stack_limit(const struct g *g) {
    size_t limit = 4096; /* slots are powers of two */
    while (limit < g->fiber.hi - g->fiber.lo) limit *= 2;
    return limit;
}

void trix_stacks_reset_after_fork(void) { lock_reset(&stacks.lock); }

bool trix_stacks_set_max(size_t bytes, size_t *old) {
    uint32_t i = 0;
    while (i < LARGE - 1 && (size_t)1 << (LEAST_LOG + i) < bytes) i++;
    lock_acquire(&stacks.lock);
    struct kind *k = &kinds[i];
    bool changed = k != stacks.large;
    *old = stacks.max;
    stacks.max = bytes;
    stacks.large = k;
    k->bytes = (size_t)1 << (LEAST_LOG + i);
    k->slots = 16;
    k->refused = false;
    lock_release(&stacks.lock);
    return changed;
}

/* ---- giving memory back ---- */

static void note_deep(struct g *g, uintptr_t from) {
    uint32_t pages = (uint32_t)((round_up(g->fiber.hi, trix_os_page) - round_down(from, trix_os_page)) / trix_os_page - 1);
    if (pages == g->deep) return;
    fetch_add_relaxed(&stacks.deep, (uint64_t)pages - g->deep);
    g->deep = pages;
}

void trix_stack_note(struct g *g) {
    if (UNLIKELY(g->fiber.hi - g->sp > (g->deep + 1) * trix_os_page)) note_deep(g, g->sp);
}

void trix_stack_give_back(struct g *g, uintptr_t below) {
    uintptr_t end = round_down(below, trix_os_page);
    if (end <= g->fiber.lo) return;
    trix_os_release((void *)g->fiber.lo, end - g->fiber.lo);
    if ((g->fiber.hi - end) / trix_os_page <= g->deep) note_deep(g, end);
}

static void trim_one(struct g *g) {
    uintptr_t page = round_down((uintptr_t)g - 2048, trix_os_page);
    trix_os_release((void *)g->fiber.lo, page - g->fiber.lo);
    note_deep(g, page);
}

/* Some of those that were idle all the time since the last trimming; how many. */
static uint32_t trim_some(struct kind *k) {
    enum { AT_ONCE = 16 }; /* others may wait for the lock */
    uint32_t n = 0;
    lock_acquire(&stacks.lock);
    for (; n < AT_ONCE && k->trimmed < k->fewest; n++) trim_one(k->free[k->trimmed++]);
    lock_release(&stacks.lock);
    return n;
}

/* Free stacks that were idle for a whole cycle: all but the first page of each. */
void trix_stacks_trim(void) {
    uint32_t most = MOST_TRIMMED;
    for (struct kind *k = kinds; k < kinds + KINDS; k++) {
        for (uint32_t n; most && (n = trim_some(k)); most -= min_u64(n, most)) {}
        lock_acquire(&stacks.lock);
        k->fewest = k->nfree;
        lock_release(&stacks.lock);
    }
}

void trix_stacks_figures(uint64_t *inuse, uint64_t *sys) {
    uint64_t used = 0;
    lock_acquire(&stacks.lock);
    for (uint32_t i = 0; i < stacks.nslabs; i++) used += stacks.slab[i]->used;
    *inuse = 0;
    for (struct kind *k = kinds; k < kinds + KINDS; k++) *inuse += k->inuse;
    uint64_t deep = load_relaxed(&stacks.deep);
    *inuse = (*inuse + deep) * trix_os_page;
    *sys = (used + deep) * trix_os_page;
    lock_release(&stacks.lock);
}
