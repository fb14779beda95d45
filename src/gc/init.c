/* init.c - see init.h. */
#include "init.h"
#include "gc.h"
#include "roots.h"
#include "thread.h"
#include "../base/options.h"
#include "../base/fmt.h"
#include "../heap/layout.h"
#include "../heap/map.h"
#include "../heap/metadata.h"
#include "../heap/pageheap.h"
#include "../os/os.h"

#include <stdlib.h>

extern char **environ;

static uint32_t state; /* 0 not started, 1 under way, 2 done */

/* GOMEMLIMIT=auto: the container's limit. */
static void find_limit(void) {
    if (!trix_options.memory_limit_auto) return;
    uint64_t limit = trix_os_cgroup_limit("");
    trix_options.memory_limit = (int64_t)min_u64(limit, INT64_MAX);
    trix_options.memory_limit_auto = limit < INT64_MAX;
}

/* GODEBUG=inittrace=1, as Go's for a package. */
static void trace_init(uint64_t began) {
    char buffer[200];
    struct text t = text_over(buffer, sizeof buffer);
    if (!trix_options.debug.inittrace) return;
    trix_text_add(&t, "init tricolor @0 ms, ");
    trix_text_ms(&t, trix_os_now() - began);
    struct gate *g = gate_enter(); /* there is a lock */
    trix_text_add(&t, " ms clock, %lu bytes, 0 allocs\n", trix_metadata_bytes() + load_relaxed(&trix_map.metadata));
    gate_leave(g);
    trix_text_write(&t, 2);
}

static void init_all(void) {
    uint64_t began = trix_os_now();
    trix_bits_init();
    trix_options_read(environ);
    if (trix_options.tracking == TRACK_PAGES) {
        trix_print(2, "tricolor: page tracking is not built yet; marking with the world stopped, as TRITRACK=none\n");
        trix_options.tracking = TRACK_NONE;
    }
    trix_os_init();
    find_limit();
    trix_map_init();
    trix_layouts_init();
    trix_pageheap_init();
    trix_roots_init();
    trix_gc_init();
    trix_threads_init();
    trix_host_init();
    trix_sched_init();
    trix_life_init();
    trix_obs_init();
    trace_init(began);
}

void trix_init(void) {
    uint32_t expected = 0;
    if (load_acquire(&state) == 2) return;
    if (cas_seq(&state, &expected, 1)) {
        init_all();
        store_release(&state, 2);
        return;
    }
    /* The thread that starts the library may come here again, from what it calls; others wait for it. */
    while (!trix_self && load_acquire(&state) != 2) trix_os_yield();
}

__attribute__((constructor(101))) static void start(void) { trix_init(); }
