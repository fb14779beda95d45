/* metrics.c - tri_read_metrics: figures by Go's names. One reading for all that is asked, then each is picked out by the
 * expression in metrics.def, so what belongs together adds up: the classes of memory to sys, those of CPU time to
 * the total.
 *
 * Counting goroutines by state means a look at each of them, so it is done only when one of these metrics is asked for.
 *
 * Counters only grow (memstats.c says why). The program's CPU time and idle time are what is left of others, and markers
 * tell of theirs a little later than the system does: what was told once is kept, and made up for as time goes on.
 */
#include "obs.h"
#include "../base/histogram.h"
#include "../heap/gate.h"
#include "../heap/large.h"
#include "../heap/scavenge.h"
#include "../life/due.h"
#include "../os/os.h"
#include "../sched/goroutines.h"
#include "../sched/sched.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/go.h"
#include "../../include/tricolor/metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum goroutine_state { GOROUTINE_RUNNABLE, GOROUTINE_RUNNING, GOROUTINE_WAITING, GOROUTINE_BLOCKED, GOROUTINE_STATES };

struct reading {
    tri_mem_stats mem;
    struct cycle_report last; /* of the last cycle; zero before the first */
    struct due_counts due;
    struct {
        double assist, background, idle_mark, pause, scavenge, scavenge_assist, user, idle, total;
    } cpu;
    struct memstats_more more;
    uint64_t unused, scanned, limiter_cycle, gc_percent, memory_limit;
    uint64_t procs, threads, created, alive, goroutines[GOROUTINE_STATES];
    double mutex_wait;
};

/* ---- what cycles leave behind ---- */

static struct {
    struct lock lock;
    struct cycle_report last;
    uint64_t scanned;                    /* lock */
    uint64_t now, pause_ns;              /* lock: at the last reading of CPU time */
    double available, pause, user, idle; /* lock: s, as told by that reading */
} cycles = {.lock = LOCK_INIT(SPECIALS)};

void trix_metrics_cycle(const struct cycle_report *r) {
    lock_acquire(&cycles.lock);
    cycles.last = *r;
    cycles.scanned = load_relaxed(&trix_gc.work);
    lock_release(&cycles.lock);
}

/* ---- one reading ---- */

static double seconds(const uint64_t *ns) { return (double)load_relaxed(ns) / 1e9; }

/* What the process has used and was not spent collecting is the program's; what nobody has used is idle. Lock held. Since the
 * last reading there have been as many processors as there are now. */
static void read_cpu(struct reading *r) {
    uint64_t used_ns = trix_os_process_cpu(), now = trix_os_now(), pause_ns = load_relaxed(&trix_gc.pause_ns);
    double used = (double)used_ns / 1e9, procs = trix_gc.procs / 1e9;
    cycles.available += (double)(now - (cycles.now ? cycles.now : trix_gc.start_ns)) * procs;
    cycles.pause += (double)(pause_ns - cycles.pause_ns) * procs;
    cycles.now = now;
    cycles.pause_ns = pause_ns;
    r->cpu.assist = seconds(&trix_gc.assist_total_ns);
    r->cpu.background = seconds(&trix_gc.background_total_ns);
    r->cpu.idle_mark = seconds(&trix_gc.idle_total_ns);
    r->cpu.scavenge = seconds(&trix_scavenge_background_ns);
    r->cpu.scavenge_assist = seconds(&trix_scavenge_ns);
    r->cpu.pause = cycles.pause;
    double ours = r->cpu.assist + r->cpu.background + r->cpu.idle_mark + r->cpu.scavenge + r->cpu.scavenge_assist;
    double rest = cycles.available - ours - cycles.pause;
    double user = used - ours < rest ? used - ours : rest; /* more threads than processors may run */
    if (user > cycles.user) cycles.user = user;
    if (rest - cycles.user > cycles.idle) cycles.idle = rest - cycles.user;
    r->cpu.user = cycles.user;
    r->cpu.idle = cycles.idle;
    r->cpu.total = ours + cycles.pause + cycles.user + cycles.idle;
}

static void read_cycles(struct reading *r) {
    lock_acquire(&cycles.lock);
    r->last = cycles.last;
    r->scanned = cycles.scanned;
    read_cpu(r);
    lock_release(&cycles.lock);
}

static void read_controls(struct reading *r) {
    lock_acquire(&trix_gc.lock);
    int percent = trix_gc.pacer.gc_percent;
    r->gc_percent = percent < 0 ? UINT64_MAX : (uint64_t)percent;
    r->memory_limit = min_u64(trix_gc.pacer.memory_limit, INT64_MAX);
    lock_release(&trix_gc.lock);
}

static void read_all(struct reading *r) {
    memset(r, 0, sizeof *r);
    struct gate *g = gate_enter();
    trix_memstats_read(&r->mem, &r->more);
    r->unused = r->mem.heap_inuse - r->mem.heap_alloc;
    read_cycles(r);
    read_controls(r);
    r->limiter_cycle = load_relaxed(&trix_gc.limited_last);
    r->due = trix_due_counts;
    r->procs = (uint64_t)tri_gomaxprocs(0);
    r->mutex_wait = (double)load_relaxed(&trix_mutex_waited) / 1e9;
    r->threads = load_relaxed(&trix_threads.count);
    r->created = trix_goroutines_started();
    r->alive = trix_goroutines_count();
    gate_leave(g);
}

/* ---- goroutines by state ---- */

enum { BATCH = 512 };

static void count_goroutine(struct g *g, void *arg) {
    struct reading *r = arg;
    uint32_t context = load_relaxed(&g->context);
    if (context == G_NONE || load_relaxed(&g->dying)) return;
    if (context == G_RUNNING) r->goroutines[GOROUTINE_RUNNING]++;
    else if (g_waits(g)) r->goroutines[GOROUTINE_WAITING]++;
    else r->goroutines[GOROUTINE_RUNNABLE]++;
}

static void count_goroutines(struct reading *r) {
    for (uint64_t from = 0; from < trix_stacks_count(); from += BATCH) { /* a stop must not wait for all of them */
        struct gate *batch = gate_enter();
        trix_stacks_visit(from, from + BATCH, count_goroutine, r);
        gate_leave(batch);
    }
    struct gate *g = gate_enter();
    for (struct worker *w = load_acquire(&trix_sched.workers); w; w = w->all)
        if (load_relaxed(&w->g) && load_relaxed(&w->thread->state) == THREAD_BLOCKED) r->goroutines[GOROUTINE_BLOCKED]++;
    gate_leave(g);
    uint64_t blocked = min_u64(r->goroutines[GOROUTINE_BLOCKED], r->goroutines[GOROUTINE_RUNNING]);
    r->goroutines[GOROUTINE_BLOCKED] = blocked;
    r->goroutines[GOROUTINE_RUNNING] = min_u64(r->goroutines[GOROUTINE_RUNNING] - blocked, r->procs);
}

/* ---- histograms ---- */

_Static_assert(HISTOGRAM_BUCKETS + 2 <= (int)TRI_METRIC_MOST_BUCKETS && NUM_CLASSES <= (int)TRI_METRIC_MOST_BUCKETS, "as promised");

enum { TIME_BUCKETS = HISTOGRAM_BUCKETS + 2, SIZE_BUCKETS = NUM_CLASSES };

static double time_bounds[TIME_BUCKETS + 1], size_bounds[SIZE_BUCKETS + 1]; /* constant from the start on */

/* Times: below zero, the buckets, above the last. Sizes: a class holds sizes up to its own, so its bucket begins behind the
 * one before; large objects are beyond the last. */
void trix_metrics_init(void) {
    time_bounds[0] = -(double)INFINITY;
    for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++) time_bounds[i + 1] = (double)histogram_bound(i) / 1e9;
    time_bounds[TIME_BUCKETS] = (double)INFINITY;
    size_bounds[0] = 1;
    for (unsigned c = 1; c < NUM_CLASSES; c++) size_bounds[c] = trix_class_size[c] + 1;
    size_bounds[SIZE_BUCKETS] = (double)INFINITY;
}

static void fill_times(tri_float64_histogram *h, const struct histogram *from) {
    h->n = TIME_BUCKETS;
    h->buckets = time_bounds;
    h->counts[0] = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) h->counts[i + 1] = load_relaxed(&from->count[i]);
    h->counts[TIME_BUCKETS - 1] = load_relaxed(&from->over);
}

static void fill_sizes(tri_float64_histogram *h, const struct reading *r, bool freed) {
    h->n = SIZE_BUCKETS;
    h->buckets = size_bounds;
    for (unsigned c = 1; c < NUM_CLASSES; c++) h->counts[c - 1] = freed ? r->mem.by_size[c].frees : r->mem.by_size[c].mallocs;
    h->counts[SIZE_BUCKETS - 1] = freed ? r->more.large_frees : r->more.large_mallocs;
}

typedef void filler(tri_float64_histogram *h, const struct reading *r);

static void fill_allocs(tri_float64_histogram *h, const struct reading *r) { fill_sizes(h, r, false); }
static void fill_frees(tri_float64_histogram *h, const struct reading *r) { fill_sizes(h, r, true); }
#define FILL_TIMES(name, histogram)                                                                            \
    static void name(tri_float64_histogram *h, const struct reading *r) { (void)r, fill_times(h, histogram); }
FILL_TIMES(fill_pauses, &trix_pauses[PAUSE_GC].total)
FILL_TIMES(fill_stopping, &trix_pauses[PAUSE_GC].stopping)
FILL_TIMES(fill_pauses_other, &trix_pauses[PAUSE_OTHER].total)
FILL_TIMES(fill_stopping_other, &trix_pauses[PAUSE_OTHER].stopping)
FILL_TIMES(fill_latencies, &trix_sched_latencies)

/* The metric's own from an earlier call, or one from the heap: header, counts. */
static tri_float64_histogram *histogram_of(const tri_metric *m) {
    if (m->kind == TRI_METRIC_FLOAT64_HISTOGRAM && m->float64_histogram) return m->float64_histogram;
    size_t most = TIME_BUCKETS > SIZE_BUCKETS ? TIME_BUCKETS : SIZE_BUCKETS;
    tri_float64_histogram *h = tri_alloc(sizeof *h + most * sizeof *h->counts);
    h->counts = (uint64_t *)(h + 1);
    return h;
}

/* ---- the table ---- */

static const tri_metric_description descriptions[] = {
#define METRIC(kind, name, cumulative, what, description) {name, description, TRI_METRIC_##kind, cumulative},
#include "metrics.def"
#undef METRIC
};

enum { METRICS = ARRAY_LEN(descriptions), METRICS_BASE = __COUNTER__ + 1 };

static void set_UINT64(tri_metric *m, uint64_t value) { m->uint64 = value; }
static void set_FLOAT64(tri_metric *m, double value) { m->float64 = value; }

/* m->kind is still that of the call before. */
static void fill(tri_metric *m, unsigned index, const struct reading *r) {
    switch (index + METRICS_BASE) {
#define VALUE_UINT64(what)            set_UINT64(m, what)
#define VALUE_FLOAT64(what)           set_FLOAT64(m, what)
#define VALUE_FLOAT64_HISTOGRAM(what) (m->float64_histogram = histogram_of(m), what(m->float64_histogram, r))
#define METRIC(kind, name, cumulative, what, description)                                                      \
    case __COUNTER__: VALUE_##kind(what); break;
#include "metrics.def"
#undef METRIC
    }
    m->kind = descriptions[index].kind;
}

static int find(const char *name) {
    int low = 0, high = METRICS - 1;
    while (name && low <= high) {
        int middle = (low + high) / 2, order = strcmp(name, descriptions[middle].name);
        if (order == 0) return middle;
        if (order < 0) high = middle - 1;
        else low = middle + 1;
    }
    return -1;
}

/* ---- the calls ---- */

EXPORT const tri_metric_description *tri_all_metrics(size_t *n) {
    *n = METRICS;
    return descriptions;
}

static const char states[] = "/sched/goroutines/";

EXPORT int tri_read_metrics(tri_metric *metrics, size_t n) {
    struct reading r;
    int unknown = 0;
    read_all(&r);
    for (size_t i = 0; i < n; i++)
        if (metrics[i].name && strncmp(metrics[i].name, states, sizeof states - 1) == 0) {
            count_goroutines(&r);
            break;
        }
    for (size_t i = 0; i < n; i++) {
        int index = find(metrics[i].name);
        if (index >= 0) fill(&metrics[i], (unsigned)index, &r);
        else metrics[i].kind = TRI_METRIC_BAD, unknown = 1;
    }
    if (!unknown) return 0;
    errno = ENOENT;
    return -1;
}
