/* managed.h - -fmanaged-malloc: calls of malloc and kin become calls of the collected heap. */
#ifndef TRICC_MANAGED_H
#define TRICC_MANAGED_H

#include "../tricc.h"

bool tricc_managed_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

#endif
