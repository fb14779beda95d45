/* Every figure of tri_read_mem_stats against books kept by hand, and the identities between them. */
#include "check.h"

enum { SIZES = 68 };

struct node {
    struct node *next;
    long value[4];
};
TRI_TYPE(struct node, next)

static tri_mem_stats s, t;
void *kept[40000]; /* root */
static size_t nkept;

static void identities(const char *when) {
    uint64_t mallocs = 0, frees = 0;
    REQUIRE(s.mallocs - s.frees == s.heap_objects, "%s: %lu - %lu != %lu", when, (long)s.mallocs,
            (long)s.frees, (long)s.heap_objects);
    REQUIRE(s.alloc == s.heap_alloc, "%s: alloc", when);
    REQUIRE(s.heap_sys == s.heap_inuse + s.heap_idle, "%s: heap_sys", when);
    REQUIRE(s.heap_released <= s.heap_idle, "%s: released %lu of %lu idle", when, (long)s.heap_released,
            (long)s.heap_idle);
    REQUIRE(s.heap_alloc <= s.heap_inuse, "%s: %lu allocated in %lu", when, (long)s.heap_alloc,
            (long)s.heap_inuse);
    REQUIRE(s.sys == s.heap_sys + s.stack_sys + s.mspan_sys + s.mcache_sys + s.buck_hash_sys + s.gc_sys +
                         s.other_sys,
            "%s: sys", when);
    REQUIRE(s.mspan_inuse <= s.mspan_sys && s.mcache_inuse <= s.mcache_sys && s.stack_inuse <= s.stack_sys,
            "%s", when);
    REQUIRE(s.total_alloc >= s.heap_alloc, "%s: total_alloc", when);
    REQUIRE(s.enable_gc && !s.debug_gc, "%s: enable_gc", when);
    REQUIRE(s.gc_cpu_fraction >= 0 && s.gc_cpu_fraction < 1, "%s: gc_cpu_fraction %g", when,
            s.gc_cpu_fraction);
    REQUIRE(s.by_size[0].size == 0 && s.by_size[1].size == 8 && s.by_size[67].size == 32768, "%s: sizes",
            when);
    for (int i = 0; i < SIZES; i++) {
        REQUIRE(i == 0 || s.by_size[i].size > s.by_size[i - 1].size, "%s: size %d", when, i);
        REQUIRE(s.by_size[i].frees <= s.by_size[i].mallocs, "%s: class %d", when, i);
        mallocs += s.by_size[i].mallocs;
        frees += s.by_size[i].frees;
    }
    REQUIRE(mallocs <= s.mallocs && frees <= s.frees, "%s: classes add up to %lu, %lu", when, (long)mallocs,
            (long)frees);
}

static uint64_t in_class(const tri_mem_stats *m, size_t size) {
    for (int i = 1; i < SIZES; i++)
        if (m->by_size[i].size >= size) return m->by_size[i].mallocs;
    return 0;
}

/* What was made is counted, object by object and byte by byte, at once. */
static void count_exactly(void) {
    uint64_t bytes = 0, objects = 0;
    tri_gc();
    tri_read_mem_stats(&t);
    for (int i = 0; i < 3000; i++) {
        kept[nkept++] = tri_new(struct node);
        kept[nkept++] = tri_alloc(100);       /* the class of 112 */
        kept[nkept++] = tri_alloc_leaf(1000); /* 1024 */
        objects += 3;
    }
    kept[nkept++] = tri_alloc(100000); /* 13 pages */
    objects++;
    tri_read_mem_stats(&s);
    REQUIRE(s.mallocs - t.mallocs == objects, "%lu objects made, %lu counted", (long)objects,
            (long)(s.mallocs - t.mallocs));
    for (size_t i = 0; i < nkept; i++) bytes += tri_size(kept[i]);
    uint64_t counted = s.total_alloc - t.total_alloc;
    REQUIRE(counted >= bytes && counted <= bytes + objects * 16 + 8192, "%lu bytes usable, %lu counted",
            (long)bytes, (long)counted);
    REQUIRE(in_class(&s, 101) - in_class(&t, 101) == 3000, "class of 100: %lu",
            (long)(in_class(&s, 101) - in_class(&t, 101)));
    REQUIRE(in_class(&s, 1001) - in_class(&t, 1001) == 3000, "class of 1000");
    identities("after allocating");
}

/* What is dropped is, after two cycles, taken off again, and nothing else. */
static void free_exactly(void) {
    memset(kept, 0, sizeof kept);
    clear_stack();
    tri_gc();
    tri_gc();
    tri_read_mem_stats(&s);
    REQUIRE(s.heap_objects <= t.heap_objects + 100, "%lu objects, before %lu", (long)s.heap_objects,
            (long)t.heap_objects);
    REQUIRE(s.heap_alloc <= t.heap_alloc + (150 << 10), "%lu bytes, before %lu", (long)s.heap_alloc,
            (long)t.heap_alloc);
    identities("after dropping");
}

static void cycles(void) {
    struct timespec now;
    uint32_t before = s.num_gc, forced = s.num_forced_gc;
    uint64_t paused = s.pause_total_ns;
    for (int i = 0; i < 300; i++) tri_gc();
    tri_read_mem_stats(&s);
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wall = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    REQUIRE(s.num_gc - before >= 300 && s.num_forced_gc - forced == 300, "%u cycles, %u forced",
            s.num_gc - before, s.num_forced_gc - forced);
    uint64_t ring = 0;
    for (int i = 0; i < 256; i++) {
        REQUIRE(s.pause_ns[i] > 0, "pause %d", i);
        ring += s.pause_ns[i];
    }
    REQUIRE(ring <= s.pause_total_ns - paused, "the last 256 pauses take %lu of %lu ns", (long)ring,
            (long)(s.pause_total_ns - paused));
    uint64_t last = s.pause_end[(s.num_gc + 255) % 256], first = s.pause_end[s.num_gc % 256];
    REQUIRE(last == s.last_gc && first < last && last <= wall && wall - last < 60000000000u,
            "the ring of pauses");
    REQUIRE(s.next_gc >= 4 << 20, "next_gc %lu", (long)s.next_gc);
    identities("after 300 cycles");
    tri_set_gc_percent(-1);
    tri_read_mem_stats(&s);
    REQUIRE(!s.enable_gc, "collection is off");
    tri_set_gc_percent(100);
}

/* Threads that have ended take nothing with them. */
static int each = 5000;
static void *worker(void *arg) {
    (void)arg;
    for (int i = 0; i < each; i++) tri_new(struct node);
    return NULL;
}
static void other_threads(void) {
    pthread_t thread[8];
    tri_read_mem_stats(&t);
    for (int i = 0; i < 8; i++) pthread_create(&thread[i], NULL, worker, NULL);
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    tri_read_mem_stats(&s);
    REQUIRE(s.mallocs - t.mallocs == 8u * (unsigned)each, "%lu objects of other threads",
            (long)(s.mallocs - t.mallocs));
    identities("after threads");
}

/* What the tables take is two percent of the heap at most; a quarter more where slots are of 16 bytes. Leaves that are not touched take
 * pages and no memory. */
enum { LEAVES = 32768, ARENA = 64 << 20, SIXTEENS = 4 << 20 };
static void **leaves; /* root */
static void tables(void) {
    leaves = tri_alloc(LEAVES * sizeof *leaves);
    for (int i = 0; i < LEAVES; i++) tri_set(leaves[i], tri_alloc_leaf(8192));
    tri_read_mem_stats(&s);
    REQUIRE(s.heap_inuse >= LEAVES * 8192ul, "%lu pages in use", (long)s.heap_inuse / 8192);
    REQUIRE(s.mspan_sys * 50 <= s.heap_sys + ARENA, "tables of %lu bytes for %lu", (long)s.mspan_sys, (long)s.heap_sys);
    for (int i = 0; i < SIXTEENS; i++) tri_alloc_leaf(16);
    tri_read_mem_stats(&s);
    REQUIRE(s.mspan_sys * 40 <= s.heap_sys + ARENA, "with the table for 16 bytes %lu for %lu", (long)s.mspan_sys, (long)s.heap_sys);
    identities("after many spans");
}

int main(void) {
    step("allocate");
    count_exactly();
    step("drop");
    free_exactly();
    step("cycles");
    cycles();
    step("threads");
    other_threads();
    step("tables");
    tables();
    return 0;
}
