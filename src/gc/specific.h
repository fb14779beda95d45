/* specific.h - a shadow of pthread_setspecific: libc keeps keys from 32 on in its own malloc memory, where no scan looks.
 * The values themselves stay libc's; here they are only kept alive. Own thread, inside. */
#ifndef TRIX_SPECIFIC_H
#define TRIX_SPECIFIC_H

#include "thread.h"

void trix_specific_set(struct thread *t, unsigned key, const void *value);
void trix_specific_ranges(struct specific *s, trix_range_visitor *visit, void *arg);
bool trix_specific_left(const struct thread *t); /* libc still has one of the values, for a destructor to come */
void trix_specific_drop(struct thread *t);

#endif
