/* switch.h - leaving one stack for another. */
#ifndef TRIX_SWITCH_H
#define TRIX_SWITCH_H

#include "../base/attr.h"

struct thread;

/* Saves the callee-saved registers on the stack and its pointer in *save, goes on where `to` was saved, and returns `t`
 * there. The rounding mode and the like are the thread's and stay. */
struct thread *trix_switch(uintptr_t *save, uintptr_t to, struct thread *t);

/* A stack pointer such that the first switch to it calls trix_g_main(t) on the stack that ends at `top`. */
uintptr_t trix_switch_prepare(uintptr_t top);

/* The next switch to the saved stack pointer calls trix_told(t) there first, as if trix_switch had called it: so that a
 * goroutine's own stack can be walked. False: it has never run. */
bool trix_switch_tell(uintptr_t sp);
void trix_told(struct thread *t); /* goroutines.c */

/* Where a switched-off context goes on in C: stack and frame pointer there. False: it has never run. */
bool trix_switch_frame(uintptr_t saved, uintptr_t *sp, uintptr_t *fp);
bool trix_switch_contains(uintptr_t pc); /* whether it lies in trix_switch */

/* Where every goroutine begins; never returns. */
void trix_g_main(struct thread *t);

#endif
