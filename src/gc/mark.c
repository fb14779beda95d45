/* mark.c - tracing the heap.
 *
 * White, grey, black: an object is white while its mark bit is 0, grey while it is marked and waits in some buffer of
 * work, black when it has been scanned. Leaves go from white to black at once. Objects born while marking are black
 * from birth, and so, in a manner of speaking, is free memory: the mark bit of a free slot is 1 (map.h, I1), so
 * whatever stale pointer leads there ends there.
 *
 * The life of a pointer found while scanning:
 *
 *     word in an object --is it in the heap?--> candidate ring --is it marked?--> grey buffer
 *           ^                                   (page entry being fetched)             |
 *           |                                                                          v
 *         scan <------------------------- lookahead ring <-----------------------------+
 *                                    (object being fetched)
 *
 * Memory decides the speed. A miss costs a hundred instructions or more, so no address is touched when it is found:
 * first its page's entry is prefetched, and the word waits in a ring while sixteen others pass (Cher, Hosking
 * and Vitek 2004, "Software prefetching for mark-sweep garbage collection"); then the object is prefetched, and waits
 * while eight others pass. The grey buffer itself is a stack, which keeps it short and follows allocation order.
 * When few candidates are about, as in a linked list, there is nothing to hide a miss behind; then the object is
 * prefetched together with the page's entry, so that a list costs one miss an element, not two.
 *
 * (Queueing spans instead of objects, as Go's Green Tea does, was tried: with these prefetches it was never faster on
 * random graphs, and slower on trees and lists; see docs/design/gc.md.)
 *
 *   I1  A mark bit is set by exactly one marker, which then owns the object's scan.
 *   I2  A marker reads an object only when its slot is allocated (map.h, I1).
 *   I3  Scanning is idempotent: to scan an object twice costs time only.
 */
#include "mark.h"
#include "../heap/layout.h"
#include "../heap/object.h"
#include "../os/os.h"

#include <string.h>

enum { PIECE_BYTES = 128 << 10 }; /* large objects are scanned in pieces, so that markers can share them */

static void resolve(struct marker *m, uint64_t candidate);

/* ---- the grey buffer ---- */

/* With no memory for another buffer the object is dropped: it is marked, and the cycle will find it (work.h). */
static NOINLINE void grey_overflow(struct marker *m) {
    struct workbuf *fresh = trix_workbuf_get(WORK_KIND_GREY);
    if (!fresh) {
        store_relaxed(&trix_work_overflow, 1);
        return;
    }
    if (m->grey) trix_work_push(m->grey);
    m->grey = fresh;
}

INLINE void grey_push(struct marker *m, uint64_t item) {
    if (UNLIKELY(!m->grey || m->grey->n == WORKBUF_ITEMS)) {
        grey_overflow(m);
        if (!m->grey || m->grey->n == WORKBUF_ITEMS) return;
    }
    m->grey->item[m->grey->n++] = item;
}

/* Takes over a buffer of raw words: they become candidates. */
static void take_raw(struct marker *m, struct workbuf *raw) {
    for (uint32_t i = 0; i < raw->n; i++) {
        if (i + 8 < raw->n) __builtin_prefetch(map_page((uint32_t)(WORK_OFFSET(raw->item[i + 8]) >> PAGE_SHIFT)));
        resolve(m, raw->item[i]);
    }
    trix_workbuf_put(raw);
}

/* Makes sure that the marker has grey objects if there are any in the shared list. */
static bool grey_refill(struct marker *m) {
    while (!m->grey || m->grey->n == 0) {
        struct workbuf *buf = trix_work_pop();
        if (!buf) return false;
        if (buf->kind == WORK_KIND_RAW) {
            take_raw(m, buf);
            continue;
        }
        if (m->grey) trix_workbuf_put(m->grey);
        m->grey = buf;
    }
    return true;
}

/* Somebody waits and the shared list is empty: half of ours goes there. */
static NOINLINE void grey_share(struct marker *m) {
    if (!m->grey || m->grey->n < 8) return;
    struct workbuf *half = trix_workbuf_get(WORK_KIND_GREY);
    if (!half) return;
    half->n = m->grey->n / 2; /* the older half: nearer the roots, so more below it */
    memcpy(half->item, m->grey->item, half->n * sizeof half->item[0]);
    m->grey->n -= half->n;
    memmove(m->grey->item, m->grey->item + half->n, m->grey->n * sizeof half->item[0]);
    trix_work_push(half);
}

/* ---- marking ---- */

/* Sets a mark bit; true when it was 0: the caller owns the object now. */
INLINE bool mark_slot(struct page *p, uint32_t slot) {
    uint64_t *word = &p->mark[slot >> 6], bit = 1ull << (slot & 63);
    if (load_relaxed(word) & bit) return false;
    return !(fetch_or_relaxed(word, bit) & bit);
}

INLINE void mark_object(struct marker *m, struct page *p, uint64_t span_offset, uint32_t slot, uint8_t kind) {
    if (!mark_slot(p, slot)) return;
    m->marked_bytes += p->size;
    m->marked_objects++;
    if (kind == PAGE_LEAF) return;
    uint64_t start = page_is_large(p) ? span_offset : span_offset + slot * p->size;
    grey_push(m, WORK_GREY(start, p->layout));
}

/* A pointer into a page that is not the first of its span. */
static NOINLINE void resolve_tail(struct marker *m, uint64_t offset) {
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    if (!page) return;
    struct page *p = map_page(page);
    uint64_t span_offset = (uint64_t)page << PAGE_SHIFT;
    uint8_t kind = load_acquire(&p->kind);
    if (kind == PAGE_SCAN || kind == PAGE_LEAF)
        mark_object(m, p, span_offset, page_slot(p, offset - span_offset), kind);
}

/* A root word that equals the start of a typed object may also be the end of the one before it. */
static NOINLINE void resolve_exact_end(struct marker *m, uint64_t offset) {
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    uint64_t before = offset - 1, span_offset = (uint64_t)page << PAGE_SHIFT;
    const struct page *p = map_page(page);
    bool starts_slot = page && !page_is_large(p) && (offset - span_offset) % p->size == 0;
    if (offset && (!page || offset == span_offset || (starts_slot && p->exact))) {
        uint32_t other = trix_map_span((uint32_t)(before >> PAGE_SHIFT));
        if (other && map_page(other)->exact) resolve(m, before);
    }
}

/* Marks the object that a candidate points into, if any. */
static void resolve(struct marker *m, uint64_t candidate) {
    uint64_t offset = WORK_OFFSET(candidate);
    struct page *p = map_page((uint32_t)(offset >> PAGE_SHIFT));
    uint8_t kind = load_acquire(&p->kind);
    if (LIKELY(kind == PAGE_SCAN || kind == PAGE_LEAF))
        mark_object(m, p, round_down(offset, PAGE_SIZE), page_slot(p, offset & (PAGE_SIZE - 1)), kind);
    else resolve_tail(m, offset);
    if (UNLIKELY(candidate & RAW_ROOT)) resolve_exact_end(m, offset);
}

/* ---- the candidate ring ---- */

INLINE uint64_t candidate_take(struct marker *m) {
    uint64_t c = m->candidate[m->candidate_at++ % CANDIDATES];
    m->candidates--;
    return c;
}

INLINE void candidate_add(struct marker *m, uint64_t offset, uint64_t flags) {
    __builtin_prefetch(map_page((uint32_t)(offset >> PAGE_SHIFT)), 1);
    if (m->candidates < 2) __builtin_prefetch((void *)(trix_map.base + offset));
    if (m->candidates == CANDIDATES) resolve(m, candidate_take(m));
    m->candidate[(m->candidate_at + m->candidates++) % CANDIDATES] = offset | flags;
}

INLINE void consider(struct marker *m, uintptr_t word) {
    uint64_t offset = word - trix_map.base;
    if (offset < m->extent) candidate_add(m, offset, 0);
}

static void candidates_resolve(struct marker *m) {
    while (m->candidates) resolve(m, candidate_take(m));
}

/* ---- scanning ---- */

INLINE void scan_mask(struct marker *m, const uint64_t *words, uint64_t mask) {
    while (mask) {
        consider(m, load_relaxed(&words[bits_lowest(mask)]));
        mask &= mask - 1;
    }
}

INLINE void scan_all(struct marker *m, const uint64_t *words, size_t n) {
    for (size_t i = 0; i < n; i++) consider(m, load_relaxed(&words[i]));
}

/* One object of a masked layout. */
INLINE void scan_masked(struct marker *m, const uint64_t *words, const struct layout *l) {
    scan_mask(m, words, l->mask);
    if (LIKELY(l->words <= 64)) return;
    for (unsigned w = 64; w < l->words; w += 64) scan_mask(m, words + w, l->more[w / 64 - 1]);
}

/* An element that the object's end cuts off (after tri_realloc to an odd size). */
static NOINLINE void scan_cut(struct marker *m, const uint64_t *words, const struct layout *l, uint64_t bytes) {
    for (uint64_t w = 0; w < bytes / 8 && w < l->words; w++)
        if (w < 64 ? l->mask >> w & 1 : bits_test(l->more, w - 64)) consider(m, load_relaxed(&words[w]));
}

/* Bytes [from, to) of an object of `bytes` bytes that holds what `element` says over and over. Elements are scanned
 * whole, so neighbouring pieces overlap by one. */
static void scan_repeated(struct marker *m, uintptr_t start, uint64_t from, uint64_t to, uint64_t bytes,
                          const struct layout *element) {
    if (element->kind == LAYOUT_ANY) {
        scan_all(m, (const uint64_t *)(start + from), (to - from) / 8);
        return;
    }
    for (uint64_t at = from / element->size * element->size; at < to; at += element->size)
        if (LIKELY(at + element->size <= bytes)) scan_masked(m, (const uint64_t *)(start + at), element);
        else scan_cut(m, (const uint64_t *)(start + at), element, bytes - at);
}

/* Bytes [from, to) of a flexible struct. */
static void scan_flexible(struct marker *m, uintptr_t start, uint64_t from, uint64_t to, const struct layout *l) {
    if (from == 0) scan_masked(m, (const uint64_t *)start, l);
    if (l->kind == LAYOUT_TAIL_LEAF) return;
    from = max_u64(from, l->size);
    if (from < to) scan_all(m, (const uint64_t *)(start + from), (to - from) / 8);
}

/* Bytes [from, to) of an object with that trailer. */
static void scan_by_trailer(struct marker *m, uintptr_t start, uint64_t from, uint64_t to, uint64_t trailer) {
    const struct layout *l = layout_by_id(trailer_layout(trailer));
    switch (l->kind) {
    case LAYOUT_LEAF: break;
    case LAYOUT_TAIL_LEAF:
    case LAYOUT_TAIL_ANY: scan_flexible(m, start, from, to, l); break;
    default: scan_repeated(m, start, from, to, trailer_bytes(trailer), l);
    }
}

static void scan_trailed(struct marker *m, uintptr_t start, const struct layout *l) {
    uint64_t trailer = load_acquire(slot_trailer(start, l->size));
    uint64_t limit = l->size - 8;
    if (trailer == 0) return; /* being made: nothing in it yet */
    if (UNLIKELY(!trailer_valid(trailer) || trailer_bytes(trailer) > limit))
        scan_all(m, (const uint64_t *)start, l->size / 8);
    else scan_by_trailer(m, start, 0, trailer_bytes(trailer), trailer);
}

/* One piece of a large object; the rest goes back to the grey buffer, where others can take it. */
static void scan_large(struct marker *m, uint64_t offset) {
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    const struct page *p = map_page(page);
    uint64_t type = load_acquire(&p->large.type);
    if (!type) return; /* being zeroed */
    uint64_t from = offset - ((uint64_t)page << PAGE_SHIFT), to = from + PIECE_BYTES;
    uint64_t bytes = p->large.bytes;
    if (to < bytes) grey_push(m, WORK_GREY(offset + PIECE_BYTES, LAYOUT_ID_LARGE));
    else to = bytes;
    m->work += to - from;
    if (from < to) scan_by_trailer(m, map_address(page), from, to, type);
}

INLINE void scan(struct marker *m, uint64_t item) {
    uint64_t offset = WORK_OFFSET(item);
    const struct layout *l = layout_by_id(WORK_LAYOUT(item));
    uintptr_t start = trix_map.base + offset;
    m->work += l->size;
    switch (l->kind) {
    case LAYOUT_MASK: scan_masked(m, (const uint64_t *)start, l); break;
    case LAYOUT_ANY: scan_all(m, (const uint64_t *)start, l->words); break;
    case LAYOUT_TRAILED: scan_trailed(m, start, l); break;
    default: scan_large(m, offset);
    }
}

/* ---- the loop ---- */

/* Tops the lookahead ring up from the grey buffer. */
INLINE void look_ahead(struct marker *m) {
    while (m->aheads < LOOKAHEAD && m->grey && m->grey->n) {
        uint64_t item = m->grey->item[--m->grey->n];
        const char *object = (const char *)(trix_map.base + WORK_OFFSET(item));
        __builtin_prefetch(object);
        m->ahead[(m->ahead_at + m->aheads++) % LOOKAHEAD] = item;
    }
}

bool trix_marker_drain(struct marker *m, uint64_t budget) {
    uint64_t until = m->work + budget;
    m->extent = load_acquire(&trix_map.extent);
    while (m->work < until) {
        look_ahead(m);
        if (LIKELY(m->aheads)) {
            m->aheads--;
            scan(m, m->ahead[m->ahead_at++ % LOOKAHEAD]);
        } else if (m->candidates) {
            resolve(m, candidate_take(m));
        } else if (!grey_refill(m)) {
            return false;
        }
        if (UNLIKELY(trix_work_wanted())) grey_share(m);
    }
    return true;
}

void trix_marker_flush(struct marker *m) {
    candidates_resolve(m);
    while (m->aheads) {
        m->aheads--;
        grey_push(m, m->ahead[m->ahead_at++ % LOOKAHEAD]);
    }
    if (!m->grey) return;
    if (m->grey->n) trix_work_push(m->grey);
    else trix_workbuf_put(m->grey);
    m->grey = NULL;
}

/* ---- roots ---- */

RACY_READS void trix_marker_scan_range(struct marker *m, const void *lo, const void *hi, bool exact_ends) {
    const uint64_t *word = (const uint64_t *)round_up((uintptr_t)lo, 8);
    const uint64_t *end = (const uint64_t *)round_down((uintptr_t)hi, 8);
    m->extent = load_acquire(&trix_map.extent);
    for (; word < end; word++) {
        uint64_t offset = load_relaxed(word) - trix_map.base;
        if (offset < m->extent) candidate_add(m, offset, exact_ends ? RAW_ROOT : 0);
    }
}

void trix_marker_shade(struct marker *m, uintptr_t pointer) {
    m->extent = load_acquire(&trix_map.extent);
    consider(m, pointer);
}

/* ---- slow walks ---- */

/* Calls scan for each marked object of one span. */
static void rescan_span(struct marker *m, uint32_t page) {
    struct page *p = map_page(page);
    uint64_t span_offset = (uint64_t)page << PAGE_SHIFT;
    if (page_is_large(p)) {
        if (load_relaxed(&p->mark[0]) & 1) scan(m, WORK_GREY(span_offset, LAYOUT_ID_LARGE));
        return;
    }
    const struct layout *l = layout_by_id(p->layout);
    const uint64_t *alloc = map_alloc_bits(page);
    for (unsigned w = 0; w * 64 < l->slots; w++)
        for (uint64_t bits = alloc[w] & load_relaxed(&p->mark[w]); bits; bits &= bits - 1)
            scan(m, WORK_GREY(span_offset + (w * 64 + bits_lowest(bits)) * p->size, p->layout));
}

void trix_marker_rescan_heap(struct marker *m) {
    m->extent = load_acquire(&trix_map.extent);
    for (uint64_t page = 1; page < m->extent >> PAGE_SHIFT; page++)
        if (load_acquire(&map_page((uint32_t)page)->kind) == PAGE_SCAN) rescan_span(m, (uint32_t)page);
}
