/* scan.c - how the collector sees goroutines (gc/fibers.h).
 *
 * The stacks of goroutines that nobody runs are scanned from the saved stack pointer to the top of the slot, descriptor
 * included. A scanner holds a goroutine meanwhile (G_SAVED -> G_HELD); a worker that wants to run it spins a little, and
 * then takes another one.
 *
 * Dirty are those that have run while marking: a worker that leaves one while marking puts it on a list.
 *
 *   I1  While marking, each goroutine that is not running either was scanned since it ran last, or is on the dirty list, or
 *       has a number that the first pass has not come to.
 *   I2  `dirty` is written by the worker that leaves the goroutine, before that makes it G_SAVED, and by the scanner that
 *       holds it. What a scanner finds on the list and cannot hold stays on it.
 *
 * A new goroutine's argument is shaded as a root is, so it need not be scanned before it has run.
 */
#include "leaks.h"
#include "sched.h"
#include "timers.h"
#include "../gc/fibers.h"
#include "../gc/gc.h"
#include "../os/os.h"

#include <signal.h>

enum { BATCH = 256, FEW_DIRTY = 16, MOST_ROUNDS = 10 };

static struct {
    uint64_t at, end;     /* numbers of the first pass: next batch, fetch-added; end */
    struct g *dirty;      /* compare-exchanged; linked by next_dirty */
    uint32_t ndirty;      /* about; relaxed */
    uint32_t rounds;      /* relaxed */
    uint32_t timers_done; /* exchanged */
    uint32_t given_back;  /* calls to give memory back, this cycle; relaxed */
} scan;

void trix_dirty_add(struct worker *w, struct g *g) {
    (void)w;
    if (g->dirty) return;
    g->dirty = 1;
    struct g *first = load_relaxed(&scan.dirty);
    do g->next_dirty = first;
    while (!cas_seq(&scan.dirty, &first, g));
    fetch_add_relaxed(&scan.ndirty, 1);
}

struct scan_job {
    struct marker *m;
    uint64_t bytes;
};

static void scan_stack(struct scan_job *job, const struct g *g) {
    job->bytes += g->fiber.hi - g->sp;
    trix_marker_scan_range(job->m, (const void *)g->sp, (const void *)g->fiber.hi, true);
}

/* Its memory below the stack pointer may be of no use; held. A call costs half a microsecond: a cycle makes so many. */
static void give_back(struct g *g) {
    enum { ROOM = 64 << 10, EVERY = 8, MOST = 8192 };
    uint32_t scans = g->scans++;
    trix_stack_note(g);
    if (g->settled < UINT8_MAX) g->settled++;
    bool stays = g->settled == 2, now_and_then = g->settled == 1 && scans % EVERY == EVERY - 1;
    if (!stays && !now_and_then) return;
    if (fetch_add_relaxed(&scan.given_back, 1) < MOST) trix_stack_give_back(g, stays ? g->sp : g->sp - ROOM);
    else g->settled = stays ? 1 : g->settled; /* in the next cycle, then */
}

/* Scans it, if it can be held. */
static bool scan_held(struct scan_job *job, struct g *g) {
    uint32_t saved = G_SAVED;
    if (!cas_seq(&g->context, &saved, G_HELD)) return false;
    g->dirty = 0;
    trix_leaks_clear(g);
    scan_stack(job, g);
    give_back(g);
    store_release(&g->context, G_SAVED);
    return true;
}

static void scan_first(struct g *g, void *job) {
    uint32_t saved = G_SAVED;
    if (load_relaxed(&g->context) != G_SAVED || !cas_seq(&g->context, &saved, G_HELD)) return;
    if (!g->dirty && !trix_leaks_suspect(g)) scan_stack(job, g);
    if (!g->dirty) give_back(g);
    store_release(&g->context, G_SAVED);
}

/* The whole dirty list; those it cannot hold go back to it. */
static void scan_dirty(struct scan_job *job) {
    struct g *g = __atomic_exchange_n(&scan.dirty, NULL, __ATOMIC_SEQ_CST), *next, *kept = NULL, *last = NULL;
    for (; g; g = next) {
        next = g->next_dirty;
        if (next) __builtin_prefetch(next);
        if (scan_held(job, g)) {
            fetch_sub_relaxed(&scan.ndirty, 1);
            continue;
        }
        g->next_dirty = kept;
        if (!kept) last = g;
        kept = g;
    }
    if (!kept) return;
    struct g *first = load_relaxed(&scan.dirty);
    do last->next_dirty = first;
    while (!cas_seq(&scan.dirty, &first, kept));
}

static void scan_timers(struct marker *m) {
    if (!swap_seq(&scan.timers_done, 1)) trix_timers_scan(m);
}

/* ---- what is registered ---- */

/* What processors keep for new goroutines goes back to all at each cycle, or it would never be found idle: in the first stop
 * each gets an empty array for the one it has. */
static uint32_t spare[MAX_PROCS]; /* stacks in the other array; collector */

static struct g **other_array(struct proc *p) { return p->free == p->kept[0] ? p->kept[1] : p->kept[0]; }

static void take_spare(void) {
    for (uint32_t i = 0; i < trix_sched.most_procs; i++) {
        struct proc *p = &trix_sched.procs[i];
        spare[i] = p->nfree;
        p->free = other_array(p);
        p->nfree = 0;
    }
}

static void trim(void) {
    for (uint32_t i = 0; i < MAX_PROCS; i++) {
        if (spare[i]) trix_stacks_give(other_array(&trix_sched.procs[i]), spare[i]);
        spare[i] = 0;
    }
    trix_stacks_trim();
}

/* No handler may come in between: it could want the stacks' lock. */
void trix_scan_give_back(void) {
    uint64_t mask = trix_os_sigmask(SIG_SETMASK, ~0ull);
    trix_world_stop(false);
    for (uint32_t i = 0; i < trix_sched.most_procs; i++) {
        struct proc *p = &trix_sched.procs[i];
        trix_stacks_give(p->free, p->nfree);
        p->nfree = 0;
    }
    trix_world_resume();
    trix_os_sigmask(SIG_SETMASK, mask);
}

static bool begin(void) {
    take_spare();
    for (struct g *g = scan.dirty, *next; g; g = next) {
        next = g->next_dirty;
        g->dirty = 0;
    }
    scan.dirty = NULL;
    scan.ndirty = scan.rounds = scan.timers_done = scan.given_back = 0;
    scan.at = 0;
    scan.end = trix_stacks_count();
    return trix_leaks_begin();
}

static bool some(struct marker *m, uint64_t *bytes) {
    struct scan_job job = {.m = m};
    scan_timers(m);
    if (load_relaxed(&scan.at) < scan.end) {
        uint64_t from = fetch_add_relaxed(&scan.at, BATCH);
        trix_stacks_visit(from, min_u64(from + BATCH, scan.end), scan_first, &job);
    } else if (load_relaxed(&scan.ndirty) > FEW_DIRTY && load_relaxed(&scan.rounds) < MOST_ROUNDS) {
        fetch_add_relaxed(&scan.rounds, 1);
        scan_dirty(&job);
    } else {
        return false;
    }
    fetch_add_relaxed(bytes, job.bytes);
    return true;
}

static void rest(struct marker *m, uint64_t *bytes) {
    struct scan_job job = {.m = m};
    scan_timers(m);
    if (scan.at < scan.end) trix_stacks_visit(scan.at, scan.end, scan_first, &job);
    scan.at = scan.end;
    scan_dirty(&job);
    scan.rounds = 0;
    *bytes += job.bytes;
}

static void scan_suspect(struct g *g, void *job) { scan_stack(job, g); }

static bool reprieve(struct marker *m, uint64_t *bytes, bool last) {
    struct scan_job job = {.m = m};
    bool some = trix_leaks_reprieve(scan_suspect, &job, last);
    *bytes += job.bytes;
    return some;
}

static void scan_any(struct g *g, void *job) {
    if (load_relaxed(&g->context) == G_SAVED) scan_stack(job, g);
}

static void all(struct marker *m) {
    struct scan_job job = {.m = m};
    trix_timers_scan(m);
    trix_stacks_visit(0, trix_stacks_count(), scan_any, &job);
}

static const struct fiber_scanner scanner = {
    .begin = begin,
    .some = some,
    .rest = rest,
    .reprieve = reprieve,
    .all = all,
    .trim = trim,
    .figures = trix_stacks_figures,
};

void trix_scan_register(void) { store_release(&trix_fibers, &scanner); }
