/* object.h - from a pointer to the object it is in. */
#ifndef TRIX_OBJECT_H
#define TRIX_OBJECT_H

#include "layout.h"

struct object {
    uintptr_t start;
    uint64_t bytes; /* usable by the program */
    uint32_t page;  /* first of its span */
    uint32_t slot;
};

/* The live object that p points to or into. Outside marking and within, from any thread inside. A tiny object is one
 * of the pieces of its block; whether the piece was ever handed out is not known. */
bool trix_object_find(uintptr_t p, struct object *object);

/* What the object holds: the trailer word that an equal large object would have; 0 for a leaf. */
uint64_t trix_object_type(const struct object *object);

/* Writes the trailer of a fresh object in a trailed slot. */
void trix_object_set_trailer(void *start, const struct layout *layout, uint64_t trailer);

INLINE uint64_t *slot_trailer(uintptr_t start, uint64_t slot_bytes) {
    return (uint64_t *)(start + slot_bytes - sizeof(uint64_t));
}

/* Slot of a span that an address lies in. */
INLINE uint32_t page_slot(const struct page *p, uint64_t offset) { return (uint32_t)(offset * p->magic >> 32); }

#endif
