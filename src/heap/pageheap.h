/* pageheap.h - the third level: free pages, in address order.
 *
 * One bit a page says free, one says clean (known to read zero: never used, or given back to the system). Each 4 MiB
 * chunk keeps the length of its longest free run and of those at its two ends, so that most chunks are passed over
 * by one compare. Allocation is first fit by address, which leaves the top of the heap free to be given back.
 *
 * A thread takes single pages from a window of its own, 64 pages cut out at once (Go's page cache).
 */
#ifndef TRIX_PAGEHEAP_H
#define TRIX_PAGEHEAP_H

#include "map.h"
#include "../base/lock.h"

struct chunk { /* all under the page heap's lock */
    uint64_t free[CHUNK_PAGES / 64];
    uint64_t clean[CHUNK_PAGES / 64]; /* of the free pages: reads zero */
    uint16_t longest, head, tail;     /* pages: longest free run, the run at the chunk's start, at its end */
    uint16_t count;                   /* free pages */
    uint8_t backed;                   /* bits, of its two stretches of 2 MiB: huge pages asked for and got; atomic */
};

/* 64 pages that one thread may use; owner only. */
struct page_window {
    uint32_t page; /* of bit 0 */
    uint64_t free, clean;
    /* A page taken, and not touched yet, whose first touch brings in a huge page, or 0. That can take the kernel
     * milliseconds, and a thread that is in there answers no stop: so it is done on purpose, counted as blocked. */
    uint32_t fresh;
};

struct pageheap_stats {
    uint64_t free_pages;  /* not in any span; those in windows are counted as in use */
    uint64_t clean_pages; /* of these: not backed by memory */
};

void trix_pageheap_init(void);

/* npages side by side, the first at a multiple of align_pages (a power of two) of the address space. Returns the
 * number of the first, or 0 when memory is exhausted; *clean tells whether all of them read zero. */
uint32_t trix_pages_alloc(uint64_t npages, uint64_t align_pages, bool *clean);

/* Gives pages back; their entries in map.pages must be PAGE_FREE already. */
void trix_pages_free(uint32_t page, uint64_t npages);
void trix_pages_free_clean(uint32_t page, uint64_t npages); /* they read zero */

/* Has window->fresh backed; takes long; needs no lock. */
void trix_window_back(void *page, size_t bytes);

/* npages side by side for a span; single ones come from the window, which is refilled as needed. 0: memory is exhausted. */
uint32_t trix_window_pages(struct page_window *window, uint64_t npages, bool *clean);
void trix_window_return(struct page_window *window);

void trix_pageheap_stats(struct pageheap_stats *stats);
void trix_pageheap_fork(bool before);
void trix_pageheap_check(void); /* recounts all; for tests and debug builds */

#endif
