/* told.h - what sanitizers and the C++ runtime are told of goroutines.
 *
 * A program may be instrumented though the library is not. So the sanitizers' functions are looked for by weak references, and
 * without a sanitizer in the process all of this is one test of a flag. Address sanitizer must know the bounds of the
 * stack it is on, and keep the fake stacks of those that are left apart; thread sanitizer gives each goroutine a fibre of its own,
 * and cannot see what orders goroutines inside the library, so it is told at each lock, hand-over and start.
 *
 * The C++ runtime keeps a thread's exceptions - those caught whose handlers have not ended, and how many are on their way - in a
 * thread-local of two words (Itanium C++ ABI, Exception Handling, 2.2.2). They belong to the stack, so they go and come with
 * it: a goroutine may wait in a handler, and go on on another thread. A program without that runtime pays nothing.
 */
#ifndef TRIX_TOLD_H
#define TRIX_TOLD_H

#include "../base/attr.h"

/* Lies with each stack: a goroutine's, or a worker's system stack. */
struct told {
    void *fake;  /* address sanitizer's, while the stack is left */
    void *fiber; /* thread sanitizer's */
    uintptr_t exceptions[2]; /* C++'s, while the stack is left */
};

extern bool trix_told_any;       /* somebody listens; constant once the scheduler has started */
extern bool trix_told_order_too; /* the thread sanitizer does; likewise */
void trix_told_init(void);

/* Around a switch: on the stack that is left, for ever if `dying`, with the bounds of the next one; then on the next one. */
void trix_told_leave(struct told *from, struct told *to, uintptr_t lo, uintptr_t hi, bool dying);
void trix_told_arrive(struct told *own);
/* It has been left for ever; [lo, hi): of its stack what was in use then, whose frames have not taken their red zones back. */
void trix_told_dead(struct told *t, uintptr_t lo, uintptr_t hi);
void trix_told_unwound(void);        /* frames of this stack are about to be dropped without returning; at any time */

/* Makes a thread of the library's that runs code of the program: a sanitizer must see that. Detached, every signal blocked. */
bool trix_told_thread(void *(*main)(void *), void *arg);

void trix_told_order(const void *at, bool after);

/* What happened before order_before(x) is seen by whoever comes from order_after(x). */
INLINE void order_before(const void *at) {
    if (UNLIKELY(trix_told_order_too)) trix_told_order(at, false);
}
INLINE void order_after(const void *at) {
    if (UNLIKELY(trix_told_order_too)) trix_told_order(at, true);
}

#endif
