/* scavenger.c - memory goes back to the system in the background, and on request.
 *
 * The collector's thread does it between cycles, in bouts of a millisecond, as scavenge_pace.h says; it puts a bout off or
 * breaks it off when a cycle is due. How pages are found and given back: heap/scavenge.c.
 */
#include "limit.h"
#include "fibers.h"
#include "scavenge_pace.h"
#include "sweep.h"
#include "thread.h"
#include "../heap/gate.h"
#include "../heap/scavenge.h"
#include "../os/os.h"

enum { PIECE_PAGES = 64 };

/* Collector only, but for what is said otherwise. */
static struct {
    uint64_t retain;              /* bytes of heap that may stay backed */
    struct scavenge_pace pace;
    struct release_cursor cursor;
    bool exhausted;               /* nothing more to be found until there are more free pages than `seen` */
    uint64_t seen;                /* pages */
    uint64_t reported, reported_eagerly; /* bytes */
} scavenger = {.retain = SCAVENGE_NEVER};

trix_scavenge_hook *trix_scavenge_report_hook;

/* ---- what is to go ---- */

static uint64_t free_backed_pages(void) {
    struct pageheap_stats s;
    trix_pageheap_stats(&s);
    return s.free_pages - s.released_pages;
}

/* Pages; *urgent: for the limit. */
static uint64_t excess(bool *urgent) {
    uint64_t limit_goal = trix_scavenge_limit(trix_gc.pacer.memory_limit);
    uint64_t mapped = limit_goal == SCAVENGE_NEVER ? 0 : trix_limit_mapped();
    uint64_t backed = trix_pageheap_backed() << PAGE_SHIFT;
    *urgent = mapped > limit_goal;
    return trix_scavenge_excess(backed, scavenger.retain, mapped, limit_goal) >> PAGE_SHIFT;
}

void trix_scavenger_cycle(uint64_t last_goal, uint64_t goal) {
    struct pageheap_stats s;
    trix_pageheap_stats(&s);
    uint64_t inuse = load_relaxed(&trix_map.extent) - (s.free_pages << PAGE_SHIFT);
    scavenger.retain = trix_scavenge_retain(inuse, last_goal, goal);
    trix_pageheap_retain(scavenger.retain == SCAVENGE_NEVER ? UINT64_MAX : scavenger.retain >> PAGE_SHIFT);
}

static void report(void) {
    uint64_t all = load_relaxed(&trix_scavenged_bytes), eagerly = load_relaxed(&trix_scavenged_eagerly);
    uint64_t eager = eagerly - scavenger.reported_eagerly, total = all - scavenger.reported;
    if (trix_scavenge_report_hook) trix_scavenge_report_hook(total > eager ? total - eager : 0, eager, false);
    scavenger.reported = all;
    scavenger.reported_eagerly = eagerly;
}

/* What was passed over may be worth it now. */
void trix_scavenger_swept(void) {
    scavenger.cursor = SCAVENGE_FROM_TOP;
    scavenger.exhausted = false;
    report();
}

/* ---- bouts ---- */

static bool nothing_found(void) {
    uint64_t now = scavenger.exhausted ? free_backed_pages() : 0;
    if (now <= scavenger.seen) return scavenger.exhausted;
    scavenger.cursor = SCAVENGE_FROM_TOP;
    scavenger.exhausted = false;
    scavenger.seen = 0;
    return false;
}

static void bout(void) {
    uint64_t from = trix_os_thread_cpu(), spent = 0, pages;
    bool urgent;
    while (spent < SCAVENGE_BOUT_NS && (pages = excess(&urgent)) && !trix_scavenger_interrupted()) {
        enum scavenge_how how = urgent ? SCAVENGE_ALL : SCAVENGE_GENTLY;
        uint64_t done = trix_scavenge(min_u64(pages, PIECE_PAGES), how, &scavenger.cursor);
        spent = trix_os_thread_cpu() - from;
        if (done) continue;
        scavenger.exhausted = true;
        scavenger.seen = free_backed_pages();
        break;
    }
    fetch_add_relaxed(&trix_scavenge_background_ns, spent);
    trix_scavenge_spend(&scavenger.pace, spent);
}

uint64_t trix_scavenger_step(void) {
    bool urgent;
    if (excess(&urgent) == 0 || nothing_found()) return UINT64_MAX;
    uint64_t wait = trix_scavenge_wait(&scavenger.pace, (uint32_t)trix_gc.procs, trix_os_now());
    if (wait) return wait;
    bout();
    return excess(&urgent) ? 1 : UINT64_MAX;
}

/* ---- on request ---- */

/* All at once, so it may take long: the thread is outside, and lets stops in between pieces. */
static uint64_t give_back_all(struct gate *g) {
    struct release_cursor cursor = SCAVENGE_FROM_TOP;
    uint64_t pages = 0, done;
    trix_pageheap_end_ahead();
    gate_leave(g);
    trix_pageheap_await_ahead();
    g = gate_enter();
    do {
        done = trix_scavenge(HUGE_PAGES, SCAVENGE_ALL, &cursor);
        pages += done;
        gate_leave(g);
        g = gate_enter();
    } while (done);
    return pages << PAGE_SHIFT;
}

EXPORT void tri_free_os_memory(void) {
    struct thread *t = (struct thread *)gate_enter();
    store_seq(&trix_gc.return_windows, true);
    trix_gc_run(t);
    uint64_t bytes = give_back_all(&t->cache.gate);
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    if (fibers) fibers->trim();
    if (trix_scavenge_report_hook) trix_scavenge_report_hook(0, bytes, true);
    gate_leave(&t->cache.gate);
}
