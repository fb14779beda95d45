/* check.h - how the library stops a program: a bug of ours, misuse by the caller, exhaustion.
 *
 * CHECK stays on in release builds and is for what costs nothing measurable; DEBUG_CHECK is for builds with TRIX_DEBUG.
 */
#ifndef TRIX_CHECK_H
#define TRIX_CHECK_H

#include "attr.h"

/* A bug of ours: prints "fatal error: tricolor: <phrase> (<file>:<line>)" and aborts. */
NORETURN void trix_bug(const char *phrase, const char *file, int line);

/* "tricolor: <call>: <what happened; what to do>", then "fatal error: <call>", exit status 2 (Go's), or abort with
 * GOTRACEBACK=crash. */
NORETURN void trix_misuse(const char *call, const char *format, ...) PRINTF(2, 3);

/* "fatal error: <phrase>", exit status 2 or abort as above. */
NORETURN void trix_fatal(const char *phrase);

#define CHECK(condition, phrase)                                                                               \
    do {                                                                                                       \
        if (UNLIKELY(!(condition))) trix_bug(phrase, __FILE__, __LINE__);                                      \
    } while (0)

#ifdef TRIX_DEBUG
#define DEBUG_CHECK(condition, phrase) CHECK(condition, phrase)
#else
#define DEBUG_CHECK(condition, phrase) ((void)sizeof(condition))
#endif

#endif
