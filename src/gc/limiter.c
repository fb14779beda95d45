/* gc/limiter.c - the arithmetic of the bucket; the idea and the invariants are in limiter.h. */
#include <stddef.h>
#include "limiter.h"

#define CAPACITY_NS 1000000000u      /* for each processor */
#define BACKGROUND  4                /* background marking takes one in so many processors */
#define MOST_NS     (UINT64_MAX / 8) /* times are clipped to this, 73 years: three of them fit in 63 bits */

static uint64_t limiter_clip(uint64_t ns) { return ns < MOST_NS ? ns : MOST_NS; }

/* CPU time of all processors since the last update. */
static uint64_t limiter_window(const struct limiter *l, uint64_t now_ns) {
    uint64_t wall = now_ns > l->last_ns ? now_ns - l->last_ns : 0, window;
    return __builtin_mul_overflow(wall, l->procs, &window) ? MOST_NS : limiter_clip(window);
}

/* GC time less the program's time. The program's is what the window leaves: below 0 when assists are told
 * that began before it; but idle time, which may be told late as well, takes it down to 0 at most. */
static int64_t limiter_balance(const struct limiter *l, const struct limiter_times *t, uint64_t window) {
    if (l->phase == LIMITER_STOPPED) return (int64_t)window;
    uint64_t background = l->phase == LIMITER_MARKING ? window / BACKGROUND : 0;
    int64_t gc = (int64_t)(background + limiter_clip(t->assist_ns));
    int64_t idle = (int64_t)(limiter_clip(t->idle_ns) + limiter_clip(t->idle_mark_ns));
    int64_t program = (int64_t)window - gc;
    if (program > 0) program = program > idle ? program - idle : 0;
    return gc - program;
}

static void limiter_pour(struct limiter *l, int64_t ns) {
    uint64_t room = l->capacity_ns - l->fill_ns;
    if (ns < 0) {
        uint64_t drain = (uint64_t)-ns;
        l->fill_ns = l->fill_ns > drain ? l->fill_ns - drain : 0;
    } else if ((uint64_t)ns <= room) {
        l->fill_ns += (uint64_t)ns;
    } else {
        l->fill_ns = l->capacity_ns;
        l->overflow_ns += (uint64_t)ns - room;
    }
}

bool trix_limiter_update(struct limiter *l, const struct limiter_times *times, uint64_t now_ns) {
    static const struct limiter_times none;
    limiter_pour(l, limiter_balance(l, times ? times : &none, limiter_window(l, now_ns)));
    if (now_ns > l->last_ns) l->last_ns = now_ns;
    return trix_limiter_limiting(l);
}

bool trix_limiter_set_phase(struct limiter *l, enum limiter_phase phase, const struct limiter_times *times,
                            uint64_t now_ns) {
    bool limiting = trix_limiter_update(l, times, now_ns);
    l->phase = phase;
    return limiting;
}

static void limiter_resize(struct limiter *l, uint32_t procs) {
    l->procs = procs ? procs : 1;
    l->capacity_ns = (uint64_t)CAPACITY_NS * l->procs;
    if (l->fill_ns > l->capacity_ns) l->fill_ns = l->capacity_ns;
}

bool trix_limiter_set_procs(struct limiter *l, uint32_t procs, const struct limiter_times *times,
                            uint64_t now_ns) {
    trix_limiter_update(l, times, now_ns);
    limiter_resize(l, procs);
    return trix_limiter_limiting(l);
}

void trix_limiter_init(struct limiter *l, uint32_t procs, uint64_t now_ns) {
    *l = (struct limiter){.last_ns = now_ns, .phase = LIMITER_OFF};
    limiter_resize(l, procs);
}

bool trix_limiter_check(const struct limiter *l) {
    return l->fill_ns <= l->capacity_ns && l->procs > 0 && l->capacity_ns == (uint64_t)CAPACITY_NS * l->procs;
}
