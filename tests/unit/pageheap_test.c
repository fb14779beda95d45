/* pageheap_test.c - free pages: no page is handed out twice, neighbours grow together again, clean means zero, and a
 * refusal by the system changes nothing. The library's own checks recount after each step. */
#include "unit.h"

#include "gc/init.h"
#include "heap/pageheap.h"
#include "os/os.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    uint32_t page;
    uint64_t npages;
};

static uint64_t free_pages(void) {
    struct pageheap_stats s;
    trix_pageheap_stats(&s);
    return s.free_pages;
}

static bool reads_zero(uint32_t page, uint64_t npages) {
    const uint64_t *word = (const uint64_t *)map_address(page), *end = word + (npages << PAGE_SHIFT) / 8;
    while (word < end && *word == 0) word++;
    return word == end;
}

/* Takes pages and writes on them, so that whoever gets them too is found out. */
static struct piece take(uint64_t npages, uint64_t align) {
    bool clean = false;
    struct piece p = {trix_pages_alloc(npages, align, &clean), npages};
    assert_int_not_equal(p.page, 0);
    assert_int_equal(p.page % align, 0);
    assert_true(map_address(p.page) + (npages << PAGE_SHIFT) <= trix_map.base + trix_map.extent);
    if (clean) assert_true(reads_zero(p.page, npages));
    for (uint64_t i = 0; i < npages; i++) *(uint64_t *)map_address(p.page + (uint32_t)i) = p.page + i;
    return p;
}

static void give(struct piece p) {
    for (uint64_t i = 0; i < p.npages; i++)
        assert_int_equal(*(uint64_t *)map_address(p.page + (uint32_t)i), p.page + i);
    trix_pages_free(p.page, p.npages);
}

static void test_random(void **state) {
    (void)state;
    enum { PIECES = 200, STEPS = 20000 };
    struct piece piece[PIECES] = {0};
    for (int step = 0; step < STEPS; step++) {
        struct piece *p = &piece[random_below(PIECES)];
        if (p->npages) {
            give(*p);
            p->npages = 0;
        } else {
            uint64_t npages = random_below(50) ? 1 + random_below(40) : 1 + random_below(3 * CHUNK_PAGES);
            *p = take(npages, 1ull << random_below(7));
        }
        if (step % 500 == 0) trix_pageheap_check();
    }
    for (int i = 0; i < PIECES; i++)
        if (piece[i].npages) give(piece[i]);
    trix_pageheap_check();
}

/* What was taken apart is there again as one. */
static void test_coalescing(void **state) {
    (void)state;
    enum { N = 64, EACH = 16 };
    struct piece whole = take(N * EACH, 1), part[N];
    uint64_t free_before = free_pages();
    give(whole);
    for (int i = 0; i < N; i++) part[i] = take(EACH, 1);
    assert_int_equal(part[0].page, whole.page); /* first fit */
    assert_int_equal(free_pages(), free_before);
    for (int i = 0; i < N; i += 2) give(part[i]);
    trix_pageheap_check();
    for (int i = 1; i < N; i += 2) give(part[i]);
    trix_pageheap_check();
    struct piece again = take(N * EACH, 1);
    assert_int_equal(again.page, whole.page);
    give(again);
}

static void test_across_chunks(void **state) {
    (void)state;
    struct piece p = take(5 * CHUNK_PAGES + 3, 1), q = take(2 * CHUNK_PAGES, CHUNK_PAGES);
    trix_pageheap_check();
    give(p);
    give(q);
    trix_pageheap_check();
}

static void test_impossible(void **state) {
    (void)state;
    bool clean;
    uint64_t before = free_pages();
    assert_int_equal(trix_pages_alloc((trix_map.reserved >> PAGE_SHIFT) + 1, 1, &clean), 0);
    assert_int_equal(trix_pages_alloc(UINT32_MAX, 1, &clean), 0);
    assert_int_equal(free_pages(), before);
    trix_pageheap_check();
}

static void test_window(void **state) {
    (void)state;
    enum { N = 150 };
    struct page_window window = {0};
    struct piece page[N];
    bool clean;
    for (int i = 0; i < N; i++) {
        page[i] = (struct piece){trix_window_pages(&window, 1, &clean), 1};
        assert_int_not_equal(page[i].page, 0);
        *(uint64_t *)map_address(page[i].page) = page[i].page;
        for (int k = 0; k < i; k++) assert_int_not_equal(page[i].page, page[k].page);
    }
    uint64_t before = free_pages();
    unsigned rest = bits_count(window.free);
    trix_window_return(&window);
    assert_int_equal(free_pages(), before + rest);
    assert_int_equal(window.free, 0);
    trix_window_return(&window); /* an empty one: nothing happens */
    for (int i = 0; i < N; i++) give(page[i]);
    trix_pageheap_check();
}

/* The system refuses memory: no pages, nothing lost, and the next time it goes on. */
static void test_refused(void **state) {
    (void)state;
    bool clean;
    uint64_t wanted = (free_pages() + 3 * CHUNK_PAGES + 64 * 1024) | 1; /* certainly beyond what is committed */
    for (int n = 1; n <= 2; n++) {
        uint64_t free_before = free_pages(), committed = trix_map.committed;
        trix_os_fault(OS_FAULT_COMMIT, 1, true);
        assert_int_equal(trix_pages_alloc(wanted, 1, &clean), 0);
        trix_os_fault(OS_FAULT_COMMIT, 0, false);
        trix_pageheap_check();
        assert_true(free_pages() >= free_before && trix_map.committed >= committed);
    }
    uint32_t page = trix_pages_alloc(wanted, 1, &clean);
    assert_int_not_equal(page, 0);
    trix_pages_free(page, wanted);
    trix_pageheap_check();
}

int main(void) {
    trix_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),     cmocka_unit_test(test_coalescing), cmocka_unit_test(test_across_chunks),
        cmocka_unit_test(test_impossible), cmocka_unit_test(test_window),     cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("pageheap", tests, NULL, NULL);
}
