/* size_class.h - the classes of untyped memory: Go's (internal/runtime/gc/sizeclasses.go), sizes and pages a span.
 *
 * Blocks of untyped memory have a spare byte, so that a pointer just past their end is still inside, and are 16-byte
 * aligned; so classes 8 and 24 serve no untyped block. They stay in the table, because MemStats.BySize is
 * indexed by it and exact layouts are reported under the class that would hold them.
 */
#ifndef TRIX_SIZE_CLASS_H
#define TRIX_SIZE_CLASS_H

#include "../base/attr.h"

enum { NUM_CLASSES = 68, MAX_SMALL = 32768 };

extern const uint16_t trix_class_size[NUM_CLASSES]; /* bytes; class 0 stands for large objects */
extern const uint8_t trix_class_pages[NUM_CLASSES];

/* The smallest class that holds `bytes` (1 … MAX_SMALL). */
unsigned trix_class_of(size_t bytes);

#endif
