/* No thread takes a lock of the library while it can be stopped: one that is stopped with a lock would keep it from the collector, or
 * from a thread that nobody can stop until it has it. The library with all checks looks at that at every lock: so each call that
 * does something for the first time, or seldom, is made once. */
#include "check.h"

struct pair {
    struct pair *next;
    long value;
};
TRI_TYPE(struct pair, next)
TRI_MAP(by_number, long, struct pair *)
TRI_SLICE(pairs, struct pair)

static void run(void *count) { post(count); }
static void ends(void *object) { (void)object; }

static void types(void) {
    step("maps and slices");
    by_number m = tri_map_new(by_number);
    tri_map_put(m, 1, tri_new(struct pair));
    pairs s = {0};
    for (int i = 0; i < 100; i++) s = tri_append(s, ((struct pair){NULL, i}));
    tri_prealloc(tri_type_of(struct pair), 100);
    REQUIRE(tri_map_len(m) == 1 && s.len == 100, "contents");
    tri_arena *a = tri_arena_new();
    tri_arena_make(a, struct pair)->value = 1;
    tri_arena_free(a);
}

static void lives(void) {
    step("ends of lives");
    static tri_pool pool;
    void *p = tri_alloc(40);
    tri_set_finalizer(p, ends);
    tri_add_cleanup(p, ends, NULL);
    tri_weak_make(p);
    tri_rc_release(tri_rc_new(p, ends));
    tri_ephemerons_put(tri_ephemerons_new(), p, p);
    tri_pool_put(&pool, tri_alloc(40));
    tri_pin(p);
    tri_unpin(p);
    tri_free(tri_alloc_root(100));
    size_t bytes;
    REQUIRE(tri_map_file("/proc/self/exe", &bytes, TRI_MAP_READ), "no file");
}

static void goroutines(void) {
    step("goroutines");
    int count = 0;
    for (int i = 0; i < 100; i++) tri_go(run, &count);
    await(&count, 100);
    tri_after_func(1, run, &count);
    await(&count, 101);
    tri_gomaxprocs(3);
    tri_set_max_stack(1 << 20);
    tri_sleep(1);
    tri_goroutine_leaks(-1);
}

static void figures(void) {
    step("figures and controls");
    static tri_mem_stats stats;
    tri_metric live = {.name = "/gc/heap/live:bytes"};
    tri_read_mem_stats(&stats);
    tri_read_metrics(&live, 1);
    tri_set_memory_limit((int64_t)1 << 30);
    tri_set_gc_percent(50);
    tri_free_os_memory();
    static void *outside[4];
    tri_add_roots(outside, outside + 4);
    tri_remove_roots(outside, outside + 4);
}

int main(void) {
    types();
    lives();
    goroutines();
    figures();
    int status;
    pid_t child = fork();
    if (child == 0) {
        goroutines();
        figures();
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child && status == 0, "child: %x", status);
    return 0;
}
