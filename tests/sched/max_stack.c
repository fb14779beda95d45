/* max_stack - tri_set_max_stack: a goroutine started after it has the room that was asked for, whatever the stacks that are free and
 * those that are in use are like; also when others change it meanwhile. `limited`: where address space is short it is as much of that as
 * there is room for, not the least there is. */
#include "test.h"

#include <sys/resource.h>

static tri_waitgroup group;

static long __attribute__((noinline)) down(long n) {
    volatile char frame[1000];
    frame[0] = 1;
    return n ? down(n - 1) + frame[0] : 0;
}

static void deep(void *frames) {
    long n = (long)(intptr_t)frames;
    EXPECT_EQ(down(n), n);
    tri_yield();
    EXPECT_EQ(down(n), n);
    tri_waitgroup_done(&group);
}

static void start_deep(int many, long frames) {
    tri_waitgroup_add(&group, many);
    for (int i = 0; i < many; i++) tri_go(deep, (void *)(intptr_t)frames);
}

static const size_t sizes[] = {0,       1,       4095,    (1 << 20) - 1, 1 << 20,        (1 << 20) + 1,
                               3 << 20, 2 << 20, 16 << 20, (size_t)1 << 32, (size_t)1 << 40, SIZE_MAX, 256 << 20};

static void setter(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < 100; i++) {
        seed = seed * 1103515245 + 12345;
        tri_set_max_stack(sizes[(seed >> 16) % (sizeof sizes / sizeof *sizes)]);
        tri_yield();
    }
    tri_waitgroup_done(&group);
}

static void run(void *arg) {
    (void)arg;
    size_t before = 256 << 20;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        EXPECT_EQ(tri_set_max_stack(sizes[i]), before);
        before = sizes[i];
        start_deep(8, sizes[i] > 3 << 20 ? 4500 : sizes[i] > 1 << 20 ? 1200 : 500);
        tri_waitgroup_wait(&group);
        tri_gc();
    }
    tri_waitgroup_add(&group, 3);
    for (int i = 0; i < 3; i++) tri_go(setter, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 100; i++) {
        start_deep(5, 400);
        if (i % 25 == 0) tri_gc();
    }
    tri_waitgroup_wait(&group);
}

static void run_limited(void *arg) {
    (void)arg;
    start_deep(8, 3500); /* with 256 MiB asked for */
    tri_waitgroup_wait(&group);
    tri_set_max_stack(64 << 20);
    start_deep(8, 3500);
    tri_waitgroup_wait(&group);
}

/* The limit has to be there when the library starts. */
static void limit_and_go_on(char **argv) {
    struct rlimit space = {.rlim_cur = (rlim_t)16 << 30, .rlim_max = (rlim_t)16 << 30};
    EXPECT(setrlimit(RLIMIT_AS, &space) == 0);
    argv[1] = "go on";
    execv("/proc/self/exe", argv);
    EXPECT(!"execv");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "limited") == 0) limit_and_go_on(argv);
    tri_run(argc > 1 ? run_limited : run, NULL);
    puts("ok");
}
