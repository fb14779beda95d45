/* defer.h - deferred calls, as the rest of the scheduler sees them. */
#ifndef TRIX_DEFER_H
#define TRIX_DEFER_H

#include "../base/attr.h"

/* Runs all deferred calls of the goroutine, innermost first, and ends it. Outside. */
NORETURN void trix_goexit(void);

#endif
