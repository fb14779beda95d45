/* variables.c - see variables.h. */
#include "variables.h"
#include "../ir/ir.h"

/* Whether an argument is stored into it or into a part of it: so clang starts parameters, and nothing else. */
static bool takes_argument(LLVMValueRef storage) {
    for (LLVMUseRef u = LLVMGetFirstUse(storage); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (LLVMIsAGetElementPtrInst(user) && takes_argument(user)) return true;
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == storage && LLVMIsAArgument(LLVMGetOperand(user, 0))) return true;
    }
    return false;
}

static bool is_parameter(LLVMValueRef storage, LLVMMetadataRef node) {
    if (LLVMGetMetadataKind(LLVMDIVariableGetScope(node)) != LLVMDISubprogramMetadataKind) return false;
    return LLVMIsAArgument(storage) || takes_argument(storage);
}

uint64_t variable_size(struct analysis *a, const struct variable *v) {
    LLVMValueRef node = LLVMMetadataAsValue(LLVMGetModuleContext(a->module), v->node), operand[16];
    int n = (int)LLVMGetMDNodeNumOperands(node);
    if (n < 4 || n > 16) return 0;
    LLVMGetMDNodeOperands(node, operand);
    return operand[3] ? LLVMDITypeGetSizeInBits(LLVMValueAsMetadata(operand[3])) / 8 : 0; /* of the type itself, not of what it names */
}

/* What says that a variable lies in some storage: more than one where code is inlined. */
struct declaration {
    LLVMValueRef instruction;
    struct declaration *next;
};

void variables_find(struct analysis *a) {
    TRICC_EACH_FUNCTION(f, a->module)
    TRICC_EACH_BLOCK(b, f)
    TRICC_EACH_INST(i, next, b) {
        struct tricc_var v;
        if (!tricc_ir_var(i, &v)) continue;
        struct declaration *d = pool_take(a->pool, sizeof *d);
        *d = (struct declaration){i, table_get(a->declarations, v.storage)};
        table_put(a->declarations, a->pool, v.storage, d);
        if (table_get(a->variables, v.storage) || tricc_ir_inlined(i)) continue;
        struct variable *mine = pool_take(a->pool, sizeof *mine);
        *mine = (struct variable){v.name, v.at, v.node, is_parameter(v.storage, v.node)};
        table_put(a->variables, a->pool, v.storage, mine);
    }
}

void variables_move(struct analysis *a, LLVMValueRef storage, LLVMValueRef slot) {
    LLVMContextRef context = LLVMGetModuleContext(a->module);
    LLVMDIBuilderRef builder = LLVMCreateDIBuilderDisallowUnresolved(a->module);
    uint64_t deref = 0x06; /* DW_OP_deref */
    LLVMValueRef expression = LLVMMetadataAsValue(context, LLVMDIBuilderCreateExpression(builder, &deref, 1));
    LLVMValueRef where = LLVMMetadataAsValue(context, LLVMValueAsMetadata(slot));
    for (const struct declaration *d = table_get(a->declarations, storage); d; d = d->next) {
        LLVMSetOperand(d->instruction, 0, where);
        LLVMSetOperand(d->instruction, 2, expression);
    }
    LLVMDisposeDIBuilder(builder);
}
