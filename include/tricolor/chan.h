/* tricolor/chan.h - channels and select, with Go's semantics: goroutines and plain threads send each other values.
 *
 *     tri_chan *c = tri_chan_new(int, 10);
 *     int v = 5;
 *     tri_send(c, &v);
 *     if (tri_recv(c, &v)) ...               // false: closed and empty, v is zero
 *
 * A channel is an object of the collected heap: nobody frees it. Pointers in values on their way are kept alive. A NULL
 * channel blocks for ever.
 */
#ifndef TRICOLOR_CHAN_H
#define TRICOLOR_CHAN_H

#include "type.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_chan tri_chan;

/* `tri_chan *tri_chan_new(T, cap)`: a channel of values of type T, of which `cap` wait in it without a receiver. */
#define tri_chan_new(T, cap) tri__chan_new(tri_type_of(T), (cap))
TRI_API tri_chan *tri__chan_new(const tri_type *type, size_t cap);

/* Sends the value that `value` points to; waits for a receiver or room. Panics with "send on closed channel". */
TRI_API void tri_send(tri_chan *chan, const void *value);

/* Receives into *value (NULL: drops it), waiting for a sender; false when the channel is closed and empty: *value is zero. */
TRI_API bool tri_recv(tri_chan *chan, void *value);

/* No more will be sent: receivers get what is in the channel, and then zeroes. Panics with "close of closed channel" or
 * "close of nil channel". */
TRI_API void tri_close(tri_chan *chan);

/* Values in it, and how many there may be. Both 0 for a timer's or ticker's channel, due or not; select tells whether it is. */
TRI_API size_t tri_chan_len(tri_chan *chan);
TRI_API size_t tri_chan_cap(tri_chan *chan);

/* ---- select ---- */

typedef struct tri_case {
    tri_chan *chan; /* NULL: never ready */
    void *value;    /* what to send, or where to put what is received (NULL: drop it) */
    bool send;
    bool ok;        /* out: received a value, as opposed to: the channel is closed */
} tri_case;
#define TRI_SEND(chan, value) {(chan), (void *)(value), true, false}
#define TRI_RECV(chan, value) {(chan), (void *)(value), false, false}

/* Waits until one of n cases can go on, and does it; of several, one by chance. Returns its index; with `has_default`, -1 at
 * once when none can. Without cases it waits for ever. */
TRI_API int tri_select(tri_case *cases, size_t n, bool has_default);

TRI__EXTERN_C_END
#endif
