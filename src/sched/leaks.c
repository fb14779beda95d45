/* leaks.c - goroutines that are blocked for ever, found by the collector (after Go 1.27's goroutineleak, runtime/mgc.go).
 *
 * In a cycle that looks for them, the stacks of goroutines that wait on a channel or a lock are no roots at first: such a
 * goroutine is a suspect. It is cleared, and its stack scanned, when what it waits for is found marked, since then somebody
 * who may go on can reach it; or when it is no object of the heap: memory of the program's, or the stack of a goroutine that is no
 * suspect. That goes on until nothing new is found, with the world running; then, in the stop that ends marking, once more.
 * Who is still a suspect then is leaked: nobody but such as it can ever wake it. Its stack is scanned at last, so that nothing it
 * holds is freed; it stays as it is, and can be told from others by g.leaked until it runs after all (a pointer may have been
 * hidden from the collector).
 *
 * Waiters lie on stacks, and channels hold no pointers to them that are followed: so nothing leads from a channel to those who wait
 * there, and what they hold.
 *
 *   I1  wait_on is set by the goroutine before it parks, and taken back by whoever readies it, both inside the gate. With the
 *       world stopped a suspect whose wait_on is NULL has been readied.
 *   I2  `suspect` is written by whoever holds the goroutine (G_HELD), in a cycle that looks for leaks only.
 *
 * A conservative scan may find a pointer where there is none: a leak may be missed, but who is reported is leaked.
 */
#include "leaks.h"
#include "chan.h"
#include "goroutines.h"
#include "report.h"
#include "walk.h"
#include "../base/fmt.h"
#include "../gc/gc.h"
#include "../os/os.h"
#include "../../include/tricolor/go.h"

static struct {
    uint32_t wanted;   /* the next cycle is to look; seq_cst */
    bool on;           /* this one does; changed with the world stopped */
    uint32_t suspects; /* atomic */
    uint32_t found;    /* by the last search; relaxed */
} leaks;

/* ---- suspects ---- */

/* Whether a goroutine that waits for that (enum g_wait) may do so for ever. */
static bool is_possible(uint8_t why) {
    switch (why) {
    case WAIT_RECV: case WAIT_SEND: case WAIT_RECV_NIL: case WAIT_SEND_NIL: case WAIT_SELECT: case WAIT_SELECT_EMPTY:
    case WAIT_MUTEX: case WAIT_RWMUTEX_READ: case WAIT_RWMUTEX_WRITE: case WAIT_WAITGROUP: case WAIT_COND: return true;
    default: return false;
    }
}

bool trix_leaks_suspect(struct g *g) {
    if (LIKELY(!leaks.on) || g->suspect || !is_possible(g->wait)) return false;
    g->suspect = 1;
    fetch_add_seq(&leaks.suspects, 1);
    return true;
}

void trix_leaks_clear(struct g *g) {
    if (LIKELY(!g->suspect)) return;
    g->suspect = 0;
    fetch_sub_seq(&leaks.suspects, 1);
}

/* Whether somebody who is no suspect can reach it. */
static bool is_reached(const void *object) {
    bool guard;
    if (map_contains((uintptr_t)object)) return trix_marker_is_marked((uintptr_t)object);
    const struct g *owner = trix_stacks_find((uintptr_t)object, &guard);
    return !owner || !load_relaxed(&owner->suspect);
}

/* Whether a suspect may go on; held. */
static bool may_go_on(const struct g *g) {
    uint8_t why = load_relaxed(&g->wait);
    const void *on = load_relaxed(&g->wait_on);
    if (why == WAIT_RECV_NIL || why == WAIT_SEND_NIL || why == WAIT_SELECT_EMPTY) return false; /* nobody can */
    if (!on) return true;
    return why == WAIT_SELECT ? trix_select_any(on, is_reached) : is_reached(on);
}

struct search {
    trix_leak_scan *scan;
    void *arg;
    bool all, some; /* all: whoever is left is leaked */
};

static void look_at(struct g *g, void *arg) {
    struct search *s = arg;
    uint32_t saved = G_SAVED;
    if (!load_relaxed(&g->suspect) || !cas_seq(&g->context, &saved, G_HELD)) return;
    if (s->all || may_go_on(g)) {
        trix_leaks_clear(g);
        /* Of a program that waits for ever in select{} on purpose the main goroutine is not worth a report (as in Go). */
        g->leaked = s->all && !(g->id == 1 && g->wait == WAIT_SELECT_EMPTY);
        if (g->leaked) store_relaxed(&leaks.found, leaks.found + 1);
        s->scan(g, s->arg);
        s->some = true;
    }
    store_release(&g->context, G_SAVED);
}

static bool look_at_all(struct search *s) {
    trix_stacks_visit(0, trix_stacks_count(), look_at, s);
    return s->some;
}

/* One that runs, or has a place in a queue, scans itself or is on the list of dirty ones. */
static void forget(struct g *g, void *arg) {
    (void)arg;
    if (g->suspect) trix_leaks_clear(g);
}

bool trix_leaks_reprieve(trix_leak_scan *scan, void *arg, bool last) {
    struct search s = {scan, arg, .all = false};
    if (LIKELY(!leaks.on) || !load_seq(&leaks.suspects)) return false;
    if (look_at_all(&s) || !last) return s.some;
    s.all = true;
    look_at_all(&s);
    trix_stacks_visit(0, trix_stacks_count(), forget, NULL);
    return s.some;
}

bool trix_leaks_begin(void) {
    leaks.on = swap_seq(&leaks.wanted, 0);
    if (leaks.on) leaks.found = 0;
    return leaks.on;
}

uint64_t trix_leaks_find(void) {
    struct thread *t = sched_enter();
    store_seq(&leaks.wanted, 1);
    trix_gc_run(t);
    sched_leave(t);
    return load_relaxed(&leaks.found);
}

/* ---- the report ---- */

enum { MOST_REPORTED = 1000 };

struct leak {
    uint64_t id, parent, waited_ns;
    const char *state;
    uintptr_t creator, pc[GOROUTINE_FRAMES];
    uint32_t n;
};

struct report {
    struct leak *leak;
    uint32_t n;
};

static void note_leak(const struct goroutine *g, void *arg) {
    struct report *r = arg;
    if (!g->leaked || r->n == MOST_REPORTED) return;
    struct leak *l = &r->leak[r->n++];
    *l = (struct leak){g->id, g->parent, g->waited_ns, g->state, g->creator, {0}, g->npcs};
    for (uint32_t i = 0; i < g->npcs; i++) l->pc[i] = g->pcs[i];
}

EXPORT int tri_goroutine_leaks(int fd) {
    uint64_t found = trix_leaks_find();
    size_t bytes = MOST_REPORTED * sizeof(struct leak);
    struct report r = {found && fd >= 0 ? trix_os_map(bytes) : NULL, 0};
    if (!r.leak) return (int)found;
    trix_goroutines_visit(note_leak, &r);
    for (uint32_t i = 0; i < r.n; i++) {
        const struct leak *l = &r.leak[i];
        trix_report_goroutine(fd, l->id, l->state, true, l->waited_ns);
        trix_report_frames(fd, l->pc, l->n);
        trix_report_creator(fd, l->parent, l->creator);
    }
    trix_os_unmap(r.leak, bytes);
    return (int)found;
}
