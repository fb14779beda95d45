/* metadata.h - memory for the library's own long-lived structures: bump allocation, never given back (Go's
 * persistentalloc). */
#ifndef TRIX_METADATA_H
#define TRIX_METADATA_H

#include "../base/attr.h"

/* Zeroed, 16-byte aligned; NULL when the system refuses. */
void *trix_metadata_alloc(size_t bytes);
uint64_t trix_metadata_bytes(void); /* mapped so far */

#endif
