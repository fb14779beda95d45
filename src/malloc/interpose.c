/* interpose.c - malloc, for code in a managed program that is not compiled by tricc: see foreign.h.
 *
 * An archive of its own, libtricolor-malloc.a: tricc links it into executables compiled with -fmanaged-malloc, whole, and
 * nothing else is. The list is the one glibc's manual names under "Replacing malloc", so no part of glibc's malloc is left
 * in use, in static executables too.
 */
#include "../base/attr.h"

#include <errno.h>
#include <unistd.h>

extern void tri__interposed(void);
extern void *tri__foreign_malloc(size_t bytes);
extern void *tri__foreign_calloc(size_t n, size_t size);
extern void *tri__foreign_realloc(void *block, size_t bytes);
extern void tri__foreign_free(void *block);
extern void *tri__foreign_memalign(size_t align, size_t bytes);
extern size_t tri__malloc_usable_size(void *block);

EXPORT void *malloc(size_t bytes) { return tri__foreign_malloc(bytes); }
EXPORT void *calloc(size_t n, size_t size) { return tri__foreign_calloc(n, size); }
EXPORT void *realloc(void *p, size_t bytes) { return tri__foreign_realloc(p, bytes); }
EXPORT void free(void *p) { tri__foreign_free(p); }
EXPORT void *memalign(size_t align, size_t bytes) { return tri__foreign_memalign(align, bytes); }
EXPORT void *aligned_alloc(size_t align, size_t bytes) { return tri__foreign_memalign(align, bytes); }
EXPORT size_t malloc_usable_size(void *p) { return tri__malloc_usable_size(p); }
EXPORT void *valloc(size_t bytes) { return tri__foreign_memalign((size_t)sysconf(_SC_PAGESIZE), bytes); }

EXPORT void *pvalloc(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return tri__foreign_memalign(page, (bytes + page - 1) & ~(page - 1));
}

EXPORT int posix_memalign(void **where, size_t align, size_t bytes) {
    if (align == 0 || align & (align - 1) || align % sizeof(void *)) return EINVAL;
    int saved = errno;
    void *p = tri__foreign_memalign(align, bytes);
    errno = saved;
    if (!p) return ENOMEM;
    *where = p;
    return 0;
}

__attribute__((constructor(101))) static void tell(void) { tri__interposed(); }
