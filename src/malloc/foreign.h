/* foreign.h - malloc for the parts of a managed program that are not compiled by tricc: libc itself and other libraries.
 *
 * Such code may keep the only pointer to a collected object in a block of its own malloc (a stream's cookie, a table of
 * callbacks), and stores without barriers. So in a program linked with -fmanaged-malloc malloc itself is
 * this allocator (interpose.c): its blocks are roots, never collected, given back by free, looked at
 * when marking begins and once more in the last stop, as globals are.
 *
 * It is not part of the collected heap: another reservation, other tables. It serves before the library has started, on
 * threads that are not attached, on the collector's own threads, with the loader's locks held and during a fork, and it
 * never waits for the collector.
 */
#ifndef TRIX_FOREIGN_H
#define TRIX_FOREIGN_H

#include "../base/atomic.h"

/* `bytes` bytes at a multiple of `align`, a power of two; not zeroed. NULL when memory is exhausted. */
void *trix_foreign_alloc(size_t bytes, size_t align);
void *trix_foreign_alloc_zeroed(size_t bytes);

/* The block is free afterwards. What is no block's start, or free already, is let be. */
void trix_foreign_free(void *block);

/* Moves a block; NULL when memory is exhausted: then it stays as it was. `block` is one. */
void *trix_foreign_resize(void *block, size_t bytes);

/* Bytes of the block that begins there; 0: none does. */
size_t trix_foreign_size(const void *block);

/* Bytes in use by the program, and with memory of the system. Relaxed: for figures. */
uint64_t trix_foreign_bytes(void);
uint64_t trix_foreign_sys(void);

/* The reservation; 0 bytes until the first block. Constant from then on. */
extern struct foreign_range {
    uintptr_t base;
    uint64_t bytes;
} trix_foreign_range;

INLINE bool foreign_contains(const void *p) {
    return (uintptr_t)p - load_relaxed(&trix_foreign_range.base) < load_relaxed(&trix_foreign_range.bytes);
}

#endif
