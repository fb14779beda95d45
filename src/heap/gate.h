/* gate.h - the two-way street between heap and collector, and the door every call of the library passes.
 *
 * A thread is inside while it runs code of the library that must not be cut in half: there it is not
 * stopped, and no signal handler of the program runs on it; both wait until it leaves. So a stopped thread holds no
 * lock and is in the middle of nothing, and a handler may call any function of the library. While the process forks the
 * door is closed: the other threads run on, since they may hold libc's locks, but wait when they want to come in.
 *
 *   I1  inside is written by its own thread only, and read by handlers on that thread.
 *   I2  phase and sweep generation change only while every attached thread is stopped, blocked or outside.
 */
#ifndef TRIX_GATE_H
#define TRIX_GATE_H

#include "../base/atomic.h"
#include "../base/check.h"

struct thread_cache;

enum gc_phase { PHASE_OFF, PHASE_MARK };

struct gate {
    uint32_t inside;  /* depth; own thread */
    uint32_t pending; /* a stop, handshake or deferred signal waits; set by handlers on this thread, and as a hint by who stops the world; relaxed */
    uintptr_t section; /* not 0: the program has it counted as blocked (gc/blocking.c); own thread */
};

/* First in struct thread_cache, which is first in the collector's struct thread. NULL: not attached. */
extern TLS struct gate *trix_self;
extern uint32_t trix_phase; /* enum gc_phase; I2 */
extern uint32_t trix_gate_closed; /* a fork is under way; futex; set with the world stopped */

/* ---- what the collector gives the heap ---- */
struct gate *trix_gate_attach(void);
void trix_gate_lapse(struct gate *gate); /* ends the section it is in */
void trix_gate_await_open(struct gate *gate); /* inside at depth 1, and again on return */
void trix_gate_serve(struct gate *gate); /* outside, with something pending */
void *trix_gate_serve_with(struct gate *gate, void *object); /* the same, for gate_leave_with */
void trix_gate_pass(struct gate *gate); /* out at depth 1, and in again: lets in what waits */

/* That many bytes will be claimed: makes the collector's thread, so that the first report need not. Inside at depth 1. */
void trix_gate_expect(struct gate *gate, uint64_t bytes);

/* Reports bytes claimed (positive) or given back (negative); may start a cycle. */
void trix_gate_account(struct gate *gate, int64_t bytes);

/* The same for what is handed out at once; may make this thread help marking. */
void trix_gate_account_at_once(struct gate *gate, int64_t bytes);

/* While marking: the thread owes for so many bytes more, and may have to help with it at once. Later the phase, and with it
 * the table of runs, may be another one. */
void trix_gate_assist(struct gate *gate, int64_t bytes);

/* Sweeps some spans when sweeping is under way; false when there is nothing to sweep. */
bool trix_gate_sweep_some(void);
/* The same for a thread that has no other way to get room: waits for sweeping to begin when marking has just ended. */
bool trix_gate_sweep_for_room(void);
/* Runs work(at, bytes), which may take long, with the thread counted as blocked, so that no stop waits for it; inside,
 * without locks. The phase, and with it the table of runs, may be another one afterwards. */
void trix_gate_blocking(struct gate *gate, void (*work)(void *at, size_t bytes), void *at, size_t bytes);

/* Has a thread of the collector's call trix_pageheap_back_ahead until that has nothing to do. */
void trix_gate_back_ahead(void);

/* Makes sure the span is swept before it is touched. */
void trix_gate_sweep_span(uint32_t page);

/* Whether some thread holds the slot claimed and not handed out. Racy towards runs of other threads that move on. */
bool trix_gate_slot_in_run(uint32_t page, unsigned layout, unsigned slot);

/* While marking: shades every word of [from, from + bytes) that may be a pointer, as if it were overwritten. */
void trix_gate_shade_range(struct gate *gate, const void *from, size_t bytes);

/* While marking: the same for a word on its way from one stack to another, which may be the end of a typed object. */
void trix_gate_shade_root(struct gate *gate, uintptr_t word);

/* memmove and memset(0) into heap memory, with the barrier. */
void trix_gate_copy(struct gate *gate, void *to, const void *from, size_t bytes);
void trix_gate_zero(struct gate *gate, void *at, size_t bytes);

/* The object has just been handed out, and is one that the heap profile is to see; its slot has so many bytes. Inside, no
 * locks. */
void trix_gate_sample(void *object, size_t bytes);

/* An object about to be freed by hand: drops its pins, and what the heap profile knows of it; whether finalizers or weak
 * pointers know it. */
struct object;
void trix_gate_unpin_all(const struct object *object);
bool trix_gate_has_specials(const struct object *object);

/* o->page is a chunk of an arena: the object in it that p points to or into. */
bool trix_gate_find_in_arena(uintptr_t p, struct object *o);

/* Memory is exhausted: collects, calls the program's handler; true: try again, false: end. */
bool trix_gate_exhausted(struct gate *gate, size_t bytes, int attempt);

extern uint32_t trix_sweep_generation; /* rises by one each cycle; I2 */
/* A span knows only the parity of the generation it was swept in, since no cycle begins before all are swept. (A list
 * may lie untouched for many cycles, so it keeps the whole number.) */
INLINE uint8_t sweep_parity(void) { return trix_sweep_generation & 1; }

/* ---- the door ---- */

INLINE struct gate *gate_enter(void) {
    struct gate *g = trix_self;
    if (UNLIKELY(!g)) g = trix_gate_attach();
    if (UNLIKELY(load_relaxed(&g->section))) trix_gate_lapse(g);
    uint32_t depth = g->inside++;
    signal_fence();
    if (UNLIKELY(load_relaxed(&trix_gate_closed)) && depth == 0) trix_gate_await_open(g);
    return g;
}

INLINE void gate_leave(struct gate *g) {
    signal_fence();
    uint32_t depth = --g->inside;
    signal_fence(); /* a signal that comes before this point sees inside, one that comes after does the work itself */
    if (depth == 0 && UNLIKELY(load_relaxed(&g->pending))) trix_gate_serve(g);
}

/* The same for a call that returns a new object. Where the compiler would keep it meanwhile, nobody writes again until the next stop
 * that is served here; a scan in between, of the thread waiting in this call, would take it for alive, and with it all that a list
 * has got since. */
INLINE void *gate_leave_with(struct gate *g, void *object) {
    signal_fence();
    uint32_t depth = --g->inside;
    signal_fence();
    if (depth == 0 && UNLIKELY(load_relaxed(&g->pending))) return trix_gate_serve_with(g, object);
    return object;
}

INLINE bool gate_marking(void) { return load_relaxed(&trix_phase) != PHASE_OFF; }

#endif
