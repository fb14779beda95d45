/* pageheap.h - the third level: free pages, in address order.
 *
 * One bit a page says free, one says clean (known to read zero), one says released: counted as not backed by memory. A
 * page never used is all three. Each 4 MiB chunk keeps the length of its longest free run and of those at its two
 * ends, so that most chunks are passed over by one compare. Allocation is first fit by address, which leaves the top of
 * the heap free to be given back.
 *
 * A thread takes single pages from a window of its own, 64 pages cut out at once (Go's page cache).
 *
 * Released is bookkeeping for the memory limit, so it errs to one side only: what is counted as released has no memory.
 * Where the heap asks for huge pages, the first touch of any page may bring in its whole unit of 2 MiB; so taking one page
 * counts the unit as backed. Clean pages may well be backed then, and lazily released ones (MADV_FREE) are not clean.
 *
 * Giving pages back (heap/scavenge.c) takes them out of the heap first, so that nobody allocates them meanwhile, and
 * needs no lock while the kernel works. Units are given back whole where they can be. Less than a unit is given back
 * only when the advice for huge pages has been taken back from it, or the kernel's khugepaged would fill the gap in
 * again; that costs mappings, and the huge page's speed, so such pages come last. A unit that is free as a whole later
 * is advised anew.
 *
 *   P1  clean and released pages are free.
 *   P2  No page of a unit that may be a huge page is released while another page of it is in use.
 */
#ifndef TRIX_PAGEHEAP_H
#define TRIX_PAGEHEAP_H

#include "map.h"
#include "../base/lock.h"

struct chunk { /* all under the page heap's lock */
    uint64_t free[CHUNK_PAGES / 64];
    uint64_t clean[CHUNK_PAGES / 64];    /* of the free pages: reads zero */
    uint64_t released[CHUNK_PAGES / 64]; /* of the free pages: not backed by memory */
    uint16_t longest, head, tail;     /* pages: longest free run, the run at the chunk's start, at its end */
    uint16_t count;                   /* free pages; looked at without the lock too */
    uint8_t backed; /* bits, of its two units of 2 MiB: huge pages asked for and got; atomic */
    uint8_t broken; /* bits, of its units: the advice for huge pages is taken back */
};

enum { WINDOW_PAGES = 64 };
/* So many pages that one thread may use; owner only. */
struct page_window {
    uint32_t page; /* of bit 0 */
    uint64_t free, clean;
    /* A page taken, and not touched yet, whose first touch brings in a huge page, or 0. That can take the kernel
     * milliseconds, and a thread that is in there answers no stop: so it is done on purpose, counted as blocked. */
    uint32_t fresh;
    bool ahead; /* units behind it are to be backed before anybody takes of them */
};

struct pageheap_stats {
    uint64_t free_pages;  /* not in any span; those in windows are counted as in use */
    uint64_t clean_pages; /* of these: known to read zero */
    uint64_t released_pages; /* of these: not backed by memory */
};

void trix_pageheap_init(void);

/* Whether the page may be part of a huge page. */
bool trix_pageheap_huge(uint32_t page);

/* npages side by side, the first at a multiple of align_pages (a power of two) of the address space. Returns the
 * number of the first, or 0 when memory is exhausted; *clean tells whether all of them read zero. */
uint32_t trix_pages_alloc(uint64_t npages, uint64_t align_pages, bool *clean);

/* Exactly the npages from `page` on, if they are free or can be made part of the heap. */
bool trix_pages_extend(uint32_t page, uint64_t npages, bool *clean);

/* Gives pages back; their entries in map.pages must be PAGE_FREE already. */
void trix_pages_free(uint32_t page, uint64_t npages);
void trix_pages_free_clean(uint32_t page, uint64_t npages); /* they have no memory, and read zero */

/* Has window->fresh backed; takes long; needs no lock. */
void trix_window_back(void *page, size_t bytes);

/* The same in advance, by a thread that has nothing else to do: a unit that is free as a whole, behind the page that was taken last
 * of new memory. Takes long; needs no lock. False: there is nothing to be done. */
bool trix_pageheap_back_ahead(void);
/* Leaves it at what has been backed. */
void trix_pageheap_end_ahead(void);
/* Then waits for the unit under way; as long as one takes; outside. */
void trix_pageheap_await_ahead(void);

/* npages, at most 64, side by side for a span, from the window, which is exchanged for another when it has none. 0: memory is
 * exhausted. */
uint32_t trix_window_pages(struct page_window *window, unsigned npages, bool *clean);
void trix_window_return(struct page_window *window);

/* ---- giving back: the mechanism; see scavenge.h ---- */

/* In the order in which memory is given back. */
enum release_kind {
    RELEASE_UNITS,  /* free units that may be huge pages */
    RELEASE_PAGES,  /* free pages where there are no huge pages (any more) */
    RELEASE_BROKEN, /* free pages of units that may be huge pages: they are broken for it */
    RELEASE_KINDS
};

/* Free pages taken out of the heap to be given back. */
struct release {
    uint32_t page, npages;
    uint32_t backed; /* pages: of these, counted as having memory */
    enum release_kind kind;
    bool mend; /* the unit has been broken: its advice for huge pages is to be given again */
    struct release *next, **link; /* page heap's lock: all of them, for a fork */
};

/* Where a search for pages to give back goes on, downwards: no chunk from here on. */
struct release_cursor {
    uint32_t chunk[RELEASE_KINDS];
};

/* Takes the highest free pages of the kind that have memory, below the cursor. Chunks with fewer than `least` free pages
 * are passed over: they will soon be full again; and units with fewer than least_broken, not to be broken for so little. */
bool trix_release_take(struct release *r, enum release_kind kind, struct release_cursor *from, unsigned least,
                       unsigned least_broken);

enum release_result { RELEASE_REFUSED, RELEASE_LAZY, RELEASE_DONE };
/* Puts them back. LAZY: the memory goes when the kernel wants it, and what they read until then is undefined. */
void trix_release_done(struct release *r, enum release_result result);

/* Pages of the heap that may have memory, and how many there may be before pages are given back on the spot (relaxed;
 * UINT64_MAX: any number). */
uint64_t trix_pageheap_backed(void);
extern uint64_t trix_pageheap_most;
/* How many pages are to be given back by who has just taken some: those beyond that; and if the heap has grown, of what
 * it has grown by, those beyond what is to be retained (Go's rule for growth). */
uint64_t trix_pageheap_over(void);
void trix_pageheap_settle(void); /* the growth has been dealt with */
/* So many pages more, or fewer, are mapped files: they count as no memory of the heap's. */
void trix_pageheap_count_files(int64_t npages);
void trix_pageheap_retain(uint64_t npages);
/* The heap is expected to grow to so many pages before the next cycle ends: no more are backed in advance. */
void trix_pageheap_expect(uint64_t npages);
/* There is no page left with memory, and nearly as much memory as there may be: sweep before taking more. */
bool trix_pageheap_tight(uint64_t npages);

void trix_pageheap_stats(struct pageheap_stats *stats);
/* In the child of a fork: what threads that it does not have were giving back is free again. */
void trix_pageheap_reset_after_fork(void);
void trix_pageheap_check(void); /* recounts all; for tests and debug builds */

#endif
