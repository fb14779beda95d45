/* blocking.c - sections of the program's own in which the thread counts as blocked: tri_blocking_begin, tri_blocking_end, tri_blocking_call.
 *
 * The stack is scanned as it stood when the section began, and nobody stops the thread. So a pointer that it gets inside would be on a
 * stack that no scan sees. Rather than lose what it points to, the section lapses: the first call that enters the library (an
 * allocation, a join, a receive …) ends it, and from there on the thread is one like all others, which a signal stops. That none slips by without
 * entering, the thread has neither runs to bump in nor a shelf of pools meanwhile.
 *
 *   B1  in a section the thread is BLOCKED, but for an instant at both ends.
 *   B2  a handler of the program that runs on the thread suspends the section, and may do what it likes.
 */
#include "blocking.h"
#include "gc.h"
#include "thread.h"
#include "../heap/cache.h"
#include "../heap/gate.h"
#include "../../include/tricolor.h"

#include <string.h>

/* The caller's callee-saved registers will not be in any frame while it is blocked. */
#if defined(__x86_64__)
#define SAVE_REGISTERS(to)                                                                                     \
    __asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\tmovq %%r13, 24(%0)\n\t"  \
                     "movq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)" : : "r"(to) : "memory")
#else
#define SAVE_REGISTERS(to)                                                                                     \
    __asm__ volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, #16]\n\tstp x23, x24, [%0, #32]\n\t"           \
                     "stp x25, x26, [%0, #48]\n\tstp x27, x28, [%0, #64]\n\tstr x29, [%0, #80]" : : "r"(to)   \
                     : "memory")
#endif

/* ---- sections ---- */

enum { BY_HAND = 1 }; /* the token of a section between tri_blocking_begin and end; of a call: its frame's address */

static uint32_t lapses; /* sections by hand that have lapsed: their ends find none; relaxed */

/* The section comes first, with the thread in the library, where no stop changes its table. A handler that the program runs before
 * the thread is BLOCKED ends it again. */
static void section_begin(struct thread *t, uintptr_t sp, uintptr_t token) {
    struct gate *g = &t->cache.gate;
    for (;;) {
        g->inside++;
        signal_fence();
        t->shelf_kept = t->shelf;
        t->shelf = NULL;
        t->cache.line = &trix_nobodys_line;
        tri__tls.runs = trix_no_runs;
        store_relaxed(&g->section, token);
        gate_leave(g);
        thread_block(t, sp);
        if (LIKELY(load_relaxed(&g->section))) return;
        thread_unblock(t);
    }
}

/* A handler that comes in the middle may find the section still there, and ends it first. */
static void section_end(struct thread *t) {
    struct gate *g = &t->cache.gate;
    if (load_relaxed(&t->state) == THREAD_BLOCKED) thread_unblock(t);
    g->inside++;
    signal_fence();
    if (load_relaxed(&g->section)) {
        t->shelf = t->shelf_kept;
        t->cache.line = &tri__tls;
        tri__tls.runs = t->cache.table->hot;
        store_relaxed(&g->section, 0);
    }
    gate_leave(g);
}

void trix_gate_lapse(struct gate *g) {
    if (load_relaxed(&g->section) == BY_HAND) fetch_add_relaxed(&lapses, 1);
    section_end((struct thread *)g);
}

uintptr_t trix_section_suspend(struct thread *t) {
    uintptr_t token = load_relaxed(&t->cache.gate.section);
    if (token) section_end(t);
    return token;
}

void trix_section_resume(struct thread *t, uintptr_t sp, uintptr_t token) { section_begin(t, sp, token); }

/* ---- by hand ---- */

EXPORT NOINLINE void tri_blocking_begin(void) {
    uintptr_t registers[12] = {0};
    SAVE_REGISTERS(registers); /* before anything else uses them: they are the caller's or saved in this frame */
    struct thread *t = thread_self();
    if (t && load_relaxed(&t->cache.gate.section))
        trix_misuse("tri_blocking_begin", "the thread is blocked already; the call does not nest");
    t = (struct thread *)gate_enter();
    gate_leave(&t->cache.gate);
    memcpy(t->registers, registers, sizeof registers);
    section_begin(t, (uintptr_t)__builtin_frame_address(0), BY_HAND);
}

EXPORT void tri_blocking_end(void) {
    struct thread *t = thread_self();
    bool in_section = t && load_relaxed(&t->cache.gate.section);
    if (!in_section && !load_relaxed(&lapses))
        trix_misuse("tri_blocking_end", "the thread is not blocked; call tri_blocking_begin first");
    if (in_section) section_end(t);
    if (t) memset(t->registers, 0, sizeof t->registers);
}

EXPORT NOINLINE void *tri_blocking_call(void *(*fn)(void *), void *arg) {
    if (UNLIKELY(!fn)) trix_misuse("tri_blocking_call", "the function is NULL");
    struct thread *t = (struct thread *)gate_enter(); /* a section that is under way lapses */
    gate_leave(&t->cache.gate);
    uintptr_t token = (uintptr_t)__builtin_frame_address(0);
    section_begin(t, THREAD_SPILL(), token);
    void *result = fn(arg);
    /* When it has lapsed, a goroutine may be on another thread by now, and this one in a section of another's. */
    if (LIKELY(load_relaxed(&t->cache.gate.section) == token)) section_end(t);
    return result;
}
