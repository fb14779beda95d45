/* roots.h - where tracing begins, besides threads: globals of all loaded objects, registered ranges and stacks,
 * pins.
 *
 * The list of loaded objects is read from the loader outside every stop (the loader's lock may be held by a stopped
 * thread). A stop that finds the loader at work, or its list another than what was read, is not the final one.
 * Objects loaded at start stay; the data of those opened later may be unmapped at any moment (libc closes some by
 * itself), so it is read through the kernel.
 */
#ifndef TRIX_ROOTS_H
#define TRIX_ROOTS_H

#include "mark.h"

#include <link.h>

void trix_roots_init(void);

/* Reads the loader's list. Collector, while no thread is asked to scan. */
void trix_roots_refresh(void);
void trix_roots_reset_after_fork(void);
/* Whether the list is still what was read; world stopped. */
bool trix_roots_fresh(void);
/* Whether something is loaded that lacks barriers, as of the last refresh: only a mark with the world stopped is sound. */
bool trix_roots_untracked(void);

/* Shades what all of them point to. Bytes looked at. */
uint64_t trix_roots_scan(struct marker *m);

/* Thread-local storage of one module. */
struct tls_module {
    size_t id; /* the loader's: index into each thread's vector of blocks */
    size_t bytes;
};
/* Valid until the next refresh. */
const struct tls_module *trix_roots_tls_modules(size_t *n);
/* Whether all of them are known to lie in every thread's static area, and so at most trix_roots_static_tls() from the thread
 * pointer, in memory that stays as long as the thread: no vector need be read. As of the last refresh. */
bool trix_roots_tls_is_static(void);
/* Bytes next to the thread pointer that hold thread-locals of modules loaded at start. */
uint64_t trix_roots_static_tls(void);

/* Memory of a layer above that is a root in parts: the blocks of malloc/foreign.c. NULL: there is none. */
struct foreign_roots {
    uint64_t (*scan)(struct marker *m); /* bytes looked at; world running or stopped, without locks */
    void (*reset_after_fork)(void);     /* in the child, when it has one thread */
    uint64_t (*sys)(void);              /* bytes of memory taken for the blocks */
    /* Whether a loaded object may store pointers into the heap without the barrier; under the loader's lock. */
    bool (*lacks_barriers)(const struct dl_phdr_info *object);
};
extern const struct foreign_roots *trix_foreign_roots; /* set once, by a constructor */

/* Registered coroutine stack that contains the address; false when none does. */
bool trix_roots_find_stack(uintptr_t sp, uintptr_t *hi);

/* Figures. */
uint64_t trix_roots_bytes(void);

#endif
