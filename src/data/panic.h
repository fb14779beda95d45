/* panic.h - run-time panics of the containers, in Go's words. */
#ifndef TRIX_DATA_PANIC_H
#define TRIX_DATA_PANIC_H

#include "../base/attr.h"

/* tri_panic with "runtime error: " and the formatted rest (as trix_text_add formats it), which lives in the heap. */
NORETURN void trix_panic_runtime(const char *format, ...) PRINTF(1, 2);

/* tri_panic with the words as they are: a literal. */
NORETURN void trix_panic_words(const char *words);

#endif
