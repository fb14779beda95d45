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
 *           ^       |                           (page entry being fetched)           ^ |
 *           |       +--is it in the object's own page, and not marked?---------------+ v
 *         scan <-------------------------- next batch <--------------------------------+
 *                                    (objects being fetched)
 *
 * Memory decides the speed. A miss costs a hundred instructions or more, so no address is touched when it is found:
 * first its page's entry is prefetched, and the word waits in a ring while a ringful of others passes (Cher, Hosking
 * and Vitek 2004, "Software prefetching for mark-sweep garbage collection"); then the object is prefetched, and waits
 * while a batch of others is scanned. The grey buffer itself is a stack, which keeps it short and follows allocation order. What
 * an object points to in its own page, as in trees and lists that were built at once, needs no entry fetched and is marked right away.
 * (Batches, where there was a ring, keep siblings together, which share cache lines.)
 * When few candidates are about, as in a linked list, there is nothing to hide a miss behind; then the object is
 * prefetched together with the page's entry, so that a list costs one miss an element, not two.
 *
 * (Queueing spans instead of objects, as Go's Green Tea does, was tried: with these prefetches it was never faster on
 * random graphs, and slower on trees and lists; see docs/design/gc.md.)
 *
 *   I1  Who sets a mark bit scans the object. Of a large object that is one marker; of a small one, two may in the same moment: to
 *       learn who was first costs more, at each object, than to scan one twice now and then.
 *   I2  A marker reads an object only when its slot is allocated (map.h, I1).
 *   I3  Scanning is idempotent: to scan an object twice costs time only.
 */
#include "mark.h"
#include "../heap/layout.h"
#include "../heap/object.h"
#include "../os/os.h"

#include <string.h>

enum {
    PIECE_BYTES = 16 << 10, /* large objects are scanned in pieces: markers can share them, and an assist, or a stop, is not long (50 ns a word) */
    UNIT_BYTES = HUGE_PAGES << PAGE_SHIFT, /* of a huge object: scanned only when touched */
    HUGE_OBJECT = 64 << 20
};

/* The loop keeps a copy of m->hot in registers; around calls of functions that are not inlined it is put back. */
#define OUT_OF_LINE(call)                                                                                      \
    do {                                                                                                       \
        m->hot = *h;                                                                                           \
        call;                                                                                                  \
        *h = m->hot;                                                                                           \
    } while (0)

/* ---- the grey buffer ---- */

INLINE void grey_adopt(struct marker_hot *h, struct workbuf *buf) {
    h->grey = buf;
    h->top = buf ? buf->item + buf->n : NULL;
    h->limit = buf ? buf->item + WORKBUF_ITEMS : NULL;
}

/* Without its count no buffer may leave the marker. */
INLINE void grey_settle(struct marker_hot *h) { h->grey->n = (uint32_t)(h->top - h->grey->item); }

INLINE uint32_t grey_count(const struct marker_hot *h) { return h->grey ? (uint32_t)(h->top - h->grey->item) : 0; }

/* With no memory for another buffer the object is dropped: it is marked, and the cycle will find it (work.h). */
static NOINLINE void grey_overflow(struct marker *m) {
    struct workbuf *fresh = trix_workbuf_get(WORK_KIND_GREY);
    if (!fresh) {
        store_relaxed(&trix_work_overflow, 1);
        return;
    }
    if (m->hot.grey) {
        grey_settle(&m->hot);
        trix_work_push(m->hot.grey);
    }
    grey_adopt(&m->hot, fresh);
}

INLINE void grey_push(struct marker *m, struct marker_hot *h, uint64_t item) {
    if (UNLIKELY(h->top == h->limit)) {
        OUT_OF_LINE(grey_overflow(m));
        if (h->top == h->limit) return;
    }
    *h->top++ = item;
}

/* Somebody waits and the shared list is empty: half of ours goes there. */
static NOINLINE void grey_share(struct marker *m) {
    uint32_t n = grey_count(&m->hot);
    if (n < 8) return;
    struct workbuf *grey = m->hot.grey, *half = trix_workbuf_get(WORK_KIND_GREY);
    if (!half) return;
    half->n = n / 2; /* the older half: nearer the roots, so more below it */
    memcpy(half->item, grey->item, half->n * sizeof half->item[0]);
    memmove(grey->item, grey->item + half->n, (n - half->n) * sizeof half->item[0]);
    m->hot.top -= half->n;
    trix_work_push(half);
}

/* ---- marking ---- */

/* Sets a mark bit; true when it was 0: the caller scans the object now. (An or whose result nobody wants is some ten cycles shorter.) */
INLINE bool mark_slot(struct page *p, uint32_t slot) {
    uint64_t *word = &p->mark[slot >> 6], bit = 1ull << (slot & 63);
    if (load_relaxed(word) & bit) return false;
    fetch_or_relaxed(word, bit);
    return true;
}

static NOINLINE bool mark_large(struct page *p) {
    return !(load_relaxed(&p->mark[0]) & 1) && !(fetch_or_relaxed(&p->mark[0], 1) & 1);
}

INLINE void mark_object(struct marker *m, struct marker_hot *h, struct page *p, uint64_t span_offset, uint32_t slot,
                        uint8_t kind) {
    if (!(LIKELY(!page_is_large(p)) ? mark_slot(p, slot) : mark_large(p))) return;
    uint64_t size = p->size;
    h->marked_bytes += size;
    if (kind == PAGE_LEAF) return;
    uint64_t start = span_offset + slot * size; /* a large object's slot is 0 */
    grey_push(m, h, WORK_GREY(start, p->layout));
}

/* A pointer into a page that is not the first of its span. */
static NOINLINE void resolve_tail(struct marker *m, uint64_t offset) {
    struct marker_hot *h = &m->hot;
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    if (!page) return;
    struct page *p = map_page(page);
    uint64_t span_offset = (uint64_t)page << PAGE_SHIFT;
    uint8_t kind = load_acquire(&p->kind);
    if (kind == PAGE_SCAN || kind == PAGE_LEAF)
        mark_object(m, h, p, span_offset, page_slot(p, offset - span_offset), kind);
}

/* Marks the object that the address points into, if any. */
INLINE void resolve(struct marker *m, struct marker_hot *h, uint64_t offset) {
    struct page *p = map_page((uint32_t)(offset >> PAGE_SHIFT));
    uint8_t kind = load_acquire(&p->kind);
    if (LIKELY(kind == PAGE_SCAN || kind == PAGE_LEAF))
        mark_object(m, h, p, round_down(offset, PAGE_SIZE), page_slot(p, offset & (PAGE_SIZE - 1)), kind);
    else OUT_OF_LINE(resolve_tail(m, offset));
}

/* ---- roots and raw words ---- */

/* A root word that equals the start of a typed object may also be the end of the one before it. */
static void resolve_exact_end(struct marker *m, uint64_t offset) {
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    uint64_t before = offset - 1, span_offset = (uint64_t)page << PAGE_SHIFT;
    const struct page *p = map_page(page);
    bool starts_slot = page && !page_is_large(p) && (offset - span_offset) % p->size == 0;
    if (offset && (!page || offset == span_offset || (starts_slot && p->exact))) {
        uint32_t other = trix_map_span((uint32_t)(before >> PAGE_SHIFT));
        if (other && map_page(other)->exact) resolve(m, &m->hot, before);
    }
}

/* A word from a root, or from a barrier buffer. */
static void resolve_raw(struct marker *m, uint64_t raw) {
    resolve(m, &m->hot, WORK_OFFSET(raw));
    if (raw & RAW_ROOT) resolve_exact_end(m, WORK_OFFSET(raw));
}

static void take_raw(struct marker *m, struct workbuf *raw) {
    enum { AHEAD = 8 };
    for (uint32_t i = 0; i < raw->n; i++) {
        if (i + AHEAD < raw->n)
            __builtin_prefetch(map_page((uint32_t)(WORK_OFFSET(raw->item[i + AHEAD]) >> PAGE_SHIFT)));
        resolve_raw(m, raw->item[i]);
    }
    trix_workbuf_put(raw);
}

/* Makes sure that the marker has grey objects if there are any in the shared list. */
static NOINLINE bool grey_refill(struct marker *m) {
    while (!grey_count(&m->hot)) {
        struct workbuf *buf = trix_work_pop();
        if (!buf) return false;
        if (buf->kind == WORK_KIND_RAW) {
            take_raw(m, buf);
            continue;
        }
        if (m->hot.grey) trix_workbuf_put(m->hot.grey);
        grey_adopt(&m->hot, buf);
    }
    return true;
}

/* ---- the candidate ring ---- */

static NOINLINE void resolve_candidates(struct marker *m) {
    for (; m->hot.candidates; m->hot.candidates--) resolve(m, &m->hot, m->candidate[m->hot.candidate_at++ % CANDIDATES]);
}

/* A word of an object, as an offset: if it may be a pointer, it waits in the ring while its page's entry is fetched. */
INLINE void consider_offset(struct marker *m, struct marker_hot *h, uint64_t offset) {
    if (offset >= h->extent) return;
    __builtin_prefetch(map_page((uint32_t)(offset >> PAGE_SHIFT)), 1);
    if (h->candidates < 2) __builtin_prefetch((void *)(trix_map.base + offset));
    uint32_t at = h->candidate_at + h->candidates;
    if (LIKELY(h->candidates == CANDIDATES)) {
        uint64_t oldest = m->candidate[at % CANDIDATES];
        m->candidate[at % CANDIDATES] = offset;
        h->candidate_at++;
        resolve(m, h, oldest);
    } else {
        m->candidate[at % CANDIDATES] = offset;
        h->candidates++;
    }
}

INLINE void consider(struct marker *m, struct marker_hot *h, uintptr_t word) { consider_offset(m, h, word - trix_map.base); }

/* ---- scanning ---- */

INLINE void scan_mask(struct marker *m, struct marker_hot *h, const uint64_t *words, uint64_t mask) {
    while (mask) {
        consider(m, h, load_relaxed(&words[bits_lowest(mask)]));
        mask &= mask - 1;
    }
}

INLINE void scan_all(struct marker *m, struct marker_hot *h, const uint64_t *words, size_t n) {
    for (size_t i = 0; i < n; i++) consider(m, h, load_relaxed(&words[i]));
}

/* An object of a masked layout with more than 64 words. */
static NOINLINE void scan_long(struct marker *m, const uint64_t *words, const struct layout *l) {
    scan_mask(m, &m->hot, words, l->mask);
    for (unsigned w = 64; w < l->words; w += 64) scan_mask(m, &m->hot, words + w, l->more[w / 64 - 1]);
}

static void scan_masked(struct marker *m, const uint64_t *words, const struct layout *l) {
    if (l->words <= 64) scan_mask(m, &m->hot, words, l->mask);
    else scan_long(m, words, l);
}

/* An element that the object's end cuts off (after tri_realloc to an odd size). */
static void scan_cut(struct marker *m, const uint64_t *words, const struct layout *l, uint64_t bytes) {
    for (uint64_t w = 0; w < bytes / 8 && w < l->words; w++)
        if (w < 64 ? l->mask >> w & 1 : bits_test(l->more, w - 64)) consider(m, &m->hot, load_relaxed(&words[w]));
}

/* Bytes [from, to) of an object of `bytes` bytes that holds what `element` says over and over. Elements are scanned
 * whole, so neighbouring pieces overlap by one. */
static void scan_repeated(struct marker *m, uintptr_t start, uint64_t from, uint64_t to, uint64_t bytes,
                          const struct layout *element) {
    if (element->kind == LAYOUT_ANY) {
        scan_all(m, &m->hot, (const uint64_t *)(start + from), (to - from) / 8);
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
    if (from < to) scan_all(m, &m->hot, (const uint64_t *)(start + from), (to - from) / 8);
}

/* Bytes [from, to) of an object of `bytes` bytes whose trailer names that layout. (A large one may have grown since its trailer was
 * written.) */
static void scan_as(struct marker *m, uintptr_t start, uint64_t from, uint64_t to, uint64_t bytes, unsigned layout) {
    const struct layout *l = layout_by_id(layout);
    switch (l->kind) {
    case LAYOUT_LEAF: break;
    case LAYOUT_TAIL_LEAF:
    case LAYOUT_TAIL_ANY: scan_flexible(m, start, from, to, l); break;
    default: scan_repeated(m, start, from, to, bytes, l);
    }
}

static NOINLINE void scan_trailed(struct marker *m, uintptr_t start, const struct layout *l) {
    uint64_t trailer = load_acquire(slot_trailer(start, l->size));
    uint64_t limit = l->size - 8;
    if (trailer == 0) return; /* being made: nothing in it yet */
    if (UNLIKELY(!trailer_valid(trailer) || trailer_bytes(trailer) > limit))
        scan_all(m, &m->hot, (const uint64_t *)start, l->size / 8);
    else scan_as(m, start, 0, trailer_bytes(trailer), trailer_bytes(trailer), trailer_layout(trailer));
}

/* A piece of an arena's chunk, unless the arena is freed meanwhile; who frees it waits for us (life/arena.c). */
static void scan_arena(struct marker *m, struct page *p, uintptr_t start, uint64_t from, uint64_t to) {
    fetch_add_seq(&p->large.readers, 1);
    uint64_t type = load_seq(&p->large.type);
    if (type) scan_as(m, start, from, to, to, trailer_layout(type));
    fetch_sub_seq(&p->large.readers, 1);
}

/* Most of a huge object may never have been touched (a ballast): what has no memory is all zero, and reading it would give it
 * page tables at least. So before each unit of a huge page the kernel is asked, and pieces end where units do: reading
 * into the next one would touch it. */
static bool unit_is_untouched(uintptr_t at, uint64_t bytes) {
    return at % UNIT_BYTES == 0 && bytes >= UNIT_BYTES && trix_os_untouched((const void *)at, UNIT_BYTES);
}

/* Where the piece ends that begins at `from`. */
static uint64_t piece_end(uintptr_t start, uint64_t from, uint64_t bytes) {
    uint64_t to = min_u64(from + PIECE_BYTES, bytes);
    return LIKELY(bytes < HUGE_OBJECT) ? to : min_u64(to, round_down(start + from, UNIT_BYTES) + UNIT_BYTES - start);
}

/* One piece of a large object; returns where the rest begins, 0: none. It goes back to the grey buffer, where others can take it, if it is
 * to be shared. */
static NOINLINE uint64_t scan_large(struct marker *m, uint64_t offset, bool share) {
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    struct page *p = map_page(page);
    uint64_t type = load_acquire(&p->large.type);
    if (!type) return 0; /* being zeroed, or a freed arena's */
    uintptr_t start = map_address(page);
    uint64_t from = offset - ((uint64_t)page << PAGE_SHIFT), bytes = load_acquire(&p->large.bytes);
    if (from >= bytes) return 0;
    bool untouched = UNLIKELY(bytes >= HUGE_OBJECT) && unit_is_untouched(start + from, bytes - from);
    uint64_t to = untouched ? from + UNIT_BYTES : piece_end(start, from, bytes);
    uint64_t rest = to < bytes ? offset + (to - from) : 0;
    if (rest && share) grey_push(m, &m->hot, WORK_GREY(rest, LAYOUT_ID_LARGE));
    if (untouched) return rest;
    m->hot.work += to - from;
    if (trailer_layout(type) == LAYOUT_ID_ARENA) scan_arena(m, p, start, from, to);
    else scan_as(m, start, from, to, bytes, trailer_layout(type));
    return rest;
}

static NOINLINE void scan_any(struct marker *m, const uint64_t *words, const struct layout *l) {
    scan_all(m, &m->hot, words, l->words);
}

/* An object whose mask is one word. What it points to in its own page, whose entry is at hand, is marked at once, and is of the same
 * layout. (A span of several pages has one entry, so there `near` is 0.) */
INLINE void scan_brief(struct marker *m, struct marker_hot *h, uint64_t item, const struct layout *l) {
    uintptr_t start = trix_map.base + WORK_OFFSET(item);
    const uint64_t *words = (const uint64_t *)start;
    uint64_t mask = l->brief;
    do {
        uint64_t word = load_relaxed(&words[bits_lowest(mask)]);
        if (!word) {
            /* most often */
        } else if (UNLIKELY((word ^ start) < l->near)) {
            uint32_t slot = (uint32_t)((word & (PAGE_SIZE - 1)) * l->magic >> 32);
            if (mark_slot(map_page((uint32_t)(WORK_OFFSET(item) >> PAGE_SHIFT)), slot)) {
                __builtin_prefetch((const void *)word);
                h->marked_bytes += l->size;
                grey_push(m, h, round_down(item, PAGE_SIZE) + slot * (uint64_t)l->size);
            }
        } else {
            consider_offset(m, h, word - trix_map.base);
        }
        mask &= mask - 1;
    } while (mask);
}

INLINE void scan(struct marker *m, struct marker_hot *h, uint64_t item) {
    uint64_t offset = WORK_OFFSET(item);
    const struct layout *l = layout_by_id(WORK_LAYOUT(item));
    uintptr_t start = trix_map.base + offset;
    h->work += l->size;
    if (LIKELY(l->brief)) {
        scan_brief(m, h, item, l);
        return;
    }
    switch (l->kind) {
    case LAYOUT_MASK: OUT_OF_LINE(scan_long(m, (const uint64_t *)start, l)); break;
    case LAYOUT_ANY: OUT_OF_LINE(scan_any(m, (const uint64_t *)start, l)); break;
    case LAYOUT_TRAILED: OUT_OF_LINE(scan_trailed(m, start, l)); break;
    default: OUT_OF_LINE(scan_large(m, offset, true));
    }
}

/* ---- the loop ---- */

/* Takes the next batch from the top of the grey buffer: how many. (A constant number of items is copied, whatever lies there.) */
INLINE uint32_t next_batch(struct marker_hot *h, uint64_t *batch) {
    uint32_t n = (uint32_t)min_u64(grey_count(h), LOOKAHEAD);
    if (!n) return 0;
    h->top -= n;
    memcpy(batch, h->top, LOOKAHEAD * sizeof batch[0]);
    return n;
}

INLINE void fetch(uint64_t item) { __builtin_prefetch((const void *)(trix_map.base + WORK_OFFSET(item))); }

/* Scans a batch, the newest object first, while the memory of the next one is fetched; or resolves candidates where no object is at
 * hand. False: nothing left in private. */
INLINE bool drain_some(struct marker *m, struct marker_hot *h) {
    const uint64_t *now = m->ahead[h->batch];
    uint64_t *next = m->ahead[h->batch ^= 1];
    uint32_t n = h->aheads, left = h->aheads = next_batch(h, next);
    if (UNLIKELY(!n && !left)) {
        if (!h->candidates) return false;
        OUT_OF_LINE(resolve_candidates(m));
        return true;
    }
    while (n) {
        if (LIKELY(left)) fetch(next[--left]);
        scan(m, h, now[--n]);
    }
    while (left) fetch(next[--left]);
    return true;
}

bool trix_marker_drain(struct marker *m, uint64_t budget) {
    struct marker_hot hot = m->hot, *h = &hot;
    uint64_t until = hot.work + budget;
    bool more = true;
    hot.extent = load_acquire(&trix_map.extent);
    while (more && hot.work < until) {
        if (!drain_some(m, h)) OUT_OF_LINE(more = grey_refill(m));
        if (UNLIKELY(trix_work_wanted())) OUT_OF_LINE(grey_share(m));
    }
    m->hot = hot;
    return more;
}

void trix_marker_flush(struct marker *m) {
    struct marker_hot *h = &m->hot;
    resolve_candidates(m);
    while (h->aheads) grey_push(m, h, m->ahead[h->batch][--h->aheads]);
    if (!h->grey) return;
    grey_settle(h);
    if (h->grey->n) trix_work_push(h->grey);
    else trix_workbuf_put(h->grey);
    grey_adopt(h, NULL);
}

/* ---- roots ---- */

RACY_READS static void scan_words(struct marker *m, const uint64_t *word, const uint64_t *end, uint64_t flags) {
    uint64_t base = trix_map.base, extent = load_acquire(&trix_map.extent);
    for (; word < end; word++) {
        uint64_t offset = load_relaxed(word) - base;
        if (offset < extent) resolve_raw(m, offset | flags);
    }
}

/* Most of what is looked at in a stop, globals, is zero: lines of that are passed over. */
RACY_READS void trix_marker_scan_range(struct marker *m, const void *lo, const void *hi, bool exact_ends) {
    const uint64_t *word = (const uint64_t *)round_up((uintptr_t)lo, 8);
    const uint64_t *end = (const uint64_t *)round_down((uintptr_t)hi, 8);
    uint64_t flags = exact_ends ? RAW_ROOT : 0;
    for (; word + 8 <= end; word += 8) {
        uint64_t any = load_relaxed(word) | load_relaxed(word + 1) | load_relaxed(word + 2) | load_relaxed(word + 3) |
                       load_relaxed(word + 4) | load_relaxed(word + 5) | load_relaxed(word + 6) | load_relaxed(word + 7);
        if (any) scan_words(m, word, word + 8, flags);
    }
    scan_words(m, word, end, flags);
}

void trix_marker_shade(struct marker *m, uintptr_t pointer) {
    uint64_t offset = pointer - trix_map.base;
    if (offset < load_acquire(&trix_map.extent)) resolve_raw(m, offset);
}

/* The entry of the span that an address lies in, and the slot; NULL when it is in none. */
static struct page *find_slot(uint64_t offset, uint32_t *slot) {
    if (offset >= load_acquire(&trix_map.extent)) return NULL;
    uint32_t page = trix_map_span((uint32_t)(offset >> PAGE_SHIFT));
    if (!page) return NULL;
    struct page *p = map_page(page);
    *slot = page_slot(p, offset - ((uint64_t)page << PAGE_SHIFT));
    return p;
}

bool trix_marker_is_marked(uintptr_t pointer) {
    uint32_t slot;
    const struct page *p = find_slot(pointer - trix_map.base, &slot);
    return !p || (load_relaxed(&p->mark[slot >> 6]) >> (slot & 63) & 1);
}

/* ---- slow walks ---- */

/* Whole, and at once. An object that has been marked before must not be dropped for want of a buffer: it would be so each time the heap is
 * gone over, and marking never end. */
static NOINLINE void rescan(struct marker *m, uint64_t item) {
    if (WORK_LAYOUT(item) != LAYOUT_ID_LARGE) scan(m, &m->hot, item);
    else
        for (uint64_t at = WORK_OFFSET(item); at; at = scan_large(m, at, false)) {}
}

void trix_marker_scan_object(struct marker *m, uintptr_t start) {
    uint32_t slot;
    const struct page *p = find_slot(start - trix_map.base, &slot);
    if (!p || load_acquire(&p->kind) != PAGE_SCAN) return;
    uint64_t item = WORK_GREY(start - trix_map.base, p->layout);
    if (m->hot.top < m->hot.limit) {
        grey_push(m, &m->hot, item);
        return;
    }
    m->hot.extent = load_acquire(&trix_map.extent); /* as of the last time it drained, if it ever has */
    rescan(m, item); /* there may be no room */
}

/* Scans each marked object of one span. */
static void rescan_span(struct marker *m, uint32_t page) {
    struct page *p = map_page(page);
    uint64_t span_offset = (uint64_t)page << PAGE_SHIFT;
    if (page_is_large(p)) {
        if (load_relaxed(&p->mark[0]) & 1) rescan(m, WORK_GREY(span_offset, LAYOUT_ID_LARGE));
        return;
    }
    const struct layout *l = layout_by_id(p->layout);
    const uint64_t *alloc = map_alloc_bits(page);
    for (unsigned w = 0; w * 64 < l->slots; w++)
        for (uint64_t bits = alloc[w] & load_relaxed(&p->mark[w]); bits; bits &= bits - 1)
            rescan(m, WORK_GREY(span_offset + (w * 64 + bits_lowest(bits)) * p->size, p->layout));
}

void trix_marker_rescan_heap(struct marker *m) {
    m->hot.extent = load_acquire(&trix_map.extent);
    for (uint64_t page = 1; page < m->hot.extent >> PAGE_SHIFT; page++)
        if (load_acquire(&map_page((uint32_t)page)->kind) == PAGE_SCAN) rescan_span(m, (uint32_t)page);
}
