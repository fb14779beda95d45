/* profiles.c - the profiles by name, with Go's sample types (runtime/pprof), and tri_profile_write. */
#include "debug.h"

#include "../include/tricolor/control.h"
#include "../include/tricolor/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAP_TRIES = 3 };

/* What of the library is inlined lies in the program, and so does all of an archive that was made without a section of its own.
 * Not all of tri_: what is called back from it is the program's. */
static const char allocating[] =
    "tri_(alloc|realloc|strdup|new|prealloc|chan_new|go|append|slice|map_|builder_|string).*|"
    "tri__(alloc|arena|new|bump|builder|chan|slice|string|map|foreign|malloc|calloc|realloc|memalign|aligned|posix|valloc|pvalloc).*";

/* ---- heap and allocs ---- */

struct heap_reading {
    struct profile *profile;
    double rate;
};


/* Each object of n bytes was seen with probability 1 - exp(-n / rate). */
static void scale_site(int64_t *objects, int64_t *bytes, uint64_t count, uint64_t each, double rate) {
    double factor = rate <= 1 || !count ? 1 : 1 / (1 - exp(-(double)each / rate));
    *objects = (int64_t)llround((double)count * factor);
    *bytes = (int64_t)llround((double)count * (double)each * factor);
}

static void add_heap_site(const struct sight_site *s, void *arg) {
    struct heap_reading *h = arg;
    int64_t v[PROFILE_VALUES];
    if (!s->allocs) return;
    scale_site(&v[0], &v[1], s->allocs, s->bytes, h->rate);
    scale_site(&v[2], &v[3], s->allocs > s->frees ? s->allocs - s->frees : 0, s->bytes, h->rate);
    trid_profile_add(h->profile, s->pcs, s->npcs, v, "bytes", (int64_t)s->bytes, "bytes");
}

/* Again when counts have changed meanwhile, so that all are of one cycle. */
static void make_heap(struct profile *p, double rate) {
    const struct sight *core = trid_core();
    struct profile empty = *p;
    for (int i = 0; i < HEAP_TRIES; i++) {
        uint32_t before = core->heap_generation();
        core->visit_sites(SIGHT_HEAP, add_heap_site, &(struct heap_reading){p, rate});
        if ((before == core->heap_generation() && before % 2 == 0) || i == HEAP_TRIES - 1) break;
        trid_profile_free(p);
        *p = empty;
    }
}

static void heap_types(struct profile *p) {
    p->nvalues = 4;
    p->type[0] = "alloc_objects", p->unit[0] = "count";
    p->type[1] = "alloc_space", p->unit[1] = "bytes";
    p->type[2] = "inuse_objects", p->unit[2] = "count";
    p->type[3] = "inuse_space", p->unit[3] = "bytes";
    p->period_type = "space", p->period_unit = "bytes";
    p->period = tri_mem_profile_rate;
    p->drop = allocating;
}

/* ---- contention ---- */

static void add_contention(const struct sight_site *s, void *arg) {
    int64_t v[PROFILE_VALUES] = {(int64_t)llround(s->count), (int64_t)llround(s->ns)};
    if (v[0]) trid_profile_add(arg, s->pcs, s->npcs, v, NULL, 0, NULL);
}

static void make_contention(struct profile *p, enum sight_kind kind) {
    p->nvalues = 2;
    p->type[0] = "contentions", p->unit[0] = "count";
    p->type[1] = "delay", p->unit[1] = "nanoseconds";
    p->period_type = "contentions", p->period_unit = "count";
    p->period = 1;
    trid_core()->visit_sites(kind, add_contention, p);
}

/* ---- threads ---- */

static void make_threads(struct profile *p) {
    tri_metric m = {.name = "/sched/threads/total:threads"};
    tri_read_metrics(&m, 1);
    p->nvalues = 1;
    p->type[0] = p->period_type = "threadcreate", p->unit[0] = p->period_unit = "count";
    p->period = 1;
    trid_profile_add(p, NULL, 0, &(int64_t){(int64_t)m.uint64}, NULL, 0, NULL);
}

/* ---- by name ---- */

static const char *const names[] = {"allocs", "block", "goroutine", "goroutineleak", "heap", "mutex", "threadcreate"};

bool trid_profile_known(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

bool trid_profile_make(const char *name, const void *caller, struct profile *p) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *p = (struct profile){.name = name, .caller = caller, .time_ns = now.tv_sec * 1000000000l + now.tv_nsec};
    if (strcmp(name, "heap") == 0 || strcmp(name, "allocs") == 0) {
        heap_types(p);
        if (name[0] == 'a') p->default_type = "alloc_space";
        make_heap(p, tri_mem_profile_rate);
    } else if (strcmp(name, "block") == 0) {
        make_contention(p, SIGHT_BLOCK);
    } else if (strcmp(name, "mutex") == 0) {
        make_contention(p, SIGHT_MUTEX);
    } else if (strcmp(name, "threadcreate") == 0) {
        make_threads(p);
    } else if (strcmp(name, "goroutine") == 0) {
        trid_goroutines_make(p, false);
    } else if (strcmp(name, "goroutineleak") == 0) {
        trid_goroutines_make(p, true);
    } else {
        return false;
    }
    return true;
}

/* ---- Go's texts ---- */

static void put_stack_line(struct page *out, const struct profile_sample *s) {
    for (uint32_t k = 0; k < s->npcs; k++) trid_put(out, " 0x%lx", s->pcs[k]);
    trid_put(out, "\n");
}

static int by_inuse(const void *a, const void *b) {
    const struct profile_sample *x = a, *y = b;
    if (x->value[3] != y->value[3]) return x->value[3] < y->value[3] ? 1 : -1;
    return (x->value[1] < y->value[1]) - (x->value[1] > y->value[1]);
}

static void put_mem_stats(struct page *out) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    trid_put(out, "\n# runtime.MemStats\n# Alloc = %lu\n# TotalAlloc = %lu\n# Sys = %lu\n# Lookups = %lu\n# Mallocs = %lu\n"
             "# Frees = %lu\n# HeapAlloc = %lu\n# HeapSys = %lu\n# HeapIdle = %lu\n# HeapInuse = %lu\n# HeapReleased = %lu\n"
             "# HeapObjects = %lu\n# Stack = %lu / %lu\n# MSpan = %lu / %lu\n# MCache = %lu / %lu\n# BuckHashSys = %lu\n"
             "# GCSys = %lu\n# OtherSys = %lu\n# NextGC = %lu\n# LastGC = %lu\n", s.alloc, s.total_alloc, s.sys, s.lookups,
             s.mallocs, s.frees, s.heap_alloc, s.heap_sys, s.heap_idle, s.heap_inuse, s.heap_released, s.heap_objects,
             s.stack_inuse, s.stack_sys, s.mspan_inuse, s.mspan_sys, s.mcache_inuse, s.mcache_sys, s.buck_hash_sys, s.gc_sys,
             s.other_sys, s.next_gc, s.last_gc);
    trid_put(out, "# PauseNs = [");
    for (int i = 0; i < 256; i++) trid_put(out, "%s%lu", i ? " " : "", s.pause_ns[i]);
    trid_put(out, "]\n# PauseEnd = [");
    for (int i = 0; i < 256; i++) trid_put(out, "%s%lu", i ? " " : "", s.pause_end[i]);
    trid_put(out, "]\n# NumGC = %u\n# NumForcedGC = %u\n# GCCPUFraction = %g\n# DebugGC = %s\n", s.num_gc, s.num_forced_gc,
             s.gc_cpu_fraction, s.debug_gc ? "true" : "false");
}

/* In Go's text the counts are those of the samples, not scaled. */
static void put_heap_text(struct page *out) {
    struct profile p = {.name = "heap"};
    int64_t sum[4] = {0};
    heap_types(&p);
    make_heap(&p, 0);
    if (p.n) qsort(p.sample, p.n, sizeof *p.sample, by_inuse);
    for (size_t i = 0; i < p.n; i++)
        for (int v = 0; v < 4; v++) sum[v] += p.sample[i].value[v];
    trid_put(out, "heap profile: %ld: %ld [%ld: %ld] @ heap/%ld\n", sum[2], sum[3], sum[0], sum[1], 2l * tri_mem_profile_rate);
    struct symbols *s = trid_symbols_open();
    for (size_t i = 0; i < p.n; i++) {
        const struct profile_sample *x = &p.sample[i];
        trid_put(out, "%ld: %ld [%ld: %ld] @", x->value[2], x->value[3], x->value[0], x->value[1]);
        put_stack_line(out, x);
        trid_text_stack(out, s, x->pcs, x->npcs, false);
    }
    trid_symbols_close(s);
    put_mem_stats(out);
    trid_profile_free(&p);
}

static int by_delay(const void *a, const void *b) {
    const struct profile_sample *x = a, *y = b;
    return (x->value[1] < y->value[1]) - (x->value[1] > y->value[1]);
}

static void put_contention_text(const struct profile *p, struct page *out) {
    bool mutex = strcmp(p->name, "mutex") == 0;
    trid_put(out, "--- %s:\ncycles/second=1000000000\n", mutex ? "mutex" : "contention");
    if (mutex) trid_put(out, "sampling period=%d\n", trid_core()->mutex_rate(-1));
    if (p->n) qsort(p->sample, p->n, sizeof *p->sample, by_delay);
    struct symbols *s = trid_symbols_open();
    for (size_t i = 0; i < p->n; i++) {
        trid_put(out, "%ld %ld @", p->sample[i].value[1], p->sample[i].value[0]);
        put_stack_line(out, &p->sample[i]);
        trid_text_stack(out, s, p->sample[i].pcs, p->sample[i].npcs, false);
    }
    trid_symbols_close(s);
}

void trid_profile_page(const struct profile *p, int debug, struct page *out) {
    bool goroutines = strncmp(p->name, "goroutine", 9) == 0;
    if (debug == 0) trid_profile_encode(p, out);
    else if (strcmp(p->name, "heap") == 0 || strcmp(p->name, "allocs") == 0) put_heap_text(out);
    else if (p->nvalues == 2) put_contention_text(p, out);
    else if (debug >= 2 && goroutines) trid_goroutines_dump(out, strcmp(p->name, "goroutineleak") == 0, p->caller);
    else trid_profile_text(p, out);
}

EXPORT int tri_profile_write(const char *name, FILE *to, int debug) {
    struct profile p;
    struct page out = {0};
    if (!name || !to || !trid_profile_make(name, __builtin_return_address(0), &p)) {
        errno = EINVAL;
        return -1;
    }
    trid_profile_page(&p, debug, &out);
    trid_profile_free(&p);
    errno = 0;
    bool done = fwrite(out.text, 1, out.n, to) == out.n && fflush(to) == 0;
    free(out.text);
    return done ? 0 : -1;
}

EXPORT int tri_set_mutex_profile_fraction(int rate) { return trid_core()->mutex_rate(rate); }

EXPORT void tri_set_block_profile_rate(int ns) { trid_core()->block_rate(ns > 0 ? ns : 0); }
