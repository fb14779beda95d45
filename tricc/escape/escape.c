/* escape.c - see escape.h. */
#include "escape.h"

bool tricc_escape_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    (void)module, (void)o, (void)d, (void)s;
    return true;
}
