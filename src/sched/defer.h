/* defer.h - deferred calls, as the rest of the scheduler sees them. */
#ifndef TRIX_DEFER_H
#define TRIX_DEFER_H

/* All deferred calls of the goroutine, innermost first: it is about to end. Outside. */
void trix_defers_run_all(void);

#endif
