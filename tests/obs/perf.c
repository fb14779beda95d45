/* Goroutines that compute, and a thread that waits for them, for perf.py: who calls whom is known. */
#include <stdint.h>
#include <time.h>
#include <tricolor.h>

#define NO_INLINE __attribute__((noinline))

NO_INLINE void innermost(uint64_t n) {
    __asm__ volatile("" : : "r"(__builtin_frame_address(0))); /* gcc gives a leaf no frame otherwise */
    volatile uint64_t spun = 0;
    for (uint64_t i = 0; i < n; i++) spun += i;
}
NO_INLINE void middle(uint64_t n) { innermost(n); }
NO_INLINE void outermost(uint64_t n) { middle(n); }

static tri_waitgroup group;

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Comes and goes between threads meanwhile. */
NO_INLINE void computes(void *unused) {
    (void)unused;
    while (cpu_seconds() < 1) {
        outermost(100000);
        tri_yield();
    }
    tri_waitgroup_done(&group);
}

static void run(void *unused) {
    (void)unused;
    tri_waitgroup_add(&group, 8);
    for (int i = 0; i < 8; i++) tri_go(computes, NULL);
    tri_waitgroup_wait(&group);
}

int main(void) { return tri_run(run, NULL); }
