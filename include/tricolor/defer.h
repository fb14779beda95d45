/* tricolor/defer.h - deferred calls, panic and recover.
 *
 *     int copy(const char *from, const char *to) {
 *         TRI_FUNC;
 *         FILE *in = fopen(from, "r");
 *         if (!in) return -1;
 *         tri_defer(close_file, in);
 *         ...
 *     }
 *
 * Deferred calls run when the function that says TRI_FUNC at its top ends, last in first out, whether it returns, the
 * goroutine ends by tri_goexit, or a panic passes through. Locals of the function's outermost block are alive when they
 * run; those of inner blocks are not.
 *
 * A panic runs the deferred calls of all functions on the stack, innermost first. If one of them calls tri_recover, the
 * function that deferred it returns to its caller as if by `return`, with 0 or NULL as its value (a struct returned
 * in memory stays as it is). Else the program ends with the panic's message. Functions without TRI_FUNC are passed over without a
 * trace, so neither longjmp nor attribute cleanup see it. Programs need unwind tables for that (the default).
 */
#ifndef TRICOLOR_DEFER_H
#define TRICOLOR_DEFER_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* Library only. */
struct tri__deferred {
    void (*fn)(void *);
    void *arg;
};
struct tri__frame {
    struct tri__frame *outer;
    struct tri__more *more; /* in the heap: those beyond the first ones */
    uint32_t n;
    uint32_t running;
    struct tri__deferred first[4];
};
TRI_API void tri__frame_begin(struct tri__frame *frame);
TRI_API void tri__frame_end(struct tri__frame *frame);
TRI_API void tri__defer(struct tri__frame *frame, void (*fn)(void *), void *arg);

/* A label whose address is kept in a static keeps the function from being inlined, since returning from it must mean
 * returning from it alone; and the jump that is never taken keeps compilers from ending the lives of locals before the frame's
 * end (clang does, at the end of the block, when it can see all jumps). */
#define TRI_FUNC                                                                                                \
    static void *const volatile tri__nowhere = __extension__ &&tri__here;                                       \
    __attribute__((cleanup(tri__frame_end))) struct tri__frame tri__frame;                                      \
    tri__frame_begin(&tri__frame);                                                                              \
    __extension__({                                                                                             \
        if (TRI__UNLIKELY(!tri__nowhere)) goto *tri__nowhere;                                                   \
    });                                                                                                         \
    tri__here:                                                                                                  \
    (void)0

/* fn(arg) at the end of the function. `arg` is kept alive. A NULL fn ends the program, with words that say so. */
#define tri_defer(fn, arg) tri__defer(&tri__frame, (fn), (arg))

/* Panics with a message, which must live on: a literal or a string of the collected heap; for NULL there is one of Go's, "runtime
 * error: panic called with nil argument". It never returns, but is not declared
 * so: a compiler would conclude that a function which always panics does not return either, though it does when the panic is
 * recovered, and drop what comes after it in its caller. For the same reason a function with TRI_FUNC must, as far as
 * the compiler can see, have a way to its end. */
TRI_API void tri_panic(const char *message);

/* In a deferred call that a panic runs: ends that panic and returns its message. NULL when there is none, and when the function
 * that deferred the call just returns, even if that happens in a deferred call of an older panic's. */
TRI_API const char *tri_recover(void);

TRI__EXTERN_C_END
#endif
