/* kept.h - single words that are roots: pointers the program has given to libc or the kernel to keep. */
#ifndef TRIX_KEPT_H
#define TRIX_KEPT_H

#include "mark.h"

struct thread;
struct kept;

/* All: inside. Adding and dropping shade, because what is handed on this way passes no barrier. */
struct kept *trix_kept_add(struct thread *t, uintptr_t word);
void trix_kept_set(struct thread *t, struct kept *kept, uintptr_t word);
uintptr_t trix_kept_get(const struct kept *kept);
void trix_kept_drop(struct thread *t, struct kept *kept);

void trix_kept_scan(struct marker *m);

#endif
