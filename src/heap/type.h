/* type.h - which layout the objects of a program's type have. */
#ifndef TRIX_TYPE_H
#define TRIX_TYPE_H

#include "layout.h"
#include "../../include/tricolor/type.h"

/* The layout of single objects of this type; joins it to its declaration on first use. Never NULL: LARGE when it is
 * too large for a span of slots, or when the table is full. */
struct layout *trix_layout_of_type(tri_type *type);

/* The layout that a trailer names for an array of this type: a LAYOUT_MASK of one element, WORDS or BYTES. */
struct layout *trix_layout_of_element(tri_type *type);

/* The layout that a trailer names for a flexible struct whose tail begins at byte `head`. */
struct layout *trix_layout_of_flex(tri_type *type, size_t head, bool tail_any);

#endif
