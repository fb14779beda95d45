/* pointer.c - functions of the C library whose address is taken: see barrier.h.
 *
 * A call by pointer (`hooks.copy = memcpy`, a local `sort = qsort` without optimisation) does not say what it calls. So where a file takes the
 * address of a function that has a form with barriers in the prelude, it gets that one's. It is the same for all files of a program or
 * shared object (a weak hidden symbol), so that comparing two of them still works.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <stdlib.h>

static bool calls(LLVMValueRef user, LLVMValueRef f) {
    return (LLVMIsACallInst(user) || LLVMIsAInvokeInst(user)) && LLVMGetCalledValue(user) == f;
}

static unsigned count_calls(LLVMValueRef f, bool *taken) {
    unsigned n = 0;
    *taken = false;
    for (LLVMUseRef use = LLVMGetFirstUse(f); use; use = LLVMGetNextUse(use)) {
        if (calls(LLVMGetUser(use), f)) n++;
        else *taken = true;
    }
    return n;
}

static void give_address_of(LLVMValueRef f, LLVMValueRef other, unsigned ncalls) {
    LLVMValueRef *call = malloc((ncalls + 1) * sizeof *call);
    unsigned n = 0;
    if (!call) abort();
    for (LLVMUseRef use = LLVMGetFirstUse(f); use; use = LLVMGetNextUse(use))
        if (calls(LLVMGetUser(use), f)) call[n++] = LLVMGetUser(use);
    LLVMReplaceAllUsesWith(f, other);
    for (unsigned i = 0; i < n; i++) LLVMSetOperand(call[i], (unsigned)LLVMGetNumOperands(call[i]) - 1, f);
    free(call);
}

static void visit_declaration(struct barrier *b, LLVMValueRef f) {
    bool taken;
    const char *name = tricc_replacement(f);
    unsigned ncalls = name ? count_calls(f, &taken) : 0;
    if (!name || !taken) return;
    LLVMValueRef other = tricc_ir_prelude(b->module, name, b->options, b->diag);
    if (!other) b->failed = true;
    ncalls = count_calls(f, &taken); /* with the prelude's own */
    if (!other || LLVMGlobalGetValueType(other) != LLVMGlobalGetValueType(f)) return;
    give_address_of(f, other, ncalls);
    LLVMSetLinkage(other, LLVMLinkOnceODRLinkage);
    LLVMSetVisibility(other, LLVMHiddenVisibility);
    tricc_stats_count(b->stats, NULL, TRICC_STAT_barrier_call, 1);
}

void tricc_barrier_addresses(struct barrier *b) {
    TRICC_EACH_FUNCTION(f, b->module)
        if (LLVMIsDeclaration(f)) visit_declaration(b, f);
}
