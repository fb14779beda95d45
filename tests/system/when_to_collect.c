/* When cycles start: never with GOGC off but by tri_gc; at the goal, which follows GOGC; and after two
 * minutes without one, the clock of which is moved here. */
#include "check.h"

uint64_t __real_trix_os_now(void);
uint64_t __wrap_trix_os_now(void);
static uint64_t ahead; /* ns; atomic */

uint64_t __wrap_trix_os_now(void) { return __real_trix_os_now() + __atomic_load_n(&ahead, __ATOMIC_SEQ_CST); }

static tri_mem_stats s;
static uint32_t cycles(void) {
    tri_read_mem_stats(&s);
    return s.num_gc;
}
void *live; /* root */

NO_INLINE static void waste(uint64_t bytes) {
    for (uint64_t n = 0; n < bytes; n += 10000) memset(tri_alloc_leaf(9000), 1, 10);
}

int main(void) {
    step("off");
    REQUIRE(tri_set_gc_percent(-1) == 100, "GOGC was not 100");
    REQUIRE(tri_set_gc_percent(-5) == -1, "off reads as -1");
    uint32_t before = cycles();
    waste(60 << 20);
    REQUIRE(cycles() == before && !s.enable_gc, "a cycle has run though collection is off");
    tri_gc();
    REQUIRE(cycles() == before + 1 && s.num_forced_gc >= 1, "tri_gc runs when collection is off");
    __atomic_fetch_add(&ahead, 200000000000u, __ATOMIC_SEQ_CST);
    waste(1 << 20);
    REQUIRE(cycles() == before + 1, "the two minutes count though collection is off");

    step("the goal follows GOGC");
    live = tri_alloc(32 << 20);
    tri_set_gc_percent(100);
    tri_gc();
    tri_gc();
    cycles();
    uint64_t goal = s.next_gc;
    REQUIRE(goal > 60 << 20 && goal < 72 << 20, "100%%: goal %lu for 32 MiB", (long)goal);
    REQUIRE(tri_set_gc_percent(50) == 100, "old value");
    cycles();
    REQUIRE(s.next_gc > 45 << 20 && s.next_gc < 55 << 20, "50%%: goal %lu", (long)s.next_gc);
    tri_set_gc_percent(400);
    tri_gc();
    before = cycles();
    REQUIRE(s.next_gc > 150 << 20 && s.next_gc < 180 << 20, "400%%: goal %lu", (long)s.next_gc);
    waste(60 << 20);
    REQUIRE(cycles() == before, "a cycle below the goal");
    waste(200 << 20);
    REQUIRE(cycles() > before, "no cycle above the goal");
    live = NULL;
    tri_set_gc_percent(100);
    tri_gc();
    tri_gc();
    cycles();
    REQUIRE(s.next_gc == 4 << 20, "the least goal is %lu", (long)s.next_gc);

    step("two minutes");
    before = cycles();
    uint32_t forced = s.num_forced_gc;
    __atomic_fetch_add(&ahead, 121000000000u, __ATOMIC_SEQ_CST);
    tri_set_gc_percent(100); /* the collector looks at the clock */
    while (cycles() == before) sched_yield();
    REQUIRE(s.num_forced_gc == forced + 1, "the cycle does not count as forced");
    return 0;
}
