/* peak.c - resident memory stays within 2 % of the limit: 200 MiB live, GOGC=off, a limit of 300 MiB, and then of 400, under
 * high allocation. That can be held, so nobody is told of danger. The first cycle is the hardest: there are no figures from one
 * before. With `after-forced` there are, but they are of a heap of a few bytes. */
#include "limit_test.h"

static int dangers;

static void on_gc(tri_gc_event event, void *arg) {
    (void)arg;
    if (event == TRI_GC_LIMIT_DANGER) __atomic_fetch_add(&dangers, 1, __ATOMIC_SEQ_CST);
}

static struct node **table, *small;

static void collect_small_heap(void) {
    tri_set(small, tri_new(struct node));
    tri_gc();
}

static void run(size_t limit, size_t slots) {
    tri_mem_stats before, after;
    tri_set_memory_limit((int64_t)limit);
    tri_read_mem_stats(&before);
    churn(table, slots, 1000 * MIB);
    tri_read_mem_stats(&after);
    table_check(table, slots);
    fprintf(stderr, "limit %zu MiB: peak %.1f MiB, %u cycles, %d in danger\n", limit / MIB, (double)peak() / MIB,
            after.num_gc - before.num_gc, dangers);
    REQUIRE(after.num_gc > before.num_gc, "no cycle under a limit with GOGC=off");
    REQUIRE(SANITIZED || peak() <= limit + limit / 50, "peak %zu, limit %zu", peak(), limit);
    REQUIRE(SANITIZED || !dangers, "a limit of %zu bytes that can be held, and %d cycles in danger", limit, dangers);
}

int main(int argc, char **argv) {
    size_t slots;
    if (argc > 1 && strcmp(argv[1], "after-forced") == 0) collect_small_heap();
    tri_on_gc(on_gc, NULL);
    REQUIRE(tri_set_gc_percent(-1) == 100, "GOGC");
    REQUIRE(tri_set_memory_limit(-1) == INT64_MAX, "a limit before one was set");
    REQUIRE(tri_set_memory_limit(300 * MIB) == INT64_MAX, "no limit before");
    REQUIRE(tri_set_memory_limit(-7) == (int64_t)(300 * MIB), "asking has changed the limit");
    table = table_new(200 * MIB, &slots);
    run(300 * MIB, slots);
    run(400 * MIB, slots);
    return 0;
}
