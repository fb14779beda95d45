/* tricolor/pool.h - objects kept for use again between two collections, as Go's sync.Pool.
 *
 *     static void *new_buffer(void *arg) { return tri_alloc_leaf(*(size_t *)arg); }
 *     static size_t bytes = 4096;
 *     static tri_pool buffers = {.new_fn = new_buffer, .arg = &bytes};
 *
 *     char *b = tri_pool_get(&buffers);
 *     ...
 *     tri_pool_put(&buffers, b);
 */
#ifndef TRICOLOR_POOL_H
#define TRICOLOR_POOL_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* Zeroed but for what the program sets; not copied or moved once used, and lives as long as the program: at most 1,023 are
 * told apart, further ones hold nothing. */
typedef struct tri_pool {
    void *(*new_fn)(void *arg); /* makes an object when the pool has none; may be NULL */
    void *arg;
    uint32_t tri__id;
} tri_pool;

/* Any object put and not yet taken or dropped, as it was put; else a new one; NULL when there is no new_fn. Any thread. */
TRI_API void *tri_pool_get(tri_pool *pool);

/* Gives a heap object to the pool, which drops it when it has not been taken for one to two collections. The caller must not
 * use it any more. NULL is ignored. */
TRI_API void tri_pool_put(tri_pool *pool, void *object);

TRI__EXTERN_C_END
#endif
