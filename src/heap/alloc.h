/* alloc.h - allocation for the library's own use: see alloc.c. */
#ifndef TRIX_ALLOC_H
#define TRIX_ALLOC_H

#include "gate.h"
#include "layout.h"

/* An object of `bytes` that holds what the layout says, over and over; inside. Never NULL. */
void *trix_alloc_repeated(struct gate *gate, size_t bytes, size_t align, const struct layout *element);

#endif
