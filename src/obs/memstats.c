/* memstats.c - tri_read_mem_stats: Go's runtime.MemStats, added up from counters without stopping anybody.
 *
 * Objects: each layout counts what threads have handed out and what sweeping has freed; what threads have handed out of
 * runs that are still open is looked up in their tables. Figures of a thread that allocates at this very moment may be
 * late by that moment, never early; when nobody does, they are exact, which a test checks against a walk of the heap.
 *
 * Counters only grow, since whoever reads them again and again takes a fall for a program that has begun anew. So what has been
 * told of a layout is not taken back, and every sum is made of that.
 *
 * Bytes of an object are those of its slot, as in Go. Identities kept: heap_sys = heap_inuse + heap_idle, sys = the sum
 * of all the ..._sys, mallocs - frees = heap_objects, total_alloc - heap_alloc = bytes freed, heap_alloc <= heap_inuse.
 */
#include "obs.h"
#include "sites.h"
#include "../base/options.h"
#include "../gc/fibers.h"
#include "../gc/roots.h"
#include "../gc/sweep.h"
#include "../gc/thread.h"
#include "../gc/work.h"
#include "../heap/gate.h"
#include "../heap/large.h"
#include "../heap/metadata.h"
#include "../heap/pageheap.h"
#include "../os/os.h"
#include "../../include/tricolor/control.h"

#include <string.h>

static struct {
    struct lock lock;
    uint64_t pause_ns[256], pause_end[256]; /* lock */
    uint32_t cycles, forced;
    uint64_t last_gc;
} ring = {.lock = LOCK_INIT(SPECIALS)};

void trix_memstats_cycle(const struct cycle_report *r) {
    lock_acquire(&ring.lock);
    uint32_t i = (r->number - 1) % 256;
    ring.pause_ns[i] = r->stop_start + r->stop_finish;
    ring.pause_end[i] = ring.last_gc = trix_os_wall();
    ring.cycles = r->number;
    ring.forced += r->forced;
    lock_release(&ring.lock);
}

static void read_ring(tri_mem_stats *s) {
    lock_acquire(&ring.lock);
    memcpy(s->pause_ns, ring.pause_ns, sizeof s->pause_ns);
    memcpy(s->pause_end, ring.pause_end, sizeof s->pause_end);
    s->num_gc = ring.cycles;
    s->num_forced_gc = ring.forced;
    s->last_gc = ring.last_gc;
    lock_release(&ring.lock);
}

/* Objects by layout; too large for a small stack. */
static struct {
    struct lock lock;
    uint64_t found[MAX_LAYOUTS], frees[MAX_LAYOUTS]; /* lock */
    uint64_t mallocs[MAX_LAYOUTS], tiny;             /* lock: as told, the most that was ever found */
} count = {.lock = LOCK_INIT(FIGURES)};
NO_ROOTS(count);

static void count_closed_runs(unsigned layouts) {
    for (unsigned id = 1; id < layouts; id++) {
        struct layout *l = layout_by_id(id);
        if (!l->slots) continue; /* not in use, or large */
        lock_acquire(&l->lock);
        count.frees[id] = l->frees;
        count.found[id] = l->mallocs;
        lock_release(&l->lock);
    }
}

static uint64_t count_open_runs(uint64_t tiny) {
    lock_acquire(&trix_threads.list_lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_cache_peek(&t->cache, count.found, &tiny);
    lock_release(&trix_threads.list_lock);
    return tiny;
}

/* A run that is closed while we count is missed, never counted twice. */
static void add_layout(tri_mem_stats *s, struct memstats_more *more, const struct layout *l) {
    uint64_t frees = count.frees[l->id], mallocs = max_u64(max_u64(count.found[l->id], frees), count.mallocs[l->id]);
    count.mallocs[l->id] = mallocs;
    s->mallocs += mallocs;
    s->frees += frees;
    s->total_alloc += mallocs * l->size;
    more->freed_bytes += frees * l->size;
    s->by_size[l->size_class].mallocs += mallocs;
    s->by_size[l->size_class].frees += frees;
}

/* What is freed is read first, so that there is never more of it than of what was made. */
static void count_large(tri_mem_stats *s, struct memstats_more *more) {
    more->freed_bytes = load_acquire(&trix_large_bytes_freed);
    more->large_frees = load_acquire(&trix_large_frees);
    more->large_mallocs = load_relaxed(&trix_large_mallocs);
    s->total_alloc = load_relaxed(&trix_large_bytes_made);
}

static void count_objects(tri_mem_stats *s, struct memstats_more *more) {
    unsigned layouts = trix_layouts_count();
    lock_acquire(&count.lock);
    count_large(s, more);
    uint64_t tiny = trix_cache_tiny();
    count_closed_runs(layouts);
    tiny = count_open_runs(tiny);
    if ((int64_t)tiny > (int64_t)count.tiny) count.tiny = tiny; /* of a run that is being closed the rest may be taken off twice */
    for (unsigned id = 1; id < layouts; id++)
        if (layout_by_id(id)->slots) add_layout(s, more, layout_by_id(id));
    more->tiny = count.tiny;
    s->mallocs += more->tiny + more->large_mallocs; /* as in Go, tiny objects count in both */
    s->frees += more->tiny + more->large_frees;
    lock_release(&count.lock);
}

/* Pages are counted after the objects: those freed in between count as in use still. */
static void count_pages(tri_mem_stats *s) {
    struct pageheap_stats pages;
    trix_pageheap_stats(&pages);
    s->heap_sys = load_relaxed(&trix_map.extent);
    s->heap_inuse = min_u64(max_u64(s->heap_sys - (pages.free_pages << PAGE_SHIFT), s->heap_alloc), s->heap_sys);
    s->heap_idle = s->heap_sys - s->heap_inuse;
    s->heap_released = min_u64(pages.released_pages << PAGE_SHIFT, s->heap_idle);
    s->alloc = s->heap_alloc = min_u64(s->heap_alloc, s->heap_inuse);
}

void trix_memstats_read(tri_mem_stats *s, struct memstats_more *more) {
    memset(s, 0, sizeof *s);
    for (unsigned c = 0; c < NUM_CLASSES; c++) s->by_size[c].size = trix_class_size[c];
    count_objects(s, more);
    s->heap_objects = s->mallocs - s->frees;
    s->heap_alloc = s->total_alloc - more->freed_bytes;
    count_pages(s);
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    if (fibers) fibers->figures(&s->stack_inuse, &s->stack_sys);
    s->mspan_inuse = (s->heap_inuse >> PAGE_SHIFT) * (sizeof(struct page) + sizeof(struct page_state));
    s->mspan_sys = load_relaxed(&trix_map.metadata);
    uint64_t threads = load_relaxed(&trix_threads.count);
    s->mcache_inuse = threads * sizeof(struct thread);
    s->mcache_sys = threads * (sizeof(struct thread) + 2 * sizeof(struct run_table));
    s->gc_sys = trix_work_bytes();
    s->buck_hash_sys = trix_sites_bytes();
    s->other_sys = trix_metadata_bytes() - s->buck_hash_sys;
    s->sys = s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys + s->buck_hash_sys + s->gc_sys + s->other_sys;
    read_ring(s);
    lock_acquire(&trix_gc.lock);
    s->next_gc = trix_pacer_goal(&trix_gc.pacer);
    s->enable_gc = trix_gc.pacer.gc_percent >= 0;
    lock_release(&trix_gc.lock);
    s->pause_total_ns = load_relaxed(&trix_gc.pause_ns);
    uint64_t available = (trix_os_now() - trix_gc.start_ns) * (uint64_t)trix_gc.procs;
    s->gc_cpu_fraction = available ? (double)load_relaxed(&trix_gc.gc_cpu_ns) / (double)available : 0;
}

EXPORT void tri_read_mem_stats(tri_mem_stats *s) {
    struct memstats_more more;
    struct gate *g = gate_enter();
    trix_memstats_read(s, &more);
    gate_leave(g);
}
