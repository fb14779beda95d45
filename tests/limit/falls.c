/* falls.c - a program that peaks and then drops most of its heap is small again within a minute, with no call, and though it
 * does not allocate any more. The clock is moved here, by a second each time round. */
#include "limit_test.h"

uint64_t __real_trix_os_now(void);
uint64_t __wrap_trix_os_now(void);
static uint64_t ahead; /* ns; atomic */

uint64_t __wrap_trix_os_now(void) { return __real_trix_os_now() + __atomic_load_n(&ahead, __ATOMIC_SEQ_CST); }

static struct node **table, **small;
static size_t first; /* number of the first chain kept */

NO_INLINE static void peak_and_drop(size_t *slots) {
    size_t n;
    table = table_new(400 * MIB, &n);
    small = tri_new_array(struct node *, n / 20);
    for (size_t i = 0; i < n / 20; i++) tri_set(small[i], table[i + n / 2]);
    *slots = n / 20;
    first = n / 2;
    table = NULL;
}

static uint64_t cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(void) {
    size_t slots;
    peak_and_drop(&slots);
    clear_stack();
    size_t high = resident(), now = high;
    uint64_t seconds = 0, from = cpu();
    while (cpu() - from < 5000000) {} /* the program has run since */
    for (; seconds < 60; seconds++) {
        __atomic_fetch_add(&ahead, 1000000000u, __ATOMIC_SEQ_CST);
        tri_set_gc_percent(100); /* changes nothing, but the collector looks at the clock: its sleep is a real one */
        usleep(10000);
        now = resident();
        if (now < high / 8) break;
    }
    fprintf(stderr, "%.0f MiB, after %d s %.1f MiB\n", (double)high / MIB, (int)seconds, (double)now / MIB);
    REQUIRE(SANITIZED || now < high / 8, "%zu of %zu are still resident", now, high);
    for (size_t i = 0; i < slots; i++) chain_check(small[i], CHAIN, first + i);
    return 0;
}
