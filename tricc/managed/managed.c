/* managed.c - see managed.h.
 *
 * A declaration is renamed, so that calls, addresses taken and initialisers all follow, and what its attributes say (noalias,
 * allocsize: from which __builtin_object_size is computed) stays with it. The new name is nothing to LLVM, and that is
 * meant: what it knows of free, such as that stores before it are dead, would be wrong here, where the block lives on.
 * (It may know what malloc's attributes say: the block is nobody else's.)
 *
 * A program that has a function of one of these names itself keeps it: it is not a declaration where it is defined, and
 * elsewhere it is recognised by its type, unless that is libc's.
 */
#include "managed.h"
#include "../ir/ir.h"

#include <string.h>

#define PREFIX "tri__"
enum { EVERYWHERE };

static const struct name {
    const char *theirs, *ours, *type;
    unsigned places; /* EVERYWHERE, or the arguments that may be in the heap */
} names[] = {
#define NAME(theirs, ours, type)        {#theirs, PREFIX #ours, type, EVERYWHERE},
#define OUT(theirs, ours, type, places) {#theirs, PREFIX #ours, type, places},
#include "names.def"
#undef NAME
#undef OUT
};

/* ---- the mapping ---- */

static LLVMValueRef function_named(LLVMModuleRef module, LLVMValueRef like, const char *name) {
    LLVMValueRef f = LLVMGetNamedFunction(module, name);
    return f ? f : LLVMAddFunction(module, name, LLVMGlobalGetValueType(like));
}

static LLVMValueRef calling(LLVMUseRef use, LLVMValueRef function) {
    LLVMValueRef user = LLVMGetUser(use);
    return (LLVMIsACallInst(user) || LLVMIsAInvokeInst(user)) && LLVMGetCalledValue(user) == function ? user : NULL;
}

static void count_calls(LLVMValueRef function, struct tricc_stats *s) {
    for (LLVMUseRef use = LLVMGetFirstUse(function); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef call = calling(use, function);
        if (call) tricc_stats_count(s, LLVMGetBasicBlockParent(LLVMGetInstructionParent(call)), TRICC_STAT_managed_call, 1);
    }
}

static void map_everywhere(LLVMModuleRef module, LLVMValueRef theirs, const struct name *name, struct tricc_stats *s) {
    LLVMValueRef ours = LLVMGetNamedFunction(module, name->ours);
    count_calls(theirs, s);
    if (!ours) {
        LLVMSetValueName2(theirs, name->ours, strlen(name->ours));
    } else {
        LLVMReplaceAllUsesWith(theirs, ours);
        LLVMDeleteFunction(theirs);
    }
}

/* Whether one of the places that the call stores to may be in the heap. */
static bool may_store_to_heap(LLVMValueRef call, unsigned places) {
    for (unsigned i = 0; places >> i; i++) {
        if (!(places >> i & 1) || i >= LLVMGetNumArgOperands(call)) continue;
        LLVMValueRef place = tricc_ir_strip(LLVMGetOperand(call, i));
        if (!LLVMIsAAllocaInst(place) && !LLVMIsConstant(place)) return true;
    }
    return false;
}

static void map_calls(LLVMModuleRef module, LLVMValueRef theirs, const struct name *name, struct tricc_stats *s) {
    for (LLVMUseRef use = LLVMGetFirstUse(theirs), next; use; use = next) {
        LLVMValueRef call = calling(use, theirs);
        next = LLVMGetNextUse(use);
        if (!call || !may_store_to_heap(call, name->places)) continue;
        LLVMSetOperand(call, (unsigned)LLVMGetNumOperands(call) - 1, function_named(module, theirs, name->ours));
        tricc_stats_count(s, LLVMGetBasicBlockParent(LLVMGetInstructionParent(call)), TRICC_STAT_managed_call, 1);
    }
}

bool tricc_managed_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    (void)o, (void)d;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        LLVMValueRef theirs = LLVMGetNamedFunction(module, names[i].theirs);
        if (!theirs || !LLVMIsDeclaration(theirs) || !tricc_ir_has_type(theirs, names[i].type)) continue;
        if (names[i].places == EVERYWHERE) map_everywhere(module, theirs, &names[i], s);
        else map_calls(module, theirs, &names[i], s);
    }
    return true;
}
