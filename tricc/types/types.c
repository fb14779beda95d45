/* types.c - see types.h. */
#include "types.h"

bool tricc_types_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    (void)module, (void)o, (void)d, (void)s;
    return true;
}
