/* tricolor/context.h - Go's package context: telling a tree of goroutines that their work is not wanted any more. Contexts
 * are objects of the collected heap.
 */
#ifndef TRICOLOR_CONTEXT_H
#define TRICOLOR_CONTEXT_H

#include "chan.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_context tri_context;

/* Never done. */
TRI_API tri_context *tri_context_background(void);

/* A child: done when it is cancelled, when `parent` is done, or at its time, whichever comes first. Cancel it when the work
 * is over, so that the parent forgets it. */
TRI_API tri_context *tri_context_with_cancel(tri_context *parent);
/* ns from now, or ns since 1970. One in the past, INT64_MIN too, is done at once; one too far off to be counted is never reached. */
TRI_API tri_context *tri_context_with_timeout(tri_context *parent, int64_t ns);
TRI_API tri_context *tri_context_with_deadline(tri_context *parent, int64_t unix_ns);
TRI_API void tri_context_cancel(tri_context *context);

/* A child that carries a value under a key; keys are compared as pointers. NULL when no ancestor has the key. */
TRI_API tri_context *tri_context_with_value(tri_context *parent, const void *key, void *value);
TRI_API void *tri_context_value(tri_context *context, const void *key);

/* A channel that is closed when the context is done; NULL: never. */
TRI_API tri_chan *tri_context_done(tri_context *context);

/* NULL, or "context canceled", or "context deadline exceeded"; not NULL exactly when the channel above is closed. */
TRI_API const char *tri_context_err(tri_context *context);

/* False: it has no deadline. ns since 1970. */
TRI_API bool tri_context_deadline(tri_context *context, int64_t *unix_ns);

TRI__EXTERN_C_END
#endif
