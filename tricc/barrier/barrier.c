/* barrier.c - the walk over the module, and what its parts share: see barrier.h. */
#include "barrier.h"
#include "../ir/ir.h"

#include <llvm-c/Transforms/PassBuilder.h>

void tricc_count(struct barrier *b, enum tricc_stat what) { tricc_stats_count(b->stats, b->function, what, 1); }

LLVMValueRef tricc_emit(struct barrier *b, const char *name, LLVMValueRef *args, unsigned n, LLVMValueRef near) {
    LLVMValueRef f = tricc_ir_prelude(b->module, name, b->options, b->diag);
    if (!f) {
        b->failed = true;
        return NULL;
    }
    return tricc_ir_call(b->builder, f, args, n, near);
}

void tricc_position_behind(struct barrier *b, LLVMValueRef instruction) {
    LLVMValueRef next = LLVMGetNextInstruction(instruction);
    if (!next) { /* an invoke: its value is known where it goes on */
        LLVMBasicBlockRef on = LLVMGetNormalDest(instruction);
        next = LLVMGetFirstInstruction(on);
        while (LLVMIsAPHINode(next)) next = LLVMGetNextInstruction(next);
    }
    LLVMPositionBuilderBefore(b->builder, next);
}

enum { ROOM_ALIGN = 16 }; /* less than vectors have, whose frames are not to be aligned for this */

/* Room on the stack for a value of the type, at the function's entry. */
static LLVMValueRef make_room(struct barrier *b, LLVMTypeRef type) {
    LLVMBuilderRef entry = LLVMCreateBuilderInContext(LLVMGetModuleContext(b->module));
    LLVMPositionBuilderBefore(entry, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(b->function)));
    LLVMValueRef room = LLVMBuildAlloca(entry, type, "");
    LLVMSetAlignment(room, ROOM_ALIGN);
    LLVMDisposeBuilder(entry);
    return room;
}

void tricc_emit_stored(struct barrier *b, LLVMValueRef slot, LLVMValueRef value, LLVMValueRef near) {
    LLVMTypeRef type = LLVMTypeOf(value);
    if (LLVMGetTypeKind(type) == LLVMPointerTypeKind) {
        tricc_emit(b, "stored", (LLVMValueRef[]){slot, value}, 2, near);
    } else if (type == b->i64) {
        LLVMValueRef pointer = LLVMBuildIntToPtr(b->builder, value, b->ptr, "");
        tricc_emit(b, "stored", (LLVMValueRef[]){slot, pointer}, 2, near);
    } else {
        LLVMValueRef room = make_room(b, type), size = LLVMSizeOf(type);
        LLVMSetAlignment(LLVMBuildStore(b->builder, value, room), ROOM_ALIGN);
        tricc_emit(b, "copied", (LLVMValueRef[]){slot, room, size}, 3, near);
    }
}

static void visit(struct barrier *b, LLVMValueRef inst) {
    switch (LLVMGetInstructionOpcode(inst)) {
    case LLVMStore: tricc_barrier_store(b, inst); break;
    case LLVMAtomicRMW: tricc_barrier_rmw(b, inst); break;
    case LLVMAtomicCmpXchg: tricc_barrier_cmpxchg(b, inst); break;
    case LLVMCallBr: tricc_barrier_asm(b, inst); break;
    case LLVMCall:
    case LLVMInvoke:
        if (LLVMIsAInlineAsm(LLVMGetCalledValue(inst))) tricc_barrier_asm(b, inst);
        else tricc_barrier_call(b, inst);
        break;
    default: break;
    }
}

static void split_jumps(struct barrier *b, LLVMValueRef f) {
    TRICC_EACH_BLOCK(block, f) {
        LLVMValueRef last = LLVMGetBasicBlockTerminator(block);
        if (LLVMIsACallBrInst(last)) tricc_barrier_split_jump(b, last);
    }
}

/* What a function has to begin with: what is put in is not looked at again. */
static void visit_function(struct barrier *b, LLVMValueRef f) {
    b->function = f;
    TRICC_EACH_BLOCK(block, f) TRICC_EACH_INST(inst, next, block) visit(b, inst);
}

static bool wants_barriers(LLVMModuleRef module, LLVMValueRef f) {
    return !LLVMIsDeclaration(f) && !tricc_ir_is_ours(f) && !tricc_runs_early(module, f);
}

/* Scalar locals become values, so that more places are seen to be the stack. Not where the user debugs. Not by SROA: it takes structs
 * apart as they are read, a union of a pointer and an int into two ints, and what was a copy then is two stores of numbers. */
static bool simplify(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d) {
    if (!o->opt_level || o->no_opt) return true;
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, "function(mem2reg)", NULL, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error) return true;
    char *message = LLVMGetErrorMessage(error);
    tricc_diag_error(d, (struct tricc_loc){0}, "internal error: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

bool tricc_barrier_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    struct barrier b = {.module = module, .builder = LLVMCreateBuilderInContext(context), .options = o, .diag = d, .stats = s,
                        .ptr = LLVMPointerTypeInContext(context, 0), .i64 = LLVMInt64TypeInContext(context),
                        .i8 = LLVMInt8TypeInContext(context)};
    TRICC_EACH_FUNCTION(f, module)
        if (wants_barriers(module, f)) split_jumps(&b, f);
    tricc_barrier_addresses(&b);
    if (simplify(module, o, d)) {
        TRICC_EACH_FUNCTION(f, module)
            if (wants_barriers(module, f)) visit_function(&b, f);
    } else {
        b.failed = true;
    }
    LLVMDisposeBuilder(b.builder);
    return !b.failed;
}
