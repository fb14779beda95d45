/* alloc.h - allocation for the library's own use: see alloc.c. */
#ifndef TRIX_ALLOC_H
#define TRIX_ALLOC_H

#include "gate.h"
#include "layout.h"
#include "../../include/tricolor/type.h"

/* An object of `bytes` that holds what the layout says, over and over; inside. Never NULL. */
void *trix_alloc_repeated(struct gate *gate, size_t bytes, size_t align, const struct layout *element);

/* An untyped block, scanned conservatively or never; inside. NULL when memory is exhausted, after a collection. */
void *trix_alloc_try(struct gate *gate, size_t bytes, size_t align, bool leaf);

/* As an untyped block that is scanned, but of the words of the type only: one object with a layout of its own, or n elements
 * side by side. The single object's type has a size that is a multiple of 16. Inside. */
void *trix_alloc_object_try(struct gate *gate, tri_type *type);
void *trix_alloc_elements_try(struct gate *gate, tri_type *type, size_t bytes);

/* What tri_realloc does for a live object, but that it may fail: with NULL, and the object as it was. The
 * new block, where there is one, is scanned conservatively, and has room to grow when it is large. Inside. */
struct object;
void *trix_resize_try(struct gate *gate, const struct object *object, size_t bytes);

/* A leaf block; its first `over` bytes, if it is large, hold anything, and are to be written before anybody sees them. Outside. */
void *trix_alloc_leaf_over(size_t bytes, size_t over);

#endif
