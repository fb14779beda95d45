/* managed.h - what malloc and its kin become in a program compiled with tricc -fmanaged-malloc.
 *
 * The compiler renames the calls: malloc is tri__malloc, and so on; strings.c and outs.c have those of libc that hand out
 * memory or store pointers on the side. Each does what the C library's does, with these differences:
 *
 *   - memory is collected: it lives while it is reachable, freed or not, and no longer, freed or not;
 *   - it comes zeroed; blocks of strings (strdup, asprintf, getline …) are never scanned, all others conservatively:
 *     what a block will hold cannot be told from its size;
 *   - free of a collected block does nothing. That is what makes a second free, or a use after it, harmless. (Taking the block
 *     back when nothing else points to it would need to know that, which is what the collector is for.)
 *   - free and realloc of a block that the C library or another one has made do what they always did (foreign.h); free of
 *     anything else (a variable, the inside of a block) is ignored.
 *
 * Errors are C's: NULL and ENOMEM.
 */
#ifndef TRIX_MANAGED_H
#define TRIX_MANAGED_H

#include "../base/attr.h"

/* strings.c and outs.c are linked into each module that uses them: the names are the module's own. */
#define HIDDEN __attribute__((visibility("hidden")))

void *tri__malloc(size_t bytes);
void *tri__calloc(size_t n, size_t size);
void *tri__realloc(void *block, size_t bytes);
void *tri__reallocarray(void *block, size_t n, size_t size);
void tri__free(void *block);
void *tri__memalign(size_t align, size_t bytes);
void *tri__aligned_alloc(size_t align, size_t bytes);
void *tri__valloc(size_t bytes);
void *tri__pvalloc(size_t bytes);
int tri__posix_memalign(void **block, size_t align, size_t bytes);
size_t tri__malloc_usable_size(void *block);

/* A block that is never scanned; NULL and ENOMEM when there is no memory. */
void *tri__malloc_leaf(size_t bytes);

/* A block, or n elements, laid out as the type says; its size is a multiple of 16 for the first. NULL and ENOMEM as always. */
struct tri_type;
void *tri__malloc_type(const struct tri_type *type);
void *tri__calloc_type(const struct tri_type *type, size_t n);

/* Whether malloc itself is the library's in this process: interpose.c. */
extern bool trix_interposed;

/* For interpose.c: malloc and its kin as code sees them that is not compiled by tricc. */
void tri__interposed(void);
void *tri__foreign_malloc(size_t bytes);
void *tri__foreign_calloc(size_t n, size_t size);
void *tri__foreign_realloc(void *block, size_t bytes);
void tri__foreign_free(void *block);
void *tri__foreign_memalign(size_t align, size_t bytes);

#endif
