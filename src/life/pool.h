/* pool.h - pools of objects for use again, as the rest of the layer sees them: see pool.c. */
#ifndef TRIX_POOL_H
#define TRIX_POOL_H

#include "life.h"

void trix_pools_age(void);              /* world stopped, a cycle begins */
void trix_pools_mark(struct marker *m); /* what pools hold and will still hand out is a root */

#endif
