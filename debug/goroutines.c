/* goroutines.c - the goroutine profiles. While the world is stopped every goroutine is copied to memory that was mapped
 * before, for twice as many as there were; the rest is done afterwards. The one that asks has walked its own stack before that;
 * others that run, on other threads, cannot be walked: of these there is where they began. */
#include "debug.h"

#include "../src/sched/goroutines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

struct copy {
    struct goroutine g;
    uintptr_t pcs[GOROUTINE_FRAMES];
};

struct copies {
    struct copy *copy; /* mapped; touched only as far as used */
    size_t n, room;
    bool leaked_only;
    struct own {
        uintptr_t pcs[GOROUTINE_FRAMES]; /* return addresses, innermost first */
        uint32_t n;
        uintptr_t caller; /* they begin in the call that returns there; 0: it has begun */
        uintptr_t last;
    } own; /* of the goroutine that asks, if it is one */
};

static _Unwind_Reason_Code note_own(struct _Unwind_Context *context, void *arg) {
    struct own *own = arg;
    uintptr_t pc = _Unwind_GetIP(context);
    if (!pc || own->n == GOROUTINE_FRAMES) return _URC_END_OF_STACK;
    if (pc == own->caller) {
        own->pcs[own->n++] = own->last;
        own->caller = 0;
    }
    own->last = pc;
    if (!own->caller) own->pcs[own->n++] = pc;
    return _URC_NO_REASON;
}

/* World stopped. */
static void copy_one(const struct goroutine *g, void *arg) {
    struct copies *c = arg;
    if (c->n == c->room || (c->leaked_only && !g->leaked)) return;
    struct copy *to = &c->copy[c->n++];
    to->g = *g;
    memcpy(to->pcs, g->pcs, g->npcs * sizeof *g->pcs);
    if (g->self) {
        to->g.npcs = c->own.n;
        memcpy(to->pcs, c->own.pcs, c->own.n * sizeof *c->own.pcs);
    }
    if (to->g.npcs == 0) {
        to->pcs[0] = (uintptr_t)g->fn + 1;
        to->g.npcs = 1;
    }
}

static int by_id(const void *a, const void *b) {
    uint64_t x = ((const struct copy *)a)->g.id, y = ((const struct copy *)b)->g.id;
    return (x > y) - (x < y);
}

static struct copies copy_all(bool leaked, const void *caller) {
    struct copies c = {.leaked_only = leaked, .own.caller = (uintptr_t)caller};
    if (leaked) trid_core()->find_leaks();
    if (caller) _Unwind_Backtrace(note_own, &c.own);
    c.room = trid_core()->goroutines() * 2 + 1000;
    c.copy = mmap(NULL, c.room * sizeof *c.copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c.copy == MAP_FAILED) c.copy = NULL, c.room = 0;
    else trid_core()->visit_goroutines(copy_one, &c);
    return c;
}

static void drop(struct copies *c) {
    if (c->copy) munmap(c->copy, c->room * sizeof *c->copy);
}

/* How a goroutine came to park within the library depends on who ran next; those that wait in one place are to be one line. All
 * of them: the function it was started with ends in a call of the library's that the compiler has made a jump. */
static uint32_t library_frames(const struct copy *c) {
    uintptr_t lo, hi;
    uint32_t n = 0;
    trid_core()->code(&lo, &hi);
    while (n < c->g.npcs && c->pcs[n] - lo < hi - lo) n++;
    return n;
}

void trid_goroutines_make(struct profile *p, bool leaked) {
    struct copies c = copy_all(leaked, p->caller);
    p->nvalues = 1;
    p->type[0] = p->period_type = p->name, p->unit[0] = p->period_unit = "count";
    p->period = 1;
    for (size_t i = 0; i < c.n; i++) {
        struct copy *g = &c.copy[i];
        uint32_t skip = library_frames(g);
        uintptr_t began = (uintptr_t)g->g.fn + 1;
        if (skip < g->g.npcs) trid_profile_add(p, g->pcs + skip, g->g.npcs - skip, &(int64_t){1}, NULL, 0, NULL);
        else trid_profile_add(p, &began, 1, &(int64_t){1}, NULL, 0, NULL);
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
    if (c->g.npcs > 1 && library_frames(c) == c->g.npcs) put_frames(out, s, (uintptr_t)c->g.fn + 1, true);
    if (c->g.creator) {
        struct symbol at = trid_symbol(s, c->g.creator - 1);
        trid_put(out, "created by %s", at.name ? at.name : "?");
        if (c->g.parent) trid_put(out, " in goroutine %lu", c->g.parent);
        trid_put(out, "\n\t%s:%d +0x%lx\n", at.file ? at.file : "?", at.line, at.offset + 1);
    }
    trid_put(out, "\n");
}

void trid_goroutines_dump(struct page *out, bool leaked, const void *caller) {
    struct copies c = copy_all(leaked, caller);
    struct symbols *s = trid_symbols_open();
    if (c.n) qsort(c.copy, c.n, sizeof *c.copy, by_id);
    for (size_t i = 0; i < c.n; i++) put_goroutine(out, s, &c.copy[i]);
    if (!c.n) trid_put(out, "no goroutines\n");
    trid_symbols_close(s);
    drop(&c);
}
