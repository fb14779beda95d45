/* special.c - the table of objects that have specials.
 *
 * By page: trix_map.specials leads from a span's first page to its record, which has a bit for each slot that has specials
 * and a packed array of list heads, found by counting bits. So an object is found in a few loads, a span without
 * specials costs the sweeper one test of a byte it has loaded anyway (state.specials), and one with specials only as much
 * as it has. Records, arrays and specials lie outside the heap, in free lists of their shard.
 *
 * A shard is a lock and the spans it is for. It is held while marking goes over its spans, so there are many of them.
 *
 *   I1  A record exists exactly while some object of the span has a special; state.specials says so.
 *   I2  Specials hang on live objects of swept spans only: every way in sweeps the span first, and sweeping takes those of
 *       the dead off.
 *   I3  While marking, a special of the kinds EPHEMERON and RC is not freed (lists of them are about).
 */
#include "special.h"
#include "arena.h"
#include "due.h"
#include "pool.h"
#include "../heap/metadata.h"
#include "../os/os.h"

#include <string.h>

enum {
#ifdef TRIX_TORTURE
    SHARDS = 2,
#else
    SHARDS = 256,
#endif
    LEAST_ARRAY = 4,
    ARRAY_CLASSES = 8, /* arrays of 4 << class heads, up to SPAN_SLOTS */
    SLAB_BYTES = 1024 /* small: there is one for each shard and size, as soon as objects all over the heap have specials */
};

struct special_span {
    struct special_span *next, *previous; /* in the shard */
    uint32_t page;
    uint16_t n;      /* slots with specials */
    uint8_t class;   /* of the array */
    uint64_t slots[SPAN_SLOTS / 64];
    struct special **head; /* by rank of the slot's bit */
};

struct shard {
    struct lock lock;
    struct special_span *spans; /* all below: lock */
    struct special *free;
    struct special_span *free_spans;
    void *free_arrays[ARRAY_CLASSES]; /* linked by their first word */
    uint64_t ids;
} ALIGNED(CACHE_LINE);

static struct shard shards[SHARDS];
NO_ROOTS(shards);

/* ---- memory ---- */

static void *demand_metadata(size_t bytes) {
    void *p = trix_metadata_alloc(bytes);
    if (!p) trix_fatal("out of memory");
    return p;
}

/* Links a fresh slab of `each`-byte pieces by their first word. */
static void *slab_make(size_t each) {
    size_t bytes = max_u64(SLAB_BYTES, each);
    char *slab = demand_metadata(bytes), *first = NULL;
    for (size_t n = bytes / each; n-- > 0;) {
        char *piece = slab + n * each;
        *(void **)piece = first;
        first = piece;
    }
    return first;
}

static void *list_take(void **list, size_t each) {
    if (!*list) *list = slab_make(each);
    void *p = *list;
    *list = *(void **)p;
    return p;
}

static void list_give(void **list, void *p) {
    *(void **)p = *list;
    *list = p;
}

static struct special **array_make(struct shard *s, unsigned class) {
    return list_take(&s->free_arrays[class], (LEAST_ARRAY * sizeof(void *)) << class);
}

static struct shard *shard_of(uint32_t page) { return &shards[page * 0x9e3779b1u >> 16 & (SHARDS - 1)]; }

/* ---- spans ---- */

static struct special_span *span_make(struct shard *sh, uint32_t page) {
    struct special_span *span = list_take((void **)&sh->free_spans, sizeof *span);
    *span = (struct special_span){.page = page, .next = sh->spans, .head = array_make(sh, 0)};
    if (span->next) span->next->previous = span;
    sh->spans = span;
    store_release(&trix_map.specials[page], span);
    store_relaxed(&map_state(page)->specials, 1);
    return span;
}

static void span_drop(struct shard *sh, struct special_span *span) {
    store_relaxed(&map_state(span->page)->specials, 0);
    store_release(&trix_map.specials[span->page], NULL);
    if (span->next) span->next->previous = span->previous;
    if (span->previous) span->previous->next = span->next;
    else sh->spans = span->next;
    list_give(&sh->free_arrays[span->class], span->head);
    list_give((void **)&sh->free_spans, span);
}

static unsigned span_rank(const struct special_span *span, uint32_t slot) {
    unsigned rank = 0;
    for (unsigned w = 0; w < slot / 64; w++) rank += bits_count(span->slots[w]);
    return rank + bits_count(span->slots[slot / 64] & bits_below(slot % 64));
}

static void span_grow(struct shard *sh, struct special_span *span) {
    struct special **wider = array_make(sh, span->class + 1u);
    memcpy(wider, span->head, span->n * sizeof *wider);
    list_give(&sh->free_arrays[span->class], span->head);
    span->head = wider;
    span->class++;
}

/* The list head of a slot that has none yet. */
static struct special **span_open(struct shard *sh, struct special_span *span, uint32_t slot) {
    if (span->n == LEAST_ARRAY << span->class) span_grow(sh, span);
    unsigned rank = span_rank(span, slot);
    memmove(span->head + rank + 1, span->head + rank, (span->n - rank) * sizeof *span->head);
    span->head[rank] = NULL;
    bits_set(span->slots, slot);
    span->n++;
    return &span->head[rank];
}

static void span_close(struct special_span *span, uint32_t slot) {
    unsigned rank = span_rank(span, slot);
    span->n--;
    memmove(span->head + rank, span->head + rank + 1, (span->n - rank) * sizeof *span->head);
    bits_clear(span->slots, slot);
}

/* ---- places ---- */

static struct special **place_head(const struct special_place *at) {
    if (!at->span || !bits_test(at->span->slots, at->slot)) return NULL;
    return &at->span->head[span_rank(at->span, at->slot)];
}

static bool place_lock(struct special_place *at, uintptr_t p, bool chunks_too) {
    if (!map_contains(p)) return false;
    uint32_t page = trix_map_span(map_page_of(p));
    if (!page) return false;
    trix_gate_sweep_span(page);
    struct page *entry = map_page(page);
    uint8_t kind = load_acquire(&entry->kind);
    if (kind != PAGE_SCAN && kind != PAGE_LEAF) return false;
    if (entry->size == 0 || (!chunks_too && page_is_arena(entry))) return false;
    if (page_is_large(entry)) {
        at->slot = 0;
    } else {
        at->slot = page_slot(entry, p - map_address(page));
        if (at->slot >= layout_by_id(entry->layout)->slots || !bits_test(map_alloc_bits(page), at->slot)) return false;
    }
    at->page = page;
    at->shard = shard_of(page);
    lock_acquire(&at->shard->lock);
    at->span = trix_map.specials[page];
    return true;
}

bool trix_special_lock(struct special_place *at, uintptr_t p) { return place_lock(at, p, false); }

void trix_special_demand(struct special_place *at, const char *call, const void *p) {
    if (!trix_special_lock(at, (uintptr_t)p))
        trix_misuse(call, "%p is not in a live object of the collected heap, or is in an arena", p);
}

void trix_special_unlock(struct special_place *at) { lock_release(&at->shard->lock); }

bool trix_special_same_object(const struct special_place *at, uintptr_t p, uintptr_t q) {
    const struct page *entry = map_page(at->page);
    if (page_is_large(entry)) return q - map_address(at->page) < entry->size;
    if (entry->layout == LAYOUT_ID_TINY) return (p ^ q) < TINY_PIECE;
    return q - (map_address(at->page) + at->slot * entry->size) < entry->size;
}

struct special *trix_special_first(const struct special_place *at) {
    struct special **head = place_head(at);
    return head ? *head : NULL;
}

struct special *trix_special_add(struct special_place *at, enum special_kind kind, uintptr_t object) {
    struct special *s = list_take((void **)&at->shard->free, sizeof *s);
    uint64_t shard = (uint64_t)(at->shard - shards); /* an address may be another shard's later */
    *s = (struct special){.object = object, .kind = kind, .id = ++at->shard->ids * SHARDS + shard};
    if (!at->span) at->span = span_make(at->shard, at->page);
    struct special **link = place_head(at);
    if (!link) link = span_open(at->shard, at->span, at->slot);
    while (*link) link = &(*link)->next;
    *link = s;
    return s;
}

void trix_special_remove(struct special_place *at, struct special *s) {
    struct special **head = place_head(at), **link = head;
    while (*link != s) link = &(*link)->next;
    *link = s->next;
    s->next = NULL;
    if (*head) return;
    span_close(at->span, at->slot);
    if (at->span->n) return;
    span_drop(at->shard, at->span);
    at->span = NULL;
}

static void special_recycle(struct shard *sh, struct special *s) { list_give((void **)&sh->free, s); }

/* To the shard where its page is now, or near it: which one does not matter. */
void trix_special_free(struct special *s) {
    struct shard *sh = shard_of(map_page_of(s->object));
    lock_acquire(&sh->lock);
    special_recycle(sh, s);
    lock_release(&sh->lock);
}

void trix_special_discard(struct special_place *at, struct special *s) { special_recycle(at->shard, s); }

void trix_special_clear_weak(struct special_place *at) {
    for (struct special *s = trix_special_first(at), *next; s; s = next) {
        next = s->next;
        if (s->kind != SPECIAL_WEAK) continue;
        trix_weak_clear(s->weak.handle);
        trix_special_remove(at, s);
        special_recycle(at->shard, s);
    }
}

void (*trix_special_sample_freed)(void *site, uintptr_t object, bool by_hand);

/* The object goes for good. */
static void drop_sample(struct special_place *at, bool by_hand) {
    for (struct special *s = trix_special_first(at), *next; s; s = next) {
        next = s->next;
        if (s->kind != SPECIAL_SAMPLE) continue;
        trix_special_sample_freed(s->sample.site, s->object, by_hand);
        trix_special_remove(at, s);
        special_recycle(at->shard, s);
    }
}

void trix_special_sample(uintptr_t object, void *site) {
    struct special_place at;
    if (!place_lock(&at, object, true)) return;
    trix_special_add(&at, SPECIAL_SAMPLE, object)->sample.site = site;
    trix_special_unlock(&at);
}

void trix_special_unsample(uintptr_t chunk) {
    struct special_place at;
    if (LIKELY(!load_relaxed(&map_state(map_page_of(chunk))->specials)) || !place_lock(&at, chunk, true)) return;
    drop_sample(&at, true);
    trix_special_unlock(&at);
}

bool trix_life_has_specials(const struct object *o) {
    if (LIKELY(!load_relaxed(&map_state(o->page)->specials))) return false;
    struct special_place at;
    if (!trix_special_lock(&at, o->start)) return false;
    bool has = false;
    for (struct special *s = trix_special_first(&at); s; s = s->next) has |= s->kind != SPECIAL_SAMPLE;
    if (!has) drop_sample(&at, true);
    trix_special_unlock(&at);
    return has;
}

/* ---- marking ---- */

static void mark_special(struct marker *m, struct special *s, uintptr_t start) {
    switch (s->kind) {
    case SPECIAL_FINALIZER: trix_marker_scan_object(m, start); break;
    case SPECIAL_CLEANUP: trix_marker_shade(m, (uintptr_t)s->call.arg); break;
    case SPECIAL_WEAK:
        trix_marker_shade(m, (uintptr_t)s->weak.handle);
        trix_weak_seen(s);
        break;
    case SPECIAL_EPHEMERON: trix_ephemeron_seen(s); break;
    case SPECIAL_RC: trix_rc_seen(s); break;
    default: break;
    }
}

static uintptr_t slot_start(uint32_t page, uint32_t slot) {
    const struct page *p = map_page(page);
    return map_address(page) + (page_is_large(p) ? 0 : slot * p->size);
}

/* One object's; takes ephemerons off that are no use any more. */
static void mark_slot_specials(struct marker *m, struct special_place *at) {
    uintptr_t start = slot_start(at->page, at->slot);
    for (struct special *s = trix_special_first(at), *next; s; s = next) {
        next = s->next;
        if (s->kind == SPECIAL_EPHEMERON && trix_ephemeron_dropped(s)) {
            trix_special_remove(at, s);
            trix_ephemeron_release(s);
            special_recycle(at->shard, s);
        } else {
            mark_special(m, s, start);
        }
    }
}

static void mark_shard(struct marker *m, struct shard *sh) {
    for (struct special_span *span = sh->spans, *next; span; span = next) {
        next = span->next;
        struct special_place at = {.shard = sh, .span = span, .page = span->page};
        for (unsigned w = 0; w < ARRAY_LEN(span->slots) && at.span; w++)
            for (uint64_t bits = span->slots[w]; bits && at.span; bits &= bits - 1) {
                at.slot = w * 64 + bits_lowest(bits);
                mark_slot_specials(m, &at);
            }
    }
}

void trix_life_mark(struct marker *m) {
    trix_ephemerons_forget();
    trix_rc_forget();
    trix_weak_forget();
    for (unsigned i = 0; i < SHARDS; i++) {
        if (!load_relaxed(&shards[i].spans)) continue;
        lock_acquire(&shards[i].lock);
        mark_shard(m, &shards[i]);
        lock_release(&shards[i].lock);
    }
    trix_due_mark(m);
    trix_pools_mark(m);
}

bool trix_life_mark_more(struct marker *m) {
    if (trix_ephemerons_mark(m)) return true;
    trix_rc_narrow();
    trix_weak_narrow();
    return false;
}

bool trix_life_mark_last(struct marker *m) { return trix_ephemerons_mark(m) || trix_rc_mark_dead(m); }

/* ---- sweeping ---- */

/* Takes all of one kind that have become due off the object, and queues them in order. */
static bool sweep_due(struct special_place *at, enum special_kind kind) {
    bool any = false;
    for (struct special *s = trix_special_first(at), *next; s; s = next) {
        next = s->next;
        if (s->kind != kind) continue;
        trix_special_remove(at, s);
        trix_due_add(s);
        any = true;
    }
    return any;
}

/* What ends when the object is found dead, whether or not a finalizer revives it. */
static void sweep_rest(struct special_place *at) {
    for (struct special *s = trix_special_first(at), *next; s; s = next) {
        next = s->next;
        if (s->kind == SPECIAL_FINALIZER || s->kind == SPECIAL_CLEANUP || s->kind == SPECIAL_SAMPLE) continue;
        trix_special_remove(at, s);
        if (s->kind == SPECIAL_WEAK) trix_weak_clear(s->weak.handle);
        else if (s->kind == SPECIAL_EPHEMERON) trix_ephemeron_release(s);
        else if (s->kind == SPECIAL_TABLE) trix_table_dead(s->table.table);
        special_recycle(at->shard, s);
    }
}

/* True: the object has finalizers, and stays for them. */
static bool sweep_dead(struct special_place *at) {
    sweep_rest(at);
    if (sweep_due(at, SPECIAL_FINALIZER)) return true;
    sweep_due(at, SPECIAL_CLEANUP);
    drop_sample(at, false);
    return false;
}

/* The object lives on until a later cycle. */
static void revive(struct page *p, uint32_t slot) {
    bits_set(p->mark, slot);
    fetch_add_relaxed(&trix_gc.live, (int64_t)p->size);
}

void trix_life_sweep(uint32_t page) {
    struct page *p = map_page(page);
    struct special_place at = {.shard = shard_of(page), .page = page};
    lock_acquire(&at.shard->lock);
    at.span = trix_map.specials[page];
    uint64_t with[SPAN_SLOTS / 64];
    if (at.span) memcpy(with, at.span->slots, sizeof with);
    for (unsigned w = 0; w < ARRAY_LEN(with) && at.span; w++)
        for (uint64_t dead = with[w] & ~p->mark[w]; dead; dead &= dead - 1) {
            at.slot = w * 64 + bits_lowest(dead);
            if (sweep_dead(&at)) revive(p, at.slot);
        }
    lock_release(&at.shard->lock);
    trix_due_wake();
}

void trix_life_swept(void) { trix_due_wake(); }

/* ---- lists ---- */

void trix_vector_push(struct vector *v, struct special *s) {
    if (v->n == v->capacity) {
        size_t capacity = v->capacity ? v->capacity * 2 : 1024;
        struct special **wider = trix_os_map(capacity * sizeof *wider);
        if (!wider) trix_fatal("out of memory");
        if (v->item) {
            memcpy(wider, v->item, v->n * sizeof *wider);
            trix_os_unmap(v->item, v->capacity * sizeof *wider);
        }
        v->item = wider;
        v->capacity = capacity;
    }
    v->item[v->n++] = s;
}

/* ---- start ---- */

void trix_life_cycle_start(void) {
    trix_pools_age();
    trix_arenas_cycle();
}

static void init_locks(void) {
    for (unsigned i = 0; i < SHARDS; i++) shards[i].lock.rank = RANK_SPECIALS;
}

void trix_life_init(void) {
    init_locks();
    trix_due_init();
}
