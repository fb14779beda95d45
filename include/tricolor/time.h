/* tricolor/time.h - timers and tickers. Durations are nanoseconds. One that nobody can reach any more is collected, stopped
 * or not.
 */
#ifndef TRICOLOR_TIME_H
#define TRICOLOR_TIME_H

#include "chan.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_timer tri_timer;
typedef struct tri_timer tri_ticker;

/* A channel of int64_t that gets the time (ns since 1970) once, after `ns`. */
TRI_API tri_chan *tri_after(int64_t ns);

/* The same with a handle. */
TRI_API tri_timer *tri_timer_new(int64_t ns);
TRI_API tri_chan *tri_timer_chan(tri_timer *timer);

/* Calls fn(arg) in a goroutine of its own after `ns`. */
TRI_API tri_timer *tri_after_func(int64_t ns, void (*fn)(void *), void *arg);

/* Returns whether the call has kept it from firing; afterwards the channel holds nothing, and nothing comes. */
TRI_API bool tri_timer_stop(tri_timer *timer);
/* Fires after `ns` from now, whatever it did before. Returns whether it had still to fire. */
TRI_API bool tri_timer_reset(tri_timer *timer, int64_t ns);

/* A channel that gets the time every `ns`; ticks that nobody takes are dropped. Panics when ns <= 0. */
TRI_API tri_ticker *tri_ticker_new(int64_t ns);
TRI_API tri_chan *tri_ticker_chan(tri_ticker *ticker);
TRI_API void tri_ticker_stop(tri_ticker *ticker);
TRI_API void tri_ticker_reset(tri_ticker *ticker, int64_t ns);

TRI__EXTERN_C_END
#endif
