/* arena.c - objects that are freed together.
 *
 * An arena's memory is chunks, each a large object of the heap of its own kind (LAYOUT_ID_ARENA), one row of them for objects
 * that are scanned, one for leaves. So any pointer into a chunk keeps it alive; its first word keeps the arena, and the arena
 * all its chunks. A chunk is scanned conservatively, up to the end of the window that is in use.
 *
 *     | struct arena_chunk | objects, bumped upwards -> window end |    not touched yet    | <- log of stretches |
 *
 * No object has a header. Objects of one size side by side are a stretch; when the size changes, the log at the chunk's end
 * gets an entry. So any address leads to its object, as tri_arena_clone and tri_base need it, and a tree of equal nodes
 * pays one entry a chunk. An object too large for the log has a chunk of its own, up to its end.
 *
 * Freeing an arena revokes its chunks, each in three steps:
 *
 *   in use --type 0, no reader left--> leaf --no access, memory dropped--> revoked --found by no cycle--> free pages
 *
 * Markers announce themselves while they read a chunk (large.readers), so nobody of ours faults. A revoked chunk is a leaf
 * like any other: while a pointer into it is left, every cycle marks it, and its addresses are not used again; the sweeper
 * that finds it unmarked makes it accessible and gives it back, known to read zero. Until then it costs address space only,
 * but that is finite: when much is revoked, a cycle is asked for.
 *
 *   I1  The arena and its windows are its user's alone, but for what markers read: large.bytes and large.type.
 *   I2  Page entry's size is 0 exactly for a revoked chunk.
 */
#include "arena.h"
#include "special.h"
#include "../heap/large.h"
#include "../heap/type.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/arena.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/control.h"

#include <string.h>

enum {
#ifdef TRIX_TORTURE
    FIRST_CHUNK = 2 * PAGE_SIZE,
#else
    FIRST_CHUNK = 16 << 10,
#endif
    CHUNK_GROWTH = 4,
    LARGEST_CHUNK = 4 << 20,
    HUGE_PAGE = 2 << 20,
    FIRST_WINDOW = 8 << 10, /* doubles */
    LARGEST_WINDOW = 512 << 10,
    GAP = 16 /* at a chunk's end: a pointer just past its last object stays inside */
};

/* When so much address space waits to be used again, a cycle is asked for; with GOGC=off, much later. Whoever frees more
 * than PATIENCE times as much waits for one. */
#define REVOKED_BYTES     ((uint64_t)64 << 20)
#define REVOKED_BYTES_OFF ((uint64_t)4 << 30)
enum { REVOKED_CHUNKS = 4096, PATIENCE = 4 };

/* Objects of `size` bytes from `offset` on, up to the next stretch; both in units of 8 bytes. Size 0: one object, up to the
 * chunk's end. */
struct stretch {
    uint32_t offset, size;
};

/* Larger objects are alone: with this and what follows it, offsets stay within the log's 32 bits. */
#define LARGEST_LOGGED ((size_t)16 << 30)

struct arena_chunk {
    struct tri_arena *arena; /* keeps it alive, but in a leaf */
    char *limit;             /* end of what objects and log may use */
    uint64_t nstretches;
    struct stretch first;    /* the others lie below limit, the second one highest */
};

/* A heap object a chunk, so that leaf chunks are kept alive too. */
struct arena_link {
    struct arena_link *next;
    struct arena_chunk *chunk;
};

struct tri_arena {
    struct tri__arena_row row[2]; /* scanned, leaves: first, see tri__arena_bump */
    struct arena_link *links;
    bool freed;
};

static struct {
    uint64_t bytes, chunks; /* revoked since the last cycle began; relaxed */
} revoked;

/* ---- chunks ---- */

static uint32_t chunk_page(const struct arena_chunk *c) { return map_page_of((uintptr_t)c); }

static struct stretch *chunk_stretch(struct arena_chunk *c, uint64_t i) {
    return i == 0 ? &c->first : (struct stretch *)(void *)c->limit - i;
}

/* The lowest byte of the log. */
static char *chunk_log(struct arena_chunk *c) { return c->limit - (c->nstretches ? c->nstretches - 1 : 0) * sizeof(struct stretch); }

static void *chunk_memory(struct gate *g, size_t bytes, bool leaf) {
    uint64_t type = leaf ? 0 : trailer_make(LAYOUT_ID_ARENA, 0);
    size_t align = bytes + 1 >= HUGE_PAGE ? HUGE_PAGE : 16;
    for (int attempt = 0;; attempt++) {
        void *p = trix_large_alloc(g, bytes, align, type);
        if (LIKELY(p)) {
            trix_large_sample(g, p, large_span_bytes(bytes), large_span_bytes(bytes)); /* the profile sees chunks, at who asked for room */
            return p;
        }
        if (!trix_gate_exhausted(g, bytes, attempt)) trix_fatal("out of memory");
    }
}

/* A chunk with room for `bytes` of objects at least. */
static struct arena_chunk *chunk_make(struct gate *g, struct tri_arena *a, struct tri__arena_row *r, size_t bytes, bool leaf) {
    size_t want = max_u64(r->chunk_bytes, round_up(bytes + sizeof(struct arena_chunk) + 2 * GAP + 8, PAGE_SIZE));
    struct arena_chunk *c = chunk_memory(g, want - 1, leaf);
    if (r->window == FIRST_WINDOW) trix_gate_blocking(g, trix_os_populate, c, FIRST_WINDOW); /* header and first window at once */
    struct page *p = map_page(chunk_page(c));
    store_relaxed(&p->large.bytes, sizeof *c); /* nothing to scan beyond, yet */
    if (leaf) store_release(&p->large.type, trailer_make(LAYOUT_ID_ARENA, 0));
    c->limit = (char *)c + want - GAP;
    tri_set(c->arena, a);
    struct arena_link *link = tri_alloc(sizeof *link);
    tri_set(link->chunk, c);
    tri_set(link->next, a->links);
    tri_set(a->links, link);
    return c;
}

/* ---- windows ---- */

/* The window ends at least at `need`; memory is asked for at once, which is cheaper than fault by fault, but not for all of a
 * large object, which may not be wanted. */
static void window_open(struct gate *g, struct tri__arena_row *r, char *need) {
    struct arena_chunk *c = r->chunk;
    char *from = (char *)c + map_page(chunk_page(c))->large.bytes, *log = chunk_log(c);
    uintptr_t to = round_up(max_u64((uintptr_t)from + r->window, (uintptr_t)need), trix_os_page);
    if (to > (uintptr_t)log) to = (uintptr_t)log;
    uintptr_t lo = round_down((uintptr_t)from, trix_os_page), hi = round_down(min_u64(to, lo + r->window), trix_os_page);
    bool there = r->window == FIRST_WINDOW && lo == (uintptr_t)c; /* chunk_make has seen to it */
    if (lo < hi && !there) trix_gate_blocking(g, trix_os_populate, (void *)lo, hi - lo);
    if (r->window < LARGEST_WINDOW) r->window *= 2;
    store_release(&map_page(chunk_page(c))->large.bytes, to - (uintptr_t)c);
    tri_set(r->end, (char *)to);
}

/* Quickly to whole huge pages, which cost one fault each. */
static size_t next_chunk_bytes(size_t bytes) {
    if (bytes >= HUGE_PAGE) return LARGEST_CHUNK;
    return bytes * CHUNK_GROWTH > HUGE_PAGE / 4 ? HUGE_PAGE : bytes * CHUNK_GROWTH;
}

static void row_next_chunk(struct gate *g, struct tri_arena *a, struct tri__arena_row *r, size_t bytes, bool leaf) {
    struct arena_chunk *c = chunk_make(g, a, r, bytes, leaf);
    tri_set(r->chunk, c);
    tri_set(r->at, (char *)(c + 1));
    tri_set(r->end, (char *)(c + 1));
    r->stretch = 0;
    r->chunk_bytes = next_chunk_bytes(r->chunk_bytes);
}

/* ---- making ---- */

/* Where an object would go in the row's chunk; NULL: it does not fit. */
static char *row_place(const struct tri__arena_row *r, size_t size, size_t align) {
    if (!r->chunk) return NULL;
    char *p = (char *)round_up((uintptr_t)r->at, align);
    return p + size + sizeof(struct stretch) <= chunk_log(r->chunk) ? p : NULL;
}

static void stretch_begin(struct tri__arena_row *r, char *p, size_t size) {
    struct arena_chunk *c = r->chunk;
    struct stretch s = {(uint32_t)((p - (char *)c) / 8), (uint32_t)(size / 8)};
    c->nstretches++;
    *chunk_stretch(c, c->nstretches - 1) = s;
    r->stretch = size;
    if (r->end > chunk_log(c)) tri_set(r->end, chunk_log(c));
}

/* The chunk is full then. */
static void *row_make_alone(struct gate *g, struct tri_arena *a, bool leaf, size_t size, size_t align) {
    struct tri__arena_row *r = &a->row[leaf];
    row_next_chunk(g, a, r, size + align, leaf);
    char *p = row_place(r, size, align);
    stretch_begin(r, p, 0);
    window_open(g, r, p + size);
    tri_set(r->end, chunk_log(r->chunk));
    tri_set(r->at, r->end);
    return p;
}

static void *row_make(struct gate *g, struct tri_arena *a, bool leaf, size_t size, size_t align) {
    struct tri__arena_row *r = &a->row[leaf];
    if (UNLIKELY(size > LARGEST_LOGGED)) return row_make_alone(g, a, leaf, size, align);
    char *p = row_place(r, size, align);
    if (!p) {
        row_next_chunk(g, a, r, size + align, leaf);
        p = row_place(r, size, align);
        CHECK(p, "no room in a fresh chunk");
    }
    if (size != r->stretch || p != r->at) stretch_begin(r, p, size);
    if (p + size > r->end) window_open(g, r, p + size);
    tri_set(r->at, p + size);
    return p;
}

/* The collector may be told of `leaf` once the type is joined to its declaration. */
static bool is_leaf(const tri_type *type) {
    trix_layout_of_type((tri_type *)(uintptr_t)type);
    return (type->kind & TRI__KIND_WHAT) == TRI__KIND_LEAF;
}

static void *make(tri_arena *a, const tri_type *type, size_t size) {
    struct gate *g = gate_enter();
    if (a->freed) trix_misuse("tri_arena_make", "the arena %p was freed; make another", (void *)a);
    void *p = row_make(g, a, is_leaf(type), max_u64(round_up(size, 8), 8), max_u64(type->align, 8));
    gate_leave(g);
    return p;
}

EXPORT void *tri__arena_make(tri_arena *a, const tri_type *type) { return make(a, type, type->size); }

/* In the window that is open, outside the gate: nothing of the collector's is touched. NULL: it does not fit, or the arena was
 * freed. */
INLINE void *make_quickly(tri_arena *a, const tri_type *type, size_t size) {
    struct tri__arena_row *r = &a->row[type->kind & TRI__KIND_LEAF];
    char *p = r->at;
    if ((size_t)(r->end - p) < size + sizeof(struct stretch) || type->kind >= TRI__KIND_SITE || type->align > 8) return NULL;
    if (size != r->stretch) stretch_begin(r, p, size);
    r->at = p + size;
    return p;
}

EXPORT void *tri__arena_make_slice(tri_arena *a, const tri_type *type, size_t len, size_t cap) {
    size_t bytes;
    if (len > cap) trix_misuse("tri_arena_make_slice", "len %zu is more than cap %zu", len, cap);
    if (__builtin_mul_overflow(cap, type->size, &bytes) || bytes > (uint64_t)INT64_MAX / 2)
        trix_misuse("tri_arena_make_slice", "%zu elements of %zu bytes do not fit the address space; check the count", cap,
                    type->size);
    void *p = make_quickly(a, type, max_u64(round_up(bytes, 8), 8));
    return LIKELY(p) ? p : make(a, type, bytes);
}

EXPORT tri_arena *tri_arena_new(void) {
    tri_arena *a = tri_alloc(sizeof *a);
    for (int i = 0; i < 2; i++) {
        a->row[i].chunk_bytes = FIRST_CHUNK;
        a->row[i].window = FIRST_WINDOW;
    }
    return a;
}

/* ---- finding ---- */

bool trix_gate_find_in_arena(uintptr_t p, struct object *o) {
    struct arena_chunk *c = (struct arena_chunk *)map_address(o->page);
    uint64_t at = (p - (uintptr_t)c) / 8, lo = 0, hi = c->nstretches;
    if (!hi || at < c->first.offset || p >= (uintptr_t)chunk_log(c)) return false;
    while (hi - lo > 1) { /* the last stretch that begins at or before p */
        uint64_t middle = (lo + hi) / 2;
        if (chunk_stretch(c, middle)->offset <= at) lo = middle;
        else hi = middle;
    }
    const struct stretch *s = chunk_stretch(c, lo);
    o->start = (uintptr_t)c + (s->offset + (s->size ? (at - s->offset) / s->size * s->size : 0)) * 8ull;
    o->bytes = s->size ? s->size * 8ull : (uintptr_t)chunk_log(c) - o->start;
    o->slot = 0;
    return true;
}

/* ---- cloning ---- */

static void *clone_object(struct gate *g, const struct object *o) {
    bool leaf = load_relaxed(&map_page(o->page)->kind) == PAGE_LEAF;
    void *copy = leaf ? tri_alloc_leaf(o->bytes) : tri_alloc(o->bytes);
    trix_gate_copy(g, copy, (const void *)o->start, o->bytes);
    return copy;
}

EXPORT void *tri_arena_clone(void *p) {
    struct object o;
    char *clone = p;
    if (!map_contains((uintptr_t)p)) return p;
    if (trix_arena_is_freed((uintptr_t)p)) return *(char *volatile *)round_down((uintptr_t)p, 8); /* which faults */
    struct gate *g = gate_enter();
    o.page = trix_map_span(map_page_of((uintptr_t)p));
    if (o.page && page_is_arena(map_page(o.page)) && trix_gate_find_in_arena((uintptr_t)p, &o))
        clone = (char *)clone_object(g, &o) + ((uintptr_t)p - o.start);
    gate_leave(g);
    return clone;
}

/* ---- freeing ---- */

/* Known to the address sanitizer of the program, if it has one. */
extern void __asan_poison_memory_region(const void *, size_t) __attribute__((weak));
extern void __asan_unpoison_memory_region(const void *, size_t) __attribute__((weak));

bool trix_arena_is_freed(uintptr_t p) {
    if (!map_contains(p)) return false;
    uint32_t page = trix_map_span(map_page_of(p));
    return page && page_is_large(map_page(page)) && load_acquire(&map_page(page)->size) == 0;
}

/* Nobody of ours reads the chunk any more. */
static void chunk_silence(struct gate *g, struct page *p, const struct arena_chunk *c) {
    if (gate_marking() && p->kind == PAGE_SCAN) trix_gate_shade_range(g, c, p->large.bytes); /* a release is a store too */
    store_seq(&p->large.type, 0);
    while (load_seq(&p->large.readers)) trix_os_yield();
}

static void revoke_memory(void *at, size_t bytes) {
    if (!trix_os_revoke(at, bytes)) trix_os_release(at, bytes); /* too many mappings: uses are not caught then */
}

static void chunk_revoke(struct gate *g, struct arena_chunk *c) {
    uint32_t page = chunk_page(c);
    struct page *p = map_page(page);
    trix_gate_sweep_span(page);
    size_t bytes = p->size;
    chunk_silence(g, p, c);
    trix_special_unsample((uintptr_t)c);
    store_release(&p->kind, PAGE_LEAF);
    store_release(&p->size, 0);
    store_relaxed(&p->large.bytes, 0);
    trix_gate_blocking(g, revoke_memory, c, bytes);
    tri_keep_alive(c); /* meanwhile a cycle may have run: our own pointer has kept the addresses from being used again */
    if (__asan_poison_memory_region) __asan_poison_memory_region(c, bytes);
    fetch_add_relaxed(&trix_large_frees, 1);
    fetch_add_relaxed(&trix_large_bytes_freed, bytes);
    fetch_add_relaxed(&revoked.bytes, bytes);
    fetch_add_relaxed(&revoked.chunks, 1);
    trix_gate_account(g, -(int64_t)bytes);
}

bool trix_life_reuse_arena(uint32_t page) {
    size_t bytes = map_page(page)->large.npages << PAGE_SHIFT;
    void *at = (void *)map_address(page);
    if (!trix_os_restore(at, bytes)) return false;
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(at, bytes);
    return true;
}

void trix_arenas_cycle(void) { revoked.bytes = revoked.chunks = 0; }

static void ask_for_cycle(struct thread *t) {
    uint64_t enough = load_relaxed(&trix_gc.goal) == PACER_NEVER ? REVOKED_BYTES_OFF : REVOKED_BYTES;
    uint64_t bytes = load_relaxed(&revoked.bytes), chunks = load_relaxed(&revoked.chunks);
    if (bytes <= enough && chunks <= REVOKED_CHUNKS) return;
    if ((bytes > PATIENCE * enough || chunks > PATIENCE * REVOKED_CHUNKS) && !trix_in_handler(t)) trix_gc_run(t);
    else trix_gc_request(t);
}

EXPORT void tri_arena_free(tri_arena *a) {
    if (!a) return;
    trix_arena_watch();
    struct gate *g = gate_enter();
    if (a->freed) trix_misuse("tri_arena_free", "the arena %p was freed twice; drop the second call", (void *)a);
    struct arena_link *link = a->links;
    a->freed = true;
    memset(a->row, 0, sizeof a->row);
    a->links = NULL;
    for (; link; link = link->next) chunk_revoke(g, link->chunk);
    ask_for_cycle((struct thread *)g);
    gate_leave(g);
}
