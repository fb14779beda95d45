/* barrier.h - stores of pointers become barriered stores. */
#ifndef TRICC_BARRIER_H
#define TRICC_BARRIER_H

#include "../tricc.h"

bool tricc_barrier_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

#endif
