/* values.c - small questions about values: see ir.h. */
#include "ir.h"

#include <string.h>

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

static bool is_kind(LLVMTypeRef type, char letter) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    switch (letter) {
    case 'v': return kind == LLVMVoidTypeKind;
    case 'p': return kind == LLVMPointerTypeKind;
    case 'd': return kind == LLVMDoubleTypeKind;
    case 'f': return kind == LLVMFloatTypeKind;
    case 'i': return kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 32;
    case 'l': return kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 64;
    default: return true;
    }
}

bool tricc_ir_has_type(LLVMValueRef function, const char *type) {
    LLVMTypeRef t = LLVMGlobalGetValueType(function), arg[8];
    size_t n = strlen(type + 1);
    bool variable = type[n] == '.';
    n -= variable;
    if (LLVMCountParamTypes(t) != n || LLVMIsFunctionVarArg(t) != variable || !is_kind(LLVMGetReturnType(t), type[0])) return false;
    LLVMGetParamTypes(t, arg);
    for (size_t i = 0; i < n; i++)
        if (!is_kind(arg[i], type[i + 1])) return false;
    return true;
}
