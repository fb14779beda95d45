/* allocators.h - functions that return new objects, and how big those are. */
#ifndef ESCAPE_ALLOCATORS_H
#define ESCAPE_ALLOCATORS_H

#include "graph.h"

enum allocation_size { SIZE, PRODUCT, ALIGNED, ARRAY, FLEX, VARIES };

struct allocator {
    const char *name;
    enum allocation_size how;
    unsigned a, b;
    bool zeroed;
};

/* The allocator of that name, or NULL. */
const struct allocator *allocator_find(const char *name);

/* Bytes that the call allocates, 0 when that is not a constant, and their alignment. */
uint64_t allocator_size(struct analysis *, const struct allocator *, LLVMValueRef call, uint64_t *align);

/* The constant that a value has, through variables that are assigned once. */
bool constant_of(LLVMValueRef, uint64_t *out);

#endif
