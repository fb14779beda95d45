/* checkmark.c - GODEBUG=gccheckmark=1: after each cycle's marking, with the world still stopped, everything is marked a
 * second time from the roots as they stand. Whatever the second marking finds and the concurrent one did not is an
 * object that would have been freed alive, most often because a store into the heap had no barrier.
 *
 * The mark bits are put aside, set back to "allocated slots are white", and afterwards compared and restored.
 */
#include "fibers.h"
#include "gc.h"
#include "life.h"
#include "roots.h"
#include "thread.h"
#include "../base/fmt.h"
#include "../heap/layout.h"
#include "../os/os.h"

#include <string.h>

typedef uint64_t mark_words[MARK_WORDS];

static bool is_span(uint32_t page) {
    uint8_t kind = map_page(page)->kind;
    return kind == PAGE_SCAN || kind == PAGE_LEAF;
}

static uint64_t allocated(uint32_t page, unsigned w) {
    const struct page *p = map_page(page);
    if (page_is_large(p)) return w == 0;
    return w * 64 < layout_by_id(p->layout)->slots ? map_alloc_bits(page)[w] : 0;
}

static void whiten(mark_words *saved, uint32_t pages) {
    for (uint32_t page = 1; page < pages; page++) {
        if (!is_span(page)) continue;
        struct page *p = map_page(page);
        memcpy(saved[page], p->mark, sizeof p->mark);
        for (unsigned w = 0; w < MARK_WORDS; w++) p->mark[w] = ~allocated(page, w);
    }
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_cache_blacken(&t->cache);
}

/* Only pointers into objects count here, not those to the end of a typed one. A call in which a thread is blocked may write into
 * that thread's frame meanwhile, such as epoll_wait what the program gave the kernel to keep: an object that is alive, but
 * whose start is the end of the one before it, and that one may well be dead. */
static void scan_visited(const void *lo, const void *hi, bool exact_ends UNUSED, void *marker) {
    trix_marker_scan_range(marker, lo, hi, false);
}

/* Helpers may be woken and hold a part: the end is when nobody has anything left. */
static void drain_all(struct marker *m) {
    for (;;) {
        while (trix_marker_drain(m, UINT64_MAX / 2)) {}
        trix_marker_flush(m);
        trix_work_exit();
        if (trix_work_drained()) break;
        cpu_relax();
        trix_work_enter();
    }
}

static void mark_again(void) {
    struct marker m = {0};
    trix_work_enter();
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_thread_ranges(t, scan_visited, &m);
    if (trix_fibers) trix_fibers->all(&m);
    trix_roots_scan(&m);
    trix_life_mark(&m);
    do {
        drain_all(&m);
        trix_work_enter();
    } while (trix_life_mark_more(&m));
    trix_work_exit();
    CHECK(!trix_work_overflow, "the check mark did not end");
}

/* ---- who holds it ----
 *
 * The store without a barrier was most likely into an object that the cycle had marked before it; so those are named first. */

enum { MOST_HOLDERS = 4 };

struct search {
    uintptr_t lo, hi; /* the lost object */
    unsigned found;
};

static void look_at_words(struct search *s, const char *kind, uintptr_t at, uint64_t bytes, unsigned layout) {
    const uint64_t *words = (const uint64_t *)round_up(at, 8);
    for (size_t i = 0; i < bytes / 8 && s->found < MOST_HOLDERS; i++) {
        if (words[i] < s->lo || words[i] >= s->hi) continue;
        s->found++;
        trix_print(2, "tricolor: 0x%lx is in the word %lu bytes into %s %p of %lu bytes", words[i], i * 8, kind, (void *)at, bytes);
        if (layout) trix_print(2, " (layout %u)", layout);
        trix_print(2, "\n");
    }
}

static void look_at_range(const void *lo, const void *hi, bool exact_ends UNUSED, void *search) {
    if (lo < hi) look_at_words(search, "the stack or registers", (uintptr_t)lo, (uintptr_t)hi - (uintptr_t)lo, 0);
}

static uint64_t span_bytes(const struct page *p) { return page_is_large(p) ? p->large.bytes : p->size; }

static void look_at_span(struct search *s, uint32_t page, const mark_words marked) {
    const struct page *p = map_page(page);
    for (unsigned w = 0; w < MARK_WORDS; w++)
        for (uint64_t bits = allocated(page, w) & marked[w]; bits; bits &= bits - 1) {
            unsigned slot = w * 64 + bits_lowest(bits);
            uintptr_t at = map_address(page) + (page_is_large(p) ? 0 : slot * p->size);
            if (at != s->lo) look_at_words(s, "the marked object", at, span_bytes(p), p->layout);
        }
}

static void name_holders(mark_words *saved, uintptr_t lo, uintptr_t hi) {
    struct search s = {.lo = lo, .hi = hi};
    for (uint32_t page = 1; page < trix_map.extent >> PAGE_SHIFT && s.found < MOST_HOLDERS; page++)
        if (map_page(page)->kind == PAGE_SCAN) look_at_span(&s, page, saved[page]);
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_thread_ranges(t, look_at_range, &s);
    if (!s.found) trix_print(2, "tricolor: no marked object and no thread's stack holds it: a global, a goroutine's stack or another lost object does\n");
}

static NORETURN void lost(mark_words *saved, uint32_t page, unsigned slot) {
    const struct page *p = map_page(page);
    uintptr_t at = map_address(page) + (page_is_large(p) ? 0 : slot * p->size);
    const uint64_t *w = (const uint64_t *)at;
    trix_print(2, "runtime: checkmark found unmarked object\n"
                  "tricolor: object %p of %lu bytes (layout %u) is reachable, but this cycle had not marked it: was a "
                  "pointer to it stored into the heap without tri_set?\n"
                  "tricolor: its first words: 0x%lx 0x%lx\n", (void *)at, p->size, p->layout, w[0], w[1]);
    name_holders(saved, at, at + p->size);
    trix_bug("checkmark found unmarked object", __FILE__, __LINE__);
}

static void compare(mark_words *saved, uint32_t pages) {
    for (uint32_t page = 1; page < pages; page++) {
        if (!is_span(page)) continue;
        struct page *p = map_page(page);
        for (unsigned w = 0; w < MARK_WORDS; w++) {
            uint64_t missed = p->mark[w] & ~saved[page][w] & allocated(page, w);
            if (missed) lost(saved, page, w * 64 + bits_lowest(missed));
        }
        memcpy(p->mark, saved[page], sizeof p->mark);
    }
}

void trix_checkmark(void) {
    uint32_t pages = (uint32_t)(trix_map.extent >> PAGE_SHIFT);
    mark_words *saved = trix_os_map(pages * sizeof(mark_words));
    if (!saved) {
        trix_print(2, "tricolor: gccheckmark: no memory for the saved mark bits; this cycle goes unchecked\n");
        return;
    }
    whiten(saved, pages);
    mark_again();
    compare(saved, pages);
    trix_os_unmap(saved, pages * sizeof(mark_words));
}
