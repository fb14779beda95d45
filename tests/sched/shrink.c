/* shrink - stacks that were deep once give their memory back at collections, and can be deep again: those that stay parked, and
 * those that come and go. */
#include "test.h"

#include <string.h>

enum { N = 50, DEEP = 1000 }; /* some 1 MiB each */

/* What may be left of it all: a part in so many. Address sanitizer keeps an eighth of all that was ever touched for itself. */
#ifdef __SANITIZE_ADDRESS__
enum { LEFT = 2 };
#else
enum { LEFT = 4 };
#endif

static tri_chan *go_on[2];
static tri_waitgroup deep, again;

static size_t resident(void) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT(f && fscanf(f, "%*s %lu", &pages) == 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t __attribute__((noinline)) dive(int depth) {
    volatile char room[1024];
    memset((void *)(uintptr_t)room, depth & 127, sizeof room);
    uint64_t below = depth ? dive(depth - 1) : 0;
    for (size_t i = 0; i < sizeof room; i++) EXPECT(room[i] == (depth & 127));
    return below + 1;
}

static void stays(void *arg) {
    uint64_t *mine = tri_alloc_leaf(64);
    *mine = (uint64_t)(uintptr_t)arg;
    EXPECT_EQ(dive(DEEP), DEEP + 1);
    tri_waitgroup_done(&deep);
    tri_recv(go_on[0], NULL);
    EXPECT_EQ(*mine, (uint64_t)(uintptr_t)arg);
    EXPECT_EQ(dive(DEEP), DEEP + 1);
    tri_waitgroup_done(&again);
}

static void comes_and_goes(void *arg) {
    (void)arg;
    EXPECT_EQ(dive(DEEP), DEEP + 1);
    tri_waitgroup_done(&deep);
    while (tri_chan_len(go_on[1]) == 0) tri_sleep(200000);
    EXPECT_EQ(dive(DEEP), DEEP + 1);
    tri_waitgroup_done(&again);
}

static void form(void (*fn)(void *), int which, int cycles) {
    size_t most = (size_t)N << 20;
    go_on[which] = tri_chan_new(int, 1);
    tri_waitgroup_add(&deep, N);
    tri_waitgroup_add(&again, N);
    size_t before = resident();
    for (int i = 0; i < N; i++) tri_go(fn, (void *)(uintptr_t)(i + 1));
    tri_waitgroup_wait(&deep);
    EXPECT(resident() > before + most / 2);
    for (int i = 0; i < cycles && resident() > before + most / LEFT; i++) {
        tri_gc();
        tri_sleep(1000000);
    }
    EXPECT(resident() <= before + most / LEFT);
    if (which == 0) tri_close(go_on[0]);
    else tri_send(go_on[1], &(int){0});
    tri_waitgroup_wait(&again);
}

/* What the figures say of a goroutine that is parked deep, and of when it has come up again. */
static tri_chan *deep_gate, *shallow_gate;

static uint64_t __attribute__((noinline)) dive_and_wait(int depth) {
    volatile char room[1024];
    memset((void *)(uintptr_t)room, 1, sizeof room);
    if (depth) return dive_and_wait(depth - 1) + (uint64_t)room[depth];
    tri_waitgroup_done(&deep);
    tri_recv(deep_gate, NULL);
    return 0;
}
static void deep_then_shallow(void *arg) {
    (void)arg;
    EXPECT_EQ(dive_and_wait(DEEP), DEEP);
    tri_waitgroup_done(&again);
    tri_recv(shallow_gate, NULL);
}
static uint64_t stack_inuse(void) {
    static tri_mem_stats s;
    tri_read_mem_stats(&s);
    EXPECT(s.stack_sys >= s.stack_inuse);
    return s.stack_inuse;
}

static void figures(void) {
    uint64_t base = stack_inuse(), room = (uint64_t)DEEP * 1024;
    deep_gate = tri_chan_new(int, 0);
    shallow_gate = tri_chan_new(int, 0);
    tri_waitgroup_add(&deep, 1);
    tri_waitgroup_add(&again, 1);
    tri_go(deep_then_shallow, NULL);
    tri_waitgroup_wait(&deep);
    tri_gc();
    EXPECT(stack_inuse() >= base + room);
    tri_close(deep_gate);
    tri_waitgroup_wait(&again);
    for (int i = 0; i < 4; i++) tri_gc();
    EXPECT(stack_inuse() < base + room / 2);
    tri_close(shallow_gate);
}

static void run(void *arg) {
    (void)arg;
    figures();
    form(stays, 0, 5);
    for (int i = 0; i < 4; i++) tri_gc(); /* and so do those of goroutines that have ended */
    form(comes_and_goes, 1, 200);
}

int main(void) {
    tri_run(run, NULL);
    puts("ok");
}
