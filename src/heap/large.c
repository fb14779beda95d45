/* large.c - see large.h. */
#include "large.h"
#include "cache.h"
#include "central.h"
#include "pageheap.h"
#include "scavenge.h"
#include "../os/os.h"
#include "../os/races.h"

#include <errno.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

uint64_t trix_large_mallocs, trix_large_frees, trix_large_bytes_made, trix_large_bytes_freed;

enum {
    LONG_BYTES = 128 << 10,  /* some 10 µs: longer than a stop should wait */
    STREAM_BYTES = 1 << 20,  /* zero past the caches from here on */
    RELEASE_BYTES = 16 << 20 /* from here on, dropping the pages is cheaper than writing them */
};

/* ---- zeroing ---- */

#if defined(__x86_64__)
static void zero_streaming(char *at, size_t bytes) {
    __m128i zero = _mm_setzero_si128();
    for (char *end = at + bytes; at < end; at += 64) {
        _mm_stream_si128((__m128i *)at, zero);
        _mm_stream_si128((__m128i *)(at + 16), zero);
        _mm_stream_si128((__m128i *)(at + 32), zero);
        _mm_stream_si128((__m128i *)(at + 48), zero);
    }
    _mm_sfence(); /* before the object is published */
}
#else
static void zero_streaming(char *at, size_t bytes) { memset(at, 0, bytes); }
#endif

static void zero_span(void *at, size_t bytes) {
    if (bytes >= RELEASE_BYTES && trix_os_release(at, bytes)) return;
    if (bytes >= STREAM_BYTES) zero_streaming(at, bytes);
    else memset(at, 0, bytes);
}

/* ---- entries ---- */

/* Sets the entries of the pages [from, end) of the object behind its first; a chunk covered wholly gets one word instead. Where an
 * object has grown, the pages before stay told of as they are: nobody may look and find neither. So of a chunk that is covered
 * wholly in two steps the pages have entries. */
static void set_tails(uint32_t head, uint64_t from, uint64_t end, bool in_use) {
    for (uint64_t i = from; i < end;) {
        if (i % CHUNK_PAGES == 0 && i + CHUNK_PAGES <= end) {
            store_release(&trix_map.chunk_head[i / CHUNK_PAGES], in_use ? head : 0);
            i += CHUNK_PAGES;
            continue;
        }
        if (i != head) {
            map_page((uint32_t)i)->size = head;
            store_release(&map_page((uint32_t)i)->kind, in_use ? PAGE_TAIL : PAGE_FREE);
        }
        i++;
    }
}

/* Of an object that has grown: both ways. Entries never written are left so, since they cost no memory. */
static void drop_all_tails(uint32_t head, uint64_t npages) {
    for (uint64_t i = head; i < head + npages; i++) {
        if (i % CHUNK_PAGES == 0) store_release(&trix_map.chunk_head[i / CHUNK_PAGES], 0);
        if (load_relaxed(&map_page((uint32_t)i)->kind) != PAGE_FREE) store_release(&map_page((uint32_t)i)->kind, PAGE_FREE);
    }
}

static void init_entry(uint32_t page, uint64_t npages, size_t bytes) {
    struct page *p = map_page(page);
    p->magic = 0;
    p->layout = LAYOUT_ID_LARGE;
    p->exact = 0;
    p->size = npages << PAGE_SHIFT;
    memset(p->mark, 0xff, sizeof p->mark);
    if (!gate_marking()) p->mark[0] = ~1ull;
    p->large.npages = npages;
    p->large.bytes = bytes;
    p->large.type = 0;
    p->large.readers = 0;
    span_state_init(page, 0, 0, 0);
}

static void init_head(uint32_t page, uint64_t npages, size_t bytes, bool leaf) {
    init_entry(page, npages, bytes);
    store_release(&map_page(page)->kind, leaf ? PAGE_LEAF : PAGE_SCAN);
}

/* For the collector it is as small as a page: it is no memory, and must not make the heap's goal rise. */
static void init_file(uint32_t page, uint64_t npages, size_t bytes) {
    struct page *p = map_page(page);
    init_entry(page, npages, bytes);
    p->size = PAGE_SIZE;
    map_state(page)->flags = PAGE_FILE;
    store_release(&p->kind, PAGE_LEAF);
    set_tails(page, page, page + npages, true);
    publication_fence();
}

/* The pages are nobody's yet, neither free nor a span, so zeroing many of them need not hold up a stop. */
static void zero_new(struct gate *g, void *at, size_t bytes) {
    if (bytes >= LONG_BYTES) trix_gate_blocking(g, zero_span, at, bytes);
    else zero_span(at, bytes);
}

/* The first `over` bytes are the caller's to write: whole pages of them are left as they are. */
static void *large_alloc(struct gate *g, size_t bytes, size_t align, uint64_t type, size_t over) {
    uint64_t span = large_span_bytes(bytes), npages = span >> PAGE_SHIFT;
    bool clean;
    if (span < bytes || npages > trix_map.reserved >> PAGE_SHIFT) return NULL;
    if (gate_marking()) trix_gate_assist(g, (int64_t)span);
    while (trix_pageheap_tight(npages) && trix_gate_sweep_for_room()) {}
    uint32_t page = trix_pages_alloc(npages, align > PAGE_SIZE ? align >> PAGE_SHIFT : 1, &clean);
    if (!page) return NULL;
    char *at = (char *)map_address(page);
    /* The pages are nobody's, as above: giving back as many others may take a while. */
    if (UNLIKELY(trix_pageheap_over() > 0)) trix_scavenge_over(g);
    races_fresh(at, span);
    uint64_t skip = round_down(over, PAGE_SIZE);
    if (!clean) zero_new(g, at + skip, span - skip);
    init_head(page, npages, bytes, type == 0);
    set_tails(page, page, page + npages, true);
    publication_fence();
    store_release(&map_page(page)->large.type, type);
    fetch_add_relaxed(&trix_large_mallocs, 1);
    fetch_add_relaxed(&trix_large_bytes_made, span);
    /* Not before it exists: a cycle that ended meanwhile would have set the figure to what it had found, without these bytes. */
    trix_gate_account(g, (int64_t)span);
    return at;
}

void trix_large_sample(struct gate *g, void *object, size_t bytes, size_t fresh) {
    struct sampler *s = &((struct thread_cache *)g)->sampler;
    bool then;
    if (LIKELY(sampler_pass(s, (int64_t)fresh))) return;
    trix_sampler_cut(s, 1, fresh, &then);
    if (then) trix_gate_sample(object, bytes);
}

void *trix_large_alloc(struct gate *g, size_t bytes, size_t align, uint64_t type) {
    return large_alloc(g, bytes, align, type, 0);
}

void *trix_large_alloc_over(struct gate *g, size_t bytes, size_t over) { return large_alloc(g, bytes, 16, 0, over); }

/* Objects that the heap profile, finalizers or weak pointers know are copied: what they know of it is its size, too. So are all
 * while marking: bytes that are added to an object which is marked later would be counted twice. */
static bool may_grow(uint32_t page) {
    return !gate_marking() && !load_relaxed(&map_state(page)->specials) && !page_is_arena(map_page(page)) && !page_is_file(page);
}

uint64_t trix_large_extend(struct gate *g, uint32_t page, size_t bytes) {
    struct page *p = map_page(page);
    uint64_t npages = p->large.npages, span = large_span_bytes(bytes), more = (span >> PAGE_SHIFT) - npages;
    bool clean;
    if (span < bytes || span > trix_map.reserved || !may_grow(page)) return 0;
    while (trix_pageheap_tight(more) && trix_gate_sweep_for_room()) {}
    if (!trix_pages_extend(page + npages, more, &clean)) return 0;
    char *at = (char *)map_address(page) + (npages << PAGE_SHIFT);
    if (UNLIKELY(trix_pageheap_over() > 0)) trix_scavenge_over(g);
    races_fresh(at, more << PAGE_SHIFT);
    if (!clean) zero_new(g, at, more << PAGE_SHIFT);
    if (UNLIKELY(!may_grow(page))) { /* since it was blocked */
        trix_pages_free(page + npages, more);
        return 0;
    }
    store_relaxed(&map_state(page)->flags, (uint8_t)(map_state(page)->flags | PAGE_GROWN));
    set_tails(page, page + npages, page + npages + more, true);
    publication_fence();
    store_relaxed(&p->large.npages, npages + more);
    store_relaxed(&p->size, span);
    store_release(&p->large.bytes, bytes);
    fetch_add_relaxed(&trix_large_bytes_made, more << PAGE_SHIFT);
    return more << PAGE_SHIFT;
}

static uint64_t drop_entries(uint32_t page) {
    struct page *p = map_page(page);
    uint64_t npages = p->large.npages;
    store_release(&p->kind, PAGE_FREE);
    if (UNLIKELY(load_relaxed(&map_state(page)->flags) & PAGE_GROWN)) drop_all_tails(page, npages);
    else set_tails(page, page, page + npages, false);
    return npages;
}

void trix_large_free_clean(uint32_t page) {
    uint64_t npages = drop_entries(page);
    trix_pages_free_clean(page, npages);
}

void trix_large_free(uint32_t page) {
    uint64_t npages = drop_entries(page);
    fetch_add_relaxed(&trix_large_frees, 1);
    fetch_add_relaxed(&trix_large_bytes_freed, npages << PAGE_SHIFT);
    trix_pages_free(page, npages);
}

/* ---- mapped files ---- */

/* What lies behind the file's last page in the span reads zero: it may be looked at past the file's end, by a byte. */
static void zero_rest(char *at, size_t bytes, uint64_t span) {
    size_t mapped = round_up(bytes, trix_os_page);
    memset(at + mapped, 0, span - mapped);
}

void *trix_large_map_file(struct gate *g, int fd, size_t bytes, int how) {
    uint64_t span = large_span_bytes(bytes), npages = span >> PAGE_SHIFT;
    bool clean;
    uint32_t page = span < bytes || npages > trix_map.reserved >> PAGE_SHIFT ? 0 : trix_pages_alloc(npages, 1, &clean);
    if (!page) {
        errno = ENOMEM;
        return NULL;
    }
    char *at = (char *)map_address(page);
    int error = trix_os_map_file(at, bytes, fd, how);
    if (error) {
        trix_pages_free(page, npages);
        errno = error;
        return NULL;
    }
    races_fresh(at, span);
    zero_rest(at, bytes, span);
    trix_pageheap_count_files((int64_t)npages);
    init_file(page, npages, bytes);
    fetch_add_relaxed(&trix_large_mallocs, 1);
    fetch_add_relaxed(&trix_large_bytes_made, PAGE_SIZE);
    trix_gate_account(g, PAGE_SIZE);
    return at;
}

bool trix_large_unmap_file(uint32_t page) {
    uint64_t npages = map_page(page)->large.npages;
    if (!trix_map_restore(page, npages)) return false;
    drop_entries(page);
    fetch_add_relaxed(&trix_large_frees, 1);
    fetch_add_relaxed(&trix_large_bytes_freed, PAGE_SIZE);
    trix_pageheap_count_files(-(int64_t)npages);
    trix_pages_free_clean(page, npages);
    return true;
}
