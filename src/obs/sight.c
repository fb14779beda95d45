/* sight.c - the table of sight.h, and the sampling of contention: as Go's, a mutex profile sees one event in `rate` and
 * counts it for that many; a block profile sees a wait of w ns with probability min(1, w / rate), and counts one below the
 * rate for rate / w waits of that length (runtime/mprof.go). */
#include "sight.h"
#include "obs.h"
#include "sites.h"
#include "../base/bits.h"
#include "../base/options.h"
#include "../gc/thread.h"
#include "../heap/gate.h"
#include "../heap/layout.h"
#include "../os/os.h"
#include "../os/unwind.h"
#include "../sched/goroutines.h"
#include "../sched/sched.h"

#include <signal.h>

/* ---- contention ---- */

static int mutex_rate, block_rate; /* relaxed */

/* Good enough to choose by: in [0, n). */
static uint64_t random_below(uint64_t n) {
    uint64_t x = trix_os_now() * 0x9e3779b97f4a7c15ull;
    return (uint64_t)(((unsigned __int128)(x ^ x >> 29) * n) >> 64);
}

static void on_block(uint64_t waited, const char *reason) {
    (void)reason;
    uint64_t rate = (uint64_t)load_relaxed(&block_rate);
    if (rate == 0 || (waited < rate && random_below(rate) >= waited)) return;
    struct site *s = trix_site_here(SIGHT_BLOCK, 0);
    if (!s) return;
    if (waited == 0) waited = 1;
    if (waited >= rate) trix_site_add_contention(s, 1, (double)waited);
    else trix_site_add_contention(s, (double)rate / (double)waited, (double)rate);
}

uint64_t trix_mutex_waited;

static void on_mutex(uint64_t waited, const char *reason) {
    (void)reason;
    fetch_add_relaxed(&trix_mutex_waited, waited);
    uint64_t rate = (uint64_t)load_relaxed(&mutex_rate);
    if (rate == 0 || (rate > 1 && random_below(rate) != 0)) return;
    struct site *s = trix_site_here(SIGHT_MUTEX, 0);
    if (s) trix_site_add_contention(s, (double)rate, (double)waited * (double)rate);
}

static int set_rate(int *rate, int to, trix_contention_hook **hook, trix_contention_hook *fn) {
    if (to < 0) return load_relaxed(rate);
    int old = __atomic_exchange_n(rate, to, __ATOMIC_RELAXED);
    store_release(hook, to ? fn : NULL);
    return old;
}

static int set_mutex_rate(int rate) { return set_rate(&mutex_rate, rate, &trix_mutex_hook, on_mutex); }
static int set_block_rate(int rate) { return set_rate(&block_rate, rate, &trix_block_hook, on_block); }

/* ---- stacks ---- */

static unsigned walk(const void *ucontext, uintptr_t *pcs, unsigned most) {
    uintptr_t sp = ucontext ? trix_os_context_sp(ucontext) : (uintptr_t)__builtin_frame_address(0);
    uintptr_t end = trix_stack_end(sp);
    struct unwind from = ucontext ? trix_unwind_context(ucontext, end) : UNWIND_HERE(end);
    return trix_unwind(from, pcs, most);
}

/* A worker between two goroutines may name either. */
static uint64_t goroutine_id(void) {
    struct thread *t = thread_self();
    struct worker *w = t ? load_relaxed(&t->worker) : NULL;
    struct g *g = w ? load_relaxed(&w->g) : NULL;
    return g ? load_relaxed(&g->id) : 0;
}

static void visit_goroutines(void (*visit)(const struct goroutine *g, void *arg), void *arg) {
    if (!trix_goroutines_count()) return;
    gate_leave(gate_enter()); /* who stops the world is attached, even if the library has not seen it being made */
    trix_goroutines_visit(visit, arg);
}

static uint64_t find_leaks(void) { return trix_goroutines_count() ? trix_leaks_find() : 0; }

/* ---- ticks ---- */

/* What the program has put in its place meanwhile stays. So does ours where the program has none: a tick may be under way, whose
 * default is death. */
static bool on_tick(sight_handler *handler) {
    static struct trix_kernel_action before, now;
    static void *ours;
    if (!trix_os_sigaction_raw(SIGPROF, NULL, &now)) return false;
    if (!handler) return now.handler != ours || !before.handler || trix_os_sigaction_raw(SIGPROF, &before, NULL);
    if (now.handler != (void *)handler) before = now;
    ours = (void *)handler;
    return trix_os_sigaction(SIGPROF, (trix_os_handler *)(void *)handler, SA_SIGINFO | SA_RESTART | SA_ONSTACK);
}

/* ---- layouts ---- */

_Static_assert((int)SIGHT_LAYOUTS == (int)MAX_LAYOUTS, "as told in sight.h");

static const char *kind_of(const struct layout *l) {
    if (l->id >= LAYOUT_FIRST_TYPE) return "typed";
    if (l->kind == LAYOUT_LEAF) return "leaf";
    return l->kind == LAYOUT_ANY ? "any" : "array";
}

/* Over all pages, outside the gate, so that no stop waits: figures. */
RACY_READS static size_t layouts(struct sight_page *all) {
    unsigned ids = trix_layouts_count();
    for (unsigned id = 0; id < ids; id++) {
        const struct layout *l = layout_by_id(id);
        all[id] = (struct sight_page){.size = l->size, .slots = l->slots, .kind = kind_of(l)};
    }
    for (uint64_t i = 1, end = load_relaxed(&trix_map.extent) >> PAGE_SHIFT; i < end; i++) {
        if (trix_map.chunk_head[i / CHUNK_PAGES]) {
            i = (i / CHUNK_PAGES + 1) * CHUNK_PAGES - 1;
            continue;
        }
        const struct page *p = map_page((uint32_t)i);
        uint8_t kind = load_acquire(&p->kind);
        if ((kind != PAGE_SCAN && kind != PAGE_LEAF) || page_is_large(p) || p->layout >= ids) continue;
        struct sight_page *row = &all[p->layout];
        row->spans++;
        if (row->slots) row->live += row->slots - min_u64(row->slots, load_relaxed(&map_state((uint32_t)i)->nfree));
    }
    size_t n = 0;
    for (unsigned id = 0; id < ids; id++)
        if (all[id].spans && all[id].slots) all[n++] = all[id];
    return n;
}

/* ---- cycles ---- */

enum { CYCLES = 256 };

static struct {
    struct lock lock;
    struct sight_cycle ring[CYCLES]; /* lock */
    uint32_t n;                      /* lock: ever */
} cycles = {.lock = LOCK_INIT(SPECIALS)};
NO_ROOTS(cycles);

void trix_sight_cycle(const struct cycle_report *r) {
    lock_acquire(&cycles.lock);
    cycles.ring[cycles.n++ % CYCLES] = (struct sight_cycle){
        .number = r->number, .forced = r->forced, .at_ns = trix_os_wall(), .stop_start = r->stop_start,
        .stop_finish = r->stop_finish, .concurrent = r->concurrent, .assist_cpu = r->assist_cpu,
        .background_cpu = r->background_cpu, .idle_cpu = r->idle_cpu, .heap_start = r->heap_start,
        .heap_end = r->heap_end, .heap_marked = r->heap_marked, .goal = r->goal, .cpu_fraction = r->cpu_fraction};
    lock_release(&cycles.lock);
}

static size_t read_cycles(struct sight_cycle *out, size_t most) {
    struct gate *g = gate_enter();
    lock_acquire(&cycles.lock);
    size_t n = min_u64(min_u64(cycles.n, CYCLES), most);
    for (size_t i = 0; i < n; i++) out[i] = cycles.ring[(cycles.n - n + i) % CYCLES];
    lock_release(&cycles.lock);
    gate_leave(g);
    return n;
}

static int given_rate(void) { return trix_options.debug.memprofilerate; }

/* ---- the table ---- */

EXPORT const struct sight *tri__sight(uint32_t version) {
    static const struct sight table = {
        .version = SIGHT_VERSION, .given_rate = given_rate, .sample = trix_sites_begin, .visit_sites = trix_sites_visit,
        .heap_generation = trix_sites_generation, .mutex_rate = set_mutex_rate, .block_rate = set_block_rate,
        .goroutines = trix_goroutines_count, .visit_goroutines = visit_goroutines, .find_leaks = find_leaks, .on_tick = on_tick, .walk = walk,
        .goroutine_id = goroutine_id, .layouts = layouts, .code = trix_sites_code, .cycles = read_cycles};
    return version == SIGHT_VERSION ? &table : NULL;
}
