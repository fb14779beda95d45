/* early.c - functions that run before there is a program: see barrier.h.
 *
 * The resolver of an ifunc runs while the dynamic linker, or in a static program the C library's start, is still putting addresses in: before
 * thread-locals are there, which the barrier's slow path needs, and the flag is 1 until the library has set it. There is no heap
 * either, so there is nothing to show. The same goes for functions of the file that only resolvers call.
 * A function that others call too keeps its barriers: it must not store pointers when a resolver of a static program calls it.
 */
#include "barrier.h"
#include "../ir/ir.h"

enum { DEPTH = 8 };

static bool is_resolver(LLVMModuleRef module, LLVMValueRef f) {
    for (LLVMValueRef i = LLVMGetFirstGlobalIFunc(module); i; i = LLVMGetNextGlobalIFunc(i))
        if (tricc_ir_strip(LLVMGetGlobalIFuncResolver(i)) == f) return true;
    return false;
}

static bool runs_early(LLVMModuleRef module, LLVMValueRef f, unsigned depth) {
    if (is_resolver(module, f)) return true;
    if (LLVMGetLinkage(f) != LLVMInternalLinkage || !LLVMGetFirstUse(f) || depth == DEPTH) return false;
    for (LLVMUseRef use = LLVMGetFirstUse(f); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef call = LLVMGetUser(use);
        if (!LLVMIsACallInst(call) || LLVMGetCalledValue(call) != f) return false;
        if (!runs_early(module, LLVMGetBasicBlockParent(LLVMGetInstructionParent(call)), depth + 1)) return false;
    }
    return true;
}

bool tricc_runs_early(LLVMModuleRef module, LLVMValueRef f) { return LLVMGetFirstGlobalIFunc(module) && runs_early(module, f, 0); }
