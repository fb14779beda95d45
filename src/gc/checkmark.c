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

static NORETURN void lost(uint32_t page, unsigned slot) {
    const struct page *p = map_page(page);
    uintptr_t at = map_address(page) + (page_is_large(p) ? 0 : slot * p->size);
    const uint64_t *w = (const uint64_t *)at;
    trix_print(2, "runtime: checkmark found unmarked object\n"
                  "tricolor: object %p of %lu bytes (layout %u) is reachable, but this cycle had not marked it: was a "
                  "pointer to it stored into the heap without tri_set?\n"
                  "tricolor: its first words: 0x%lx 0x%lx\n", (void *)at, p->size, p->layout, w[0], w[1]);
    trix_bug("checkmark found unmarked object", __FILE__, __LINE__);
}

static void compare(mark_words *saved, uint32_t pages) {
    for (uint32_t page = 1; page < pages; page++) {
        if (!is_span(page)) continue;
        struct page *p = map_page(page);
        for (unsigned w = 0; w < MARK_WORDS; w++) {
            uint64_t missed = p->mark[w] & ~saved[page][w] & allocated(page, w);
            if (missed) lost(page, w * 64 + bits_lowest(missed));
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
