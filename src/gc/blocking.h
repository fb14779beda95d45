/* blocking.h - sections in which a thread counts as blocked, begun by the program; and handlers that come meanwhile. */
#ifndef TRIX_BLOCKING_H
#define TRIX_BLOCKING_H

#include <stdint.h>

struct thread;

/* Before a handler of the program runs on the calling thread: ends the section it is in, and returns what brings it back; 0: none. */
uintptr_t trix_section_suspend(struct thread *t);
/* Afterwards: counted as blocked again, the stack being scanned from sp up. */
void trix_section_resume(struct thread *t, uintptr_t sp, uintptr_t section);

#endif
