/* defer.h - deferred calls, as the rest of the scheduler sees them. */
#ifndef TRIX_DEFER_H
#define TRIX_DEFER_H

#include "../base/attr.h"

/* Runs all deferred calls of the goroutine, innermost first, and ends it. Outside. */
NORETURN void trix_goexit(void);

/* In a deferred call: whether it is a panic that runs it, as opposed to a return or tri_goexit. Outside. */
bool trix_panicking(void);

#endif
