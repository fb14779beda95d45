/* escape.h - escape analysis: locals whose address outlives them move to the heap, allocations that do not escape to the stack. */
#ifndef TRICC_ESCAPE_H
#define TRICC_ESCAPE_H

#include "../tricc.h"

bool tricc_escape_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

/* Inlines functions that make objects; the first step. `may`: whether the body is the one that will run. */
bool tricc_inline_run(LLVMModuleRef, bool (*may)(LLVMModuleRef, LLVMValueRef), const struct tricc_options *, struct tricc_diag *,
                      struct tricc_stats *);

#endif
