/* pageheap_test.c - free pages: no page is handed out twice, neighbours grow together again, clean means zero, and a
 * refusal by the system changes nothing. The library's own checks recount after each step. */
#include "unit.h"

#include "heap/gate.h"
#include "base/options.h"
#include "gc/init.h"
#include "heap/scavenge.h"
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

/* More of the pages behind it, when nobody has them. */
static bool extend(struct piece *p, uint64_t npages) {
    bool clean = false;
    uint64_t before = free_pages();
    uint32_t at = p->page + (uint32_t)p->npages;
    if (!trix_pages_extend(at, npages, &clean)) {
        assert_int_equal(free_pages(), before);
        return false;
    }
    if (clean) assert_true(reads_zero(at, npages));
    for (uint64_t i = 0; i < npages; i++) *(uint64_t *)map_address(at + (uint32_t)i) = at + i;
    p->npages += npages;
    return true;
}

static void test_random(void **state) {
    (void)state;
    enum { PIECES = 200, STEPS = 20000 };
    struct piece piece[PIECES] = {0};
    int extended = 0;
    for (int step = 0; step < STEPS; step++) {
        struct piece *p = &piece[random_below(PIECES)];
        if (p->npages && random_below(3) == 0) {
            extended += extend(p, random_below(50) ? 1 + random_below(20) : 1 + random_below(2 * CHUNK_PAGES));
        } else if (p->npages) {
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
    assert_true(extended > STEPS / 100);
}

/* Over the frontier: the last piece of the heap grows by more than the heap has. */
static void test_frontier(void **state) {
    (void)state;
    struct piece last = take((trix_map.extent >> PAGE_SHIFT) + 1, 1);
    uint64_t behind = (trix_map.extent >> PAGE_SHIFT) - last.page - last.npages;
    assert_true(extend(&last, behind + 3 * CHUNK_PAGES + 5));
    trix_pageheap_check();
    assert_true(extend(&last, (trix_map.extent >> PAGE_SHIFT) - last.page - last.npages)); /* up to the very end */
    assert_true(extend(&last, 1));
    assert_false(extend(&last, trix_map.reserved >> PAGE_SHIFT));
    trix_pageheap_check();
    give(last);
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

/* Pieces of all lengths from one window: side by side, never one page twice, and none is lost when a window is exchanged. */
static void test_window_of_spans(void **state) {
    (void)state;
    enum { N = 300, MOST = 10 };
    struct page_window window = {0};
    struct piece piece[N];
    uint64_t before = free_pages(), taken = 0;
    bool clean;
    for (int i = 0; i < N; i++) {
        unsigned npages = 1 + (unsigned)(i * 7 % MOST);
        piece[i] = (struct piece){trix_window_pages(&window, npages, &clean), npages};
        assert_int_not_equal(piece[i].page, 0);
        for (unsigned k = 0; clean && k < npages; k++) assert_int_equal(*(uint64_t *)map_address(piece[i].page + k), 0);
        for (unsigned k = 0; k < npages; k++) *(uint64_t *)map_address(piece[i].page + k) = piece[i].page + k;
        for (int k = 0; k < i; k++)
            assert_true(piece[i].page >= piece[k].page + piece[k].npages || piece[k].page >= piece[i].page + npages);
        taken += npages;
        if (i % 3 == 2) {
            give(piece[i - 1]); /* leaves holes too short for most */
            taken -= piece[i - 1].npages;
            piece[i - 1] = (struct piece){0};
        }
        trix_pageheap_check();
    }
    trix_window_return(&window);
    assert_true(free_pages() + taken >= before && (free_pages() + taken - before) % CHUNK_PAGES == 0); /* it may have grown */
    for (int i = 0; i < N; i++)
        if (piece[i].npages) give(piece[i]);
    trix_pageheap_check();
}

/* The system gives no more, and what is free lies across the border of two 64-page groups: a span fits there too. */
static void test_span_across_groups(void **state) {
    (void)state;
    enum { MOST = 1 << 16, N = 10 };
    struct page_window window = {0};
    struct piece *all = malloc(MOST * sizeof *all);
    uint64_t reserved = trix_map.reserved;
    uint32_t n = 0, page = 0;
    bool clean;
    trix_map.reserved = trix_map.extent;
    for (uint32_t got; n < MOST && (got = trix_pages_alloc(1, 1, &clean)); n++) all[n] = (struct piece){got, 1};
    assert_in_range(n, 2 * N, MOST - 1);
    for (uint32_t i = 0; i < n && !page; i++) /* they are handed out in order of their addresses, but for what was free before */
        if (all[i].page % 64 == 64 - N / 2 && i + N <= n && all[i + N - 1].page == all[i].page + N - 1) {
            page = all[i].page;
            trix_pages_free(page, N);
            memset(&all[i], 0, N * sizeof all[i]);
        }
    assert_int_not_equal(page, 0);
    assert_int_equal(trix_window_pages(&window, N, &clean), page);
    trix_pages_free(page, N);
    for (uint32_t i = 0; i < n; i++)
        if (all[i].npages) trix_pages_free(all[i].page, 1);
    trix_window_return(&window);
    trix_map.reserved = reserved;
    free(all);
    trix_pageheap_check();
}

/* ---- giving back ---- */

static struct pageheap_stats stats(void) {
    struct pageheap_stats s;
    trix_pageheap_stats(&s);
    return s;
}

static uint64_t scavenge_all(void) {
    struct release_cursor from = SCAVENGE_FROM_TOP;
    return trix_scavenge(UINT64_MAX, SCAVENGE_ALL, &from);
}

/* What is given back reads zero and is counted; what is in use keeps its contents; highest addresses go first. */
static void test_scavenge(void **state) {
    (void)state;
    scavenge_all();
    struct piece kept = take(1, 1), a = take(300, 1), b = take(5, 1), c = take(2000, 1), end = take(1, 1);
    give(a);
    give(c);
    uint64_t backed = trix_pageheap_backed(), kept_free = stats().free_pages - stats().released_pages;
    assert_in_range(kept_free, 2300, 2300 + 2 * HUGE_PAGES);
    struct release_cursor from = SCAVENGE_FROM_TOP;
    uint64_t some = trix_scavenge(100, SCAVENGE_ALL, &from);
    assert_true(some >= 100 && some < 100 + HUGE_PAGES);
    assert_int_equal(trix_pageheap_backed(), backed - some);
    uint32_t top = c.page + (uint32_t)c.npages; /* the highest that is free; as a whole unit where there are huge pages */
    if (trix_map_huge(top)) top = (uint32_t)round_down(top, HUGE_PAGES);
    assert_true(reads_zero(top - 90, 90));
    assert_int_equal(some + scavenge_all(), kept_free);
    assert_int_equal(stats().released_pages, stats().free_pages);
    assert_true(reads_zero(a.page, a.npages) && reads_zero(c.page, c.npages));
    trix_pageheap_check();
    assert_int_equal(scavenge_all(), 0);
    give(kept); /* looks at the contents */
    give(b);
    give(end);
    trix_pageheap_check();
}

static void test_scavenge_random(void **state) {
    (void)state;
    enum { PIECES = 400, STEPS = 20000 };
    static struct piece piece[PIECES];
    for (int step = 0; step < STEPS; step++) {
        struct piece *p = &piece[random_below(PIECES)];
        if (p->npages) {
            give(*p);
            p->npages = 0;
        } else {
            *p = take(random_below(40) ? 1 + random_below(30) : 1 + random_below(2 * CHUNK_PAGES), 1ull << random_below(4));
        }
        if (random_below(100)) continue;
        struct release_cursor from = SCAVENGE_FROM_TOP;
        if (random_below(4) == 0) trix_os_fault(random_below(2) ? OS_FAULT_RELEASE : OS_FAULT_ADVISE, 1 + random_below(3), false);
        trix_scavenge(random_below(2000), random_below(2) ? SCAVENGE_ALL : SCAVENGE_GENTLY, &from);
        trix_os_fault(OS_FAULT_RELEASE, 0, false);
        trix_os_fault(OS_FAULT_ADVISE, 0, false);
        trix_pageheap_check();
    }
    for (int i = 0; i < PIECES; i++)
        if (piece[i].npages) give(piece[i]);
    scavenge_all();
    assert_int_equal(stats().released_pages, stats().free_pages);
    assert_int_equal(stats().clean_pages, stats().free_pages);
    trix_pageheap_check();
}

/* A refusal ends the call, and loses nothing. */
static void test_scavenge_refused(void **state) {
    (void)state;
    struct piece p = take(3000, 1);
    give(p);
    struct pageheap_stats before = stats();
    trix_os_fault(OS_FAULT_RELEASE, 1, true);
    assert_int_equal(scavenge_all(), 0);
    trix_os_fault(OS_FAULT_RELEASE, 0, false);
    assert_int_equal(stats().free_pages, before.free_pages);
    assert_int_equal(stats().released_pages, before.released_pages);
    trix_pageheap_check();
    assert_true(scavenge_all() >= 3000);
}

/* Lazily released pages are not taken for clean. */
static void test_scavenge_lazily(void **state) {
    (void)state;
    struct piece p = take(3000, 1);
    give(p);
    trix_options.debug.madvdontneed = 0;
    assert_true(scavenge_all() >= 3000);
    trix_options.debug.madvdontneed = 1;
    struct pageheap_stats s = stats();
    assert_true(s.released_pages == s.free_pages && s.clean_pages + 3000 <= s.free_pages);
    bool clean = true;
    uint32_t page = trix_pages_alloc(3000, 1, &clean);
    assert_true(page && !clean);
    trix_pages_free(page, 3000);
    trix_pageheap_check();
}

/* Who takes pages beyond the most that may have memory gives back others. */
static void test_over(void **state) {
    (void)state;
    struct piece low = take(1000, 1), high = take(1000, 1);
    give(low);
    give(high);
    scavenge_all();
    low = take(1000, 1);
    high = take(1000, 1);
    give(low);
    trix_pageheap_most = trix_pageheap_backed();
    assert_int_equal(trix_pageheap_over(), 0);
    struct piece more = take(700, 1); /* in the place of `low`: no more memory than before */
    assert_true(trix_pageheap_over() <= HUGE_PAGES);
    struct piece beyond = take(1500, 1);
    uint64_t over = trix_pageheap_over(), backed = trix_pageheap_backed();
    assert_true(over > 0);
    trix_scavenge_over(NULL);
    assert_true(trix_pageheap_backed() < backed);
    assert_true(trix_pageheap_over() < over);
    trix_pageheap_most = UINT64_MAX;
    give(more);
    give(beyond);
    give(high);
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

/* What is backed in advance counts so, reads zero, is handed out like the rest, and goes back. */
static void test_ahead(void **state) {
    (void)state;
    enum { LONG = 100 << 20 >> PAGE_SHIFT, GROUP = 64, FEW = 64, MOST = 256 };
    struct piece held[MOST];
    int n = 0;
    struct page_window window = {0};
    struct piece whole = take(LONG, 1); /* large enough for any */
    bool clean = false;
    if (!trix_map_huge(whole.page + LONG)) {
        give(whole);
        skip();
    }
    assert_false(trix_pageheap_back_ahead()); /* nobody has asked */
    trix_pageheap_expect(trix_pageheap_backed());
    while (n < FEW) {
        held[n] = (struct piece){trix_window_pages(&window, GROUP, &clean), GROUP};
        assert_int_not_equal(held[n++].page, 0);
    }
    assert_false(window.ahead); /* the heap has all that it is expected to need */
    trix_pageheap_expect(UINT64_MAX);
    while (n < MOST && !window.ahead) {
        held[n] = (struct piece){trix_window_pages(&window, GROUP, &clean), GROUP};
        assert_int_not_equal(held[n++].page, 0);
    }
    assert_true(window.ahead);
    uint64_t backed = trix_pageheap_backed(), units = 0, kept_free = stats().free_pages - stats().released_pages;
    while (trix_pageheap_back_ahead()) {
        units++;
        trix_pageheap_check();
    }
    assert_in_range(units, 1, 8);
    assert_int_equal(stats().free_pages - stats().released_pages, kept_free + units * HUGE_PAGES);
    assert_int_equal(trix_pageheap_backed(), backed + units * HUGE_PAGES);
    struct piece next = take(HUGE_PAGES, 1); /* reads zero, if it is said to be clean */
    trix_pageheap_check();
    give(next);
    trix_pageheap_end_ahead();
    assert_false(trix_pageheap_back_ahead());
    for (int i = 0; i < n; i++) trix_pages_free(held[i].page, held[i].npages);
    give(whole);
    trix_pageheap_check();
}

int main(void) {
    trix_init();
    gate_enter(); /* what is called here is called inside only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),     cmocka_unit_test(test_frontier), cmocka_unit_test(test_coalescing), cmocka_unit_test(test_across_chunks),
        cmocka_unit_test(test_impossible), cmocka_unit_test(test_window),     cmocka_unit_test(test_window_of_spans), cmocka_unit_test(test_span_across_groups),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_scavenge),   cmocka_unit_test(test_scavenge_random),
        cmocka_unit_test(test_scavenge_refused), cmocka_unit_test(test_scavenge_lazily), cmocka_unit_test(test_over),
        cmocka_unit_test(test_ahead),
    };
    return cmocka_run_group_tests_name("pageheap", tests, NULL, NULL);
}
