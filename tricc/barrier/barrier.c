/* barrier.c - see barrier.h. */
#include "barrier.h"
#include "../ir/ir.h"

static bool on_stack(LLVMValueRef slot) { return LLVMIsAAllocaInst(tricc_ir_strip(slot)); }

static bool barrier_store(LLVMBuilderRef b, LLVMValueRef store, LLVMValueRef function, struct tricc_stats *s) {
    LLVMValueRef value = LLVMGetOperand(store, 0), slot = LLVMGetOperand(store, 1);
    LLVMValueRef in = LLVMGetBasicBlockParent(LLVMGetInstructionParent(store));
    if (on_stack(slot)) return tricc_stats_count(s, in, TRICC_STAT_left_stack, 1), true;
    LLVMPositionBuilderBefore(b, store);
    tricc_ir_call(b, function, (LLVMValueRef[]){slot, value}, 2, store);
    LLVMInstructionEraseFromParent(store);
    tricc_stats_count(s, in, TRICC_STAT_barrier_store, 1);
    return true;
}

static bool barrier_function(LLVMValueRef f, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    LLVMModuleRef module = LLVMGetGlobalParent(f);
    LLVMBuilderRef b = LLVMCreateBuilderInContext(LLVMGetModuleContext(module));
    bool good = true;
    TRICC_EACH_BLOCK(block, f) TRICC_EACH_INST(inst, next, block) {
        if (LLVMGetInstructionOpcode(inst) != LLVMStore) continue;
        if (LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(inst, 0))) != LLVMPointerTypeKind) continue;
        LLVMValueRef barrier = tricc_ir_prelude(module, "store", o, d);
        good = good && barrier && barrier_store(b, inst, barrier, s);
    }
    LLVMDisposeBuilder(b);
    return good;
}

bool tricc_barrier_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    TRICC_EACH_FUNCTION(f, module)
        if (!LLVMIsDeclaration(f) && !tricc_ir_is_ours(f) && !barrier_function(f, o, d, s)) return false;
    return true;
}
