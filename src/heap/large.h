/* large.h - objects over 32 KiB: a span of whole pages each, with a spare byte at the end.
 *
 * Publication: the pages are zeroed while they are nobody's; then the entry is visible as a leaf (type 0), and last the
 * type says what to scan. Memory that reads zero already is not touched at all.
 */
#ifndef TRIX_LARGE_H
#define TRIX_LARGE_H

#include "gate.h"
#include "layout.h"

/* `type` is the trailer word of what the object holds (see layout.h), 0 for a leaf. May make this thread help marking, and start a cycle.
 * NULL: memory is exhausted. */
void *trix_large_alloc(struct gate *gate, size_t bytes, size_t align, uint64_t type);

/* A leaf whose first `over` bytes the caller writes at once, and which are not zeroed therefore. */
void *trix_large_alloc_over(struct gate *gate, size_t bytes, size_t over);

/* Makes the object that begins at the page `bytes` long where it is, more than its span has room for, if the pages behind are free:
 * they read zero. Returns the bytes by which the span has grown, which the caller accounts for; 0: it must be copied. */
uint64_t trix_large_extend(struct gate *gate, uint32_t page, size_t bytes);

/* Tells the heap profile of the object with a span of `bytes`, if a point of its own (sample.h) lies in the `fresh` last ones: all of a
 * new object, or those by which it has grown without having been seen before. */
void trix_large_sample(struct gate *gate, void *object, size_t bytes, size_t fresh);

/* Gives the span back; nobody may hold or scan it any more: sweep, or tri_free outside marking. */
void trix_large_free(uint32_t page);

/* The same for a freed arena's chunk, counted as freed already: its pages read zero. */
void trix_large_free_clean(uint32_t page);

/* A file of `bytes` > 0 bytes as a leaf object. `how`: enum os_map_how. NULL with errno when the system refuses, with
 * ENOMEM when memory is exhausted. */
void *trix_large_map_file(struct gate *gate, int fd, size_t bytes, int how);
/* Its end: by sweep, or tri_free outside marking. False: the system refuses; it stays as it is. */
bool trix_large_unmap_file(uint32_t page);

INLINE bool page_is_file(uint32_t page) {
    return page_is_large(map_page(page)) && load_relaxed(&map_state(page)->flags) & PAGE_FILE;
}

INLINE uint64_t large_span_bytes(size_t bytes) { return round_up((uint64_t)bytes + 1, PAGE_SIZE); }

/* Figures: objects made and freed, bytes of spans in use; relaxed. */
extern uint64_t trix_large_mallocs, trix_large_frees, trix_large_bytes_made, trix_large_bytes_freed;

#endif
