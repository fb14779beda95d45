/* debug.c - places and variables from the debug information: see ir.h. */
#include "ir.h"

#include <llvm-c/DebugInfo.h>

static struct tricc_loc loc_of_function(LLVMValueRef function) {
    struct tricc_loc at = {0};
    unsigned length;
    if (!LLVMGetSubprogram(function)) return at;
    at.file = LLVMGetDebugLocFilename(function, &length);
    at.line = LLVMGetDebugLocLine(function);
    return at;
}

struct tricc_loc tricc_ir_loc(LLVMValueRef instruction) {
    unsigned length;
    if (!LLVMInstructionGetDebugLoc(instruction))
        return loc_of_function(LLVMGetBasicBlockParent(LLVMGetInstructionParent(instruction)));
    return (struct tricc_loc){LLVMGetDebugLocFilename(instruction, &length), LLVMGetDebugLocLine(instruction),
                              LLVMGetDebugLocColumn(instruction)};
}

static LLVMValueRef node_operand(LLVMValueRef node, unsigned i) {
    unsigned n = (unsigned)LLVMGetMDNodeNumOperands(node);
    if (i >= n) return NULL;
    LLVMValueRef operands[n];
    LLVMGetMDNodeOperands(node, operands);
    return operands[i];
}

/* The value wrapped in the metadata operand of a debug intrinsic; NULL when it is gone or a list. */
static LLVMValueRef wrapped_value(LLVMValueRef operand) {
    LLVMMetadataRef m = LLVMValueAsMetadata(operand);
    if (LLVMGetMetadataKind(m) != LLVMLocalAsMetadataMetadataKind) return NULL;
    return node_operand(operand, 0);
}

bool tricc_ir_var(LLVMValueRef instruction, struct tricc_var *var) {
    if (!LLVMIsADbgDeclareInst(instruction)) return false;
    LLVMValueRef storage = wrapped_value(LLVMGetOperand(instruction, 0));
    LLVMValueRef node = LLVMGetOperand(instruction, 1);
    if (!storage || !node) return false;
    LLVMMetadataRef m = LLVMValueAsMetadata(node);
    if (LLVMGetMetadataKind(m) != LLVMDILocalVariableMetadataKind) return false;
    LLVMValueRef name = node_operand(node, 1);
    unsigned length = 0;
    const char *text = name ? LLVMGetMDString(name, &length) : NULL;
    *var = (struct tricc_var){.storage = storage, .declare = instruction, .node = m, .name = text ? text : ""};
    var->at = tricc_ir_loc(instruction);
    return true;
}
