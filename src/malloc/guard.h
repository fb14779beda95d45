/* guard.h - whether a managed program has loaded code that may store into its heap without barriers: guard.c. */
#ifndef TRIX_GUARD_H
#define TRIX_GUARD_H

#include "../base/attr.h"

#include <link.h>

bool trix_lacks_barriers(const struct dl_phdr_info *object);

#endif
