/* peak.c - resident memory stays within 2 % of the limit: 200 MiB live, GOGC=off, a limit of 400 MiB, and then of 300, under
 * high allocation. Only where the limiter has had to step in, which it tells, may it be exceeded. */
#include "limit_test.h"

static int dangers;

static void on_gc(tri_gc_event event, void *arg) {
    (void)arg;
    if (event == TRI_GC_LIMIT_DANGER) __atomic_fetch_add(&dangers, 1, __ATOMIC_SEQ_CST);
}

static struct node **table;

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
    REQUIRE(dangers || SANITIZED || peak() <= limit + limit / 50, "peak %zu, limit %zu", peak(), limit);
}

int main(void) {
    size_t slots;
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
