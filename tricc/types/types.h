/* types.h - layouts for tri_new(T) and friends, from the compiler's knowledge of T. */
#ifndef TRICC_TYPES_H
#define TRICC_TYPES_H

#include "../tricc.h"

bool tricc_types_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

#endif
