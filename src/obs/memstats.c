/* memstats.c - tri_read_mem_stats: Go's runtime.MemStats, added up from counters without stopping anybody.
 *
 * Objects: each layout counts what threads have handed out and what sweeping has freed; what threads have handed out of
 * runs that are still open is looked up in their tables. Figures of a thread that allocates at this very moment may be
 * off by that moment; when nobody does, they are exact, which a test checks against a walk of the heap.
 *
 * Bytes of an object are those of its slot, as in Go. Identities kept: heap_sys = heap_inuse + heap_idle, sys = the sum
 * of all the ..._sys, mallocs - frees = heap_objects.
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
    uint32_t cycles;
    uint64_t last_gc;
} ring = {.lock = LOCK_INIT(SPECIALS)};

void trix_memstats_cycle(const struct cycle_report *r) {
    lock_acquire(&ring.lock);
    uint32_t i = (r->number - 1) % 256;
    ring.pause_ns[i] = r->stop_start + r->stop_finish;
    ring.pause_end[i] = ring.last_gc = trix_os_wall();
    ring.cycles = r->number;
    lock_release(&ring.lock);
}

static void read_ring(tri_mem_stats *s) {
    lock_acquire(&ring.lock);
    memcpy(s->pause_ns, ring.pause_ns, sizeof s->pause_ns);
    memcpy(s->pause_end, ring.pause_end, sizeof s->pause_end);
    s->num_gc = ring.cycles;
    s->last_gc = ring.last_gc;
    lock_release(&ring.lock);
}

/* Objects by layout; too large for a small stack. */
static struct {
    struct lock lock;
    uint64_t mallocs[MAX_LAYOUTS], frees[MAX_LAYOUTS]; /* lock */
    struct {
        uint64_t mallocs, frees, bytes;
    } told; /* the highest totals so far; lock */
} count = {.lock = LOCK_INIT(FIGURES)};
NO_ROOTS(count);

static void count_closed_runs(unsigned layouts) {
    for (unsigned id = 1; id < layouts; id++) {
        struct layout *l = layout_by_id(id);
        if (!l->slots) continue; /* not in use, or large */
        lock_acquire(&l->lock);
        count.frees[id] = l->frees;
        count.mallocs[id] = l->mallocs;
        lock_release(&l->lock);
    }
}

static uint64_t count_open_runs(void) {
    uint64_t tiny = 0;
    lock_acquire(&trix_threads.list_lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_cache_peek(&t->cache, count.mallocs, &tiny);
    lock_release(&trix_threads.list_lock);
    return tiny;
}

/* Returns the bytes that the layout's objects take. */
static uint64_t add_layout(tri_mem_stats *s, const struct layout *l) {
    uint64_t mallocs = count.mallocs[l->id], frees = count.frees[l->id];
    s->mallocs += mallocs;
    s->frees += frees;
    s->total_alloc += mallocs * l->size;
    s->by_size[l->size_class].mallocs += mallocs;
    s->by_size[l->size_class].frees += frees;
    return mallocs > frees ? (mallocs - frees) * l->size : 0; /* of a run that was closed meanwhile, some may be freed */
}

/* A run that is closed while we count is missed, never counted twice; what was told before is not taken back for that. */
static void keep_rising(tri_mem_stats *s) {
    s->mallocs = count.told.mallocs = max_u64(s->mallocs, count.told.mallocs);
    s->frees = count.told.frees = max_u64(s->frees, count.told.frees);
    s->total_alloc = count.told.bytes = max_u64(s->total_alloc, count.told.bytes);
}

static uint64_t count_objects(tri_mem_stats *s, uint64_t *tiny_objects) {
    uint64_t live = load_relaxed(&trix_large_bytes_made) - load_relaxed(&trix_large_bytes_freed);
    unsigned layouts = trix_layouts_count();
    lock_acquire(&count.lock);
    uint64_t tiny = trix_cache_tiny();
    count_closed_runs(layouts);
    tiny += count_open_runs();
    for (unsigned id = 1; id < layouts; id++)
        if (layout_by_id(id)->slots) live += add_layout(s, layout_by_id(id));
    s->mallocs += tiny + load_relaxed(&trix_large_mallocs); /* as in Go, tiny objects count in both */
    s->frees += tiny + load_relaxed(&trix_large_frees);
    s->total_alloc += load_relaxed(&trix_large_bytes_made);
    *tiny_objects = tiny;
    keep_rising(s);
    lock_release(&count.lock);
    return live;
}

void trix_memstats_read(tri_mem_stats *s, uint64_t *tiny) {
    struct pageheap_stats pages;
    memset(s, 0, sizeof *s);
    for (unsigned c = 0; c < NUM_CLASSES; c++) s->by_size[c].size = trix_class_size[c];
    s->alloc = s->heap_alloc = count_objects(s, tiny);
    s->heap_objects = s->mallocs - s->frees;
    trix_pageheap_stats(&pages);
    uint64_t heap = load_relaxed(&trix_map.extent);
    s->heap_sys = heap;
    s->heap_idle = pages.free_pages << PAGE_SHIFT;
    s->heap_inuse = heap - s->heap_idle;
    s->heap_released = pages.released_pages << PAGE_SHIFT;
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    if (fibers) fibers->figures(&s->stack_inuse, &s->stack_sys);
    s->mspan_inuse = (s->heap_inuse >> PAGE_SHIFT) * (sizeof(struct page) + sizeof(struct page_state));
    s->mspan_sys = trix_map.metadata;
    s->mcache_inuse = load_relaxed(&trix_threads.count) * sizeof(struct thread);
    s->mcache_sys = load_relaxed(&trix_threads.count) * (sizeof(struct thread) + 2 * sizeof(struct run_table));
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
    s->num_forced_gc = (uint32_t)load_relaxed(&trix_gc.forced_cycles);
    uint64_t available = (trix_os_now() - trix_gc.start_ns) * (uint64_t)trix_gc.procs;
    s->gc_cpu_fraction = available ? (double)load_relaxed(&trix_gc.gc_cpu_ns) / (double)available : 0;
}

EXPORT void tri_read_mem_stats(tri_mem_stats *s) {
    uint64_t tiny;
    struct gate *g = gate_enter();
    trix_memstats_read(s, &tiny);
    gate_leave(g);
}
