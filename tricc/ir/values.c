/* values.c - small questions about values: see ir.h. */
#include "ir.h"

/* The operand a cast or address computation starts from; NULL when the value is neither. */
static LLVMValueRef step_down(LLVMValueRef v) {
    if (LLVMIsAInstruction(v)) {
        LLVMOpcode op = LLVMGetInstructionOpcode(v);
        return op == LLVMGetElementPtr || op == LLVMBitCast || op == LLVMAddrSpaceCast ? LLVMGetOperand(v, 0) : NULL;
    }
    if (LLVMIsAConstantExpr(v)) {
        LLVMOpcode op = LLVMGetConstOpcode(v);
        return op == LLVMGetElementPtr || op == LLVMBitCast || op == LLVMAddrSpaceCast ? LLVMGetOperand(v, 0) : NULL;
    }
    return NULL;
}

LLVMValueRef tricc_ir_strip(LLVMValueRef pointer) {
    for (LLVMValueRef below; (below = step_down(pointer));) pointer = below;
    return pointer;
}

const char *tricc_ir_callee_name(LLVMValueRef call) {
    size_t length;
    LLVMValueRef f = LLVMGetCalledValue(call);
    while (f && LLVMIsAConstantExpr(f) && LLVMGetConstOpcode(f) == LLVMBitCast) f = LLVMGetOperand(f, 0);
    return f && LLVMIsAFunction(f) ? LLVMGetValueName2(f, &length) : "";
}
