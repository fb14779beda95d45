/* A library that was not compiled by tricc moves pointers about in the program's blocks while the collector works, and is opened
 * in the middle of that: nothing is lost, for from then on the world is stopped while the collector marks. */
#include "calls.h"

#include <dlfcn.h>

enum { HOLDERS = 300, PLACES = 64 };

struct holder {
    void *place[PLACES];
};
static struct holder *holders[HOLDERS];

static void check(const char *when) {
    static bool seen[HOLDERS * PLACES];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < HOLDERS; i++)
        for (int k = 0; k < PLACES; k++) {
            struct stamped *s = holders[i]->place[k];
            REQUIRE(s && s->number < HOLDERS * PLACES && stamped_ok(s, s->number) && !seen[s->number], "%s: holder %d, place %d", when, i, k);
            seen[s->number] = true;
        }
}

/* Barriers, as the compiler puts them. */
static void relink_here(struct holder **holder, size_t n, unsigned seed) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        struct holder *a = holder[i], *b = holder[(seed >> 8) % n];
        for (size_t k = 0; k < PLACES; k++) {
            void *kept = a->place[k];
            tri_set(a->place[k], b->place[(k + seed) % PLACES]);
            tri_set(b->place[(k + seed) % PLACES], kept);
        }
    }
}

int main(void) {
    struct gc_loop loop;
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = tri__calloc(1, sizeof *holders[i]);
        for (int k = 0; k < PLACES; k++) {
            struct stamped *s = stamped_new((uint64_t)(i * PLACES + k));
            tri_set(holders[i]->place[k], s);
        }
    }
    gc_loop_start(&loop);
    void (*relink)(struct holder **, size_t, unsigned) = relink_here;
    step("with barriers");
    unsigned from = gc_loop_cycles(&loop);
    for (unsigned round = 0; round < 300 || gc_loop_cycles(&loop) - from < 10; round++) relink(holders, HOLDERS, round);
    check("with barriers");
    step("without");
    void *library = dlopen(LIBRARY, RTLD_NOW);
    REQUIRE(library, "%s", dlerror());
    *(void **)&relink = dlsym(library, "relink");
    from = gc_loop_cycles(&loop);
    for (unsigned round = 0; round < 600 || gc_loop_cycles(&loop) - from < 30; round++) {
        relink(holders, HOLDERS, round);
        if (round % 50 == 0) check("without");
    }
    gc_loop_stop(&loop);
    check("in the end");
    return 0;
}
