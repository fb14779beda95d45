/* goroutines.c - the goroutine profiles. While the world is stopped every goroutine is copied to memory that was mapped
 * before, for twice as many as there were; the rest is done afterwards. */
#include "debug.h"

#include "../src/sched/goroutines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct copy {
    struct goroutine g;
    uintptr_t pcs[GOROUTINE_FRAMES];
};

struct copies {
    struct copy *copy; /* mapped; touched only as far as used */
    size_t n, room;
    bool leaked_only;
};

/* World stopped. */
static void copy_one(const struct goroutine *g, void *arg) {
    struct copies *c = arg;
    if (c->n == c->room || (c->leaked_only && !g->leaked)) return;
    struct copy *to = &c->copy[c->n++];
    to->g = *g;
    memcpy(to->pcs, g->pcs, g->npcs * sizeof *g->pcs);
    if (g->npcs == 0) { /* it runs, and cannot be walked from here: where it began */
        to->pcs[0] = (uintptr_t)g->fn + 1;
        to->g.npcs = 1;
    }
}

static int by_id(const void *a, const void *b) {
    uint64_t x = ((const struct copy *)a)->g.id, y = ((const struct copy *)b)->g.id;
    return (x > y) - (x < y);
}

static struct copies copy_all(bool leaked) {
    struct copies c = {.leaked_only = leaked};
    if (leaked) trid_core()->find_leaks();
    c.room = trid_core()->goroutines() * 2 + 1000;
    c.copy = mmap(NULL, c.room * sizeof *c.copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c.copy == MAP_FAILED) c.copy = NULL, c.room = 0;
    else trid_core()->visit_goroutines(copy_one, &c);
    return c;
}

static void drop(struct copies *c) {
    if (c->copy) munmap(c->copy, c->room * sizeof *c->copy);
}

/* How a goroutine came to park within the library depends on who ran next; those that wait in one place are to be one line. */
static uint32_t own_frames(const struct copy *c) {
    uintptr_t lo, hi;
    uint32_t n = 0;
    trid_core()->code(&lo, &hi);
    while (n < c->g.npcs && c->pcs[n] - lo < hi - lo) n++;
    return n < c->g.npcs ? n : 0;
}

void trid_goroutines_make(struct profile *p, bool leaked) {
    struct copies c = copy_all(leaked);
    p->nvalues = 1;
    p->type[0] = p->period_type = p->name, p->unit[0] = p->period_unit = "count";
    p->period = 1;
    for (size_t i = 0; i < c.n; i++) {
        uint32_t skip = own_frames(&c.copy[i]);
        trid_profile_add(p, c.copy[i].pcs + skip, c.copy[i].g.npcs - skip, &(int64_t){1}, NULL, 0, NULL);
    }
    drop(&c);
}

/* Frames of the library's own are left out, unless there is no other. */
static void put_frames(struct page *out, struct symbols *s, uintptr_t pc, bool all) {
    unsigned n;
    const struct symbol *at = trid_symbol_frames(s, pc - 1, &n);
    for (; n > 0; n--, at++)
        if (all || !trid_symbol_internal(at, pc))
            trid_put(out, "%s(...)\n\t%s:%d +0x%lx\n", at->name ? at->name : "?", at->file ? at->file : "?", at->line, at->offset + 1);
}

static void put_goroutine(struct page *out, struct symbols *s, const struct copy *c) {
    uint64_t minutes = c->g.waited_ns / 60000000000ull;
    trid_put(out, "goroutine %lu [%s%s", c->g.id, c->g.state, c->g.leaked ? " (leaked)" : "");
    if (minutes) trid_put(out, ", %lu minutes", minutes);
    trid_put(out, "]:\n");
    for (uint32_t i = 0; i < c->g.npcs; i++) put_frames(out, s, c->pcs[i], c->g.npcs == 1);
    if (c->g.creator) {
        struct symbol at = trid_symbol(s, c->g.creator - 1);
        trid_put(out, "created by %s", at.name ? at.name : "?");
        if (c->g.parent) trid_put(out, " in goroutine %lu", c->g.parent);
        trid_put(out, "\n\t%s:%d +0x%lx\n", at.file ? at.file : "?", at.line, at.offset + 1);
    }
    trid_put(out, "\n");
}

void trid_goroutines_dump(struct page *out, bool leaked) {
    struct copies c = copy_all(leaked);
    struct symbols *s = trid_symbols_open();
    if (c.n) qsort(c.copy, c.n, sizeof *c.copy, by_id);
    for (size_t i = 0; i < c.n; i++) put_goroutine(out, s, &c.copy[i]);
    if (!c.n) trid_put(out, "no goroutines\n");
    trid_symbols_close(s);
    drop(&c);
}
