/* sites.h - what profiles count, by call site: the stack at the time, and for the heap the object's size. See sites.c. */
#ifndef TRIX_SITES_H
#define TRIX_SITES_H

#include "sight.h"

/* Heap profiles begin: the rate is read from there. */
void trix_sites_begin(const int *rate);

struct site;

/* The site of the calling thread's stack, without the library's own innermost frames; NULL: no memory. Inside. */
struct site *trix_site_here(enum sight_kind kind, uint64_t bytes);
void trix_site_add_contention(struct site *site, double count, double ns);

/* The collector's report: marking has ended, or all is swept. */
void trix_sites_cycle(bool swept);

void trix_sites_visit(enum sight_kind kind, void (*visit)(const struct sight_site *site, void *arg), void *arg);
/* Changes while the heap's counts do: rises by two for each change, odd meanwhile. */
uint32_t trix_sites_generation(void);
uint64_t trix_sites_bytes(void);

/* The range of this library's code, when it is a shared object of its own. */
void trix_sites_code(uintptr_t *lo, uintptr_t *hi);

/* The end of the stack that `sp` lies on, as far as the calling thread knows: its own, a goroutine's, one for handlers. Of
 * another stack the end of the page. */
uintptr_t trix_stack_end(uintptr_t sp);

#endif
