/* goroutines.h - what profiles and reports see of the scheduler: every goroutine with its stack, those that are blocked for
 * ever, and who waits for whom how long. */
#ifndef TRIX_GOROUTINES_H
#define TRIX_GOROUTINES_H

#include "../base/attr.h"

enum { GOROUTINE_FRAMES = 100 };

struct goroutine {
    uint64_t id, parent;   /* parent: number of the goroutine that started it; 0: a plain thread did */
    const char *state;     /* "running", "runnable", or what it waits for; Go's words, constant */
    uint64_t waited_ns;    /* at least so long; 0: not known, or it does not wait */
    bool leaked;           /* the last search (trix_leaks_find) found it blocked for ever */
    bool self;             /* it is the calling one: its stack is the caller's to walk */
    void (*fn)(void *);    /* what it was started with */
    uintptr_t creator;     /* return address of the call that started it */
    /* Return addresses, innermost first, the library's own frames included; 0 of them when it runs on another thread, or
     * has no room left on its stack to be walked. One that has never run has a single one, in fn. */
    const uintptr_t *pcs;
    uint32_t npcs;
    uintptr_t sp, fp;      /* of the frame pcs[0] lies in; 0 without frames */
};

/* Calls visit for each goroutine alive, in no particular order: each at most once, and each that lives throughout the call.
 * The world is stopped meanwhile, some hundreds of goroutines at a time; other threads may hold any lock of libc, so
 * visit must neither allocate nor print: it copies what it needs to memory it has. Outside, from any attached thread. */
void trix_goroutines_visit(void (*visit)(const struct goroutine *g, void *arg), void *arg);

/* Goroutines ever started, and those alive. */
uint64_t trix_goroutines_started(void);
uint64_t trix_goroutines_count(void);

/* Looks for goroutines that are blocked for ever, by a whole cycle of the collector, and returns how many there are; `leaked`
 * above tells which. Outside. */
uint64_t trix_leaks_find(void);

/* ---- contention, for mutex and block profiles ---- */

/* NULL: nobody asks, and nothing is measured. Called on the goroutine that has waited (block), after it has gone on, or that
 * unlocks while another waits (mutex: how long that one has waited); inside the gate, so it must not allocate from the
 * collected heap, call back into the library, or wait. `reason` is Go's words. Set and cleared by plain release stores, at any
 * time. */
typedef void trix_contention_hook(uint64_t waited_ns, const char *reason);
extern trix_contention_hook *trix_block_hook, *trix_mutex_hook;

#endif
