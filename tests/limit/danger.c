/* danger.c - more lives than the limit allows: the program is told, goes on, and the collector leaves it half of the
 * processors; when the limit is raised it is told no more. */
#include "limit_test.h"

static int dangers, cycles;

static void on_gc(tri_gc_event event, void *arg) {
    (void)arg;
    if (event == TRI_GC_LIMIT_DANGER) __atomic_fetch_add(&dangers, 1, __ATOMIC_SEQ_CST);
    if (event == TRI_GC_SWEEP_END) __atomic_fetch_add(&cycles, 1, __ATOMIC_SEQ_CST);
}

static struct node **table;

int main(void) {
    size_t slots;
    tri_on_gc(on_gc, NULL);
    tri_set_gc_percent(-1);
    tri_set_memory_limit(30 * MIB);
    table = table_new(40 * MIB, &slots);
    churn(table, slots, 40 * MIB);
    REQUIRE(dangers > 0, "40 MiB live under a limit of 30, and no word of it");
    REQUIRE(cycles > 0, "no cycle");
    tri_set_memory_limit(300 * MIB);
    tri_gc();
    int before = __atomic_load_n(&dangers, __ATOMIC_SEQ_CST);
    tri_gc();
    churn(table, slots, 500 * MIB);
    tri_gc();
    REQUIRE(dangers == before, "in danger with 260 MiB to spare");
    tri_set_memory_limit(0); /* all the time */
    churn(table, slots, 5 * MIB);
    REQUIRE(tri_set_memory_limit(INT64_MAX) == 0, "a limit of 0");
    table_check(table, slots);
    return 0;
}
