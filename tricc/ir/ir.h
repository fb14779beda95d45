/* ir.h - what the passes ask of LLVM's C interface beyond what it offers.
 *
 * Debug information comes in two forms in LLVM 19: records, which the C interface cannot walk, and the older calls of
 * llvm.dbg.declare, which it can. tricc_ir_open turns the module to the old form, tricc_ir_finish back; the passes run in between.
 * With an LLVM that has LLVMGetFirstDbgRecord this file is the one to change.
 *
 * Code that generated code calls comes from the prelude: functions written in C on top of <tricolor.h>, compiled when
 * tricc is built, linked into a module when a pass first asks for one, and inlined by LLVM. So the header stays the single
 * source of the inline sequences, and nothing is added to what the user's source sees.
 */
#ifndef TRICC_IR_H
#define TRICC_IR_H

#include "../tricc.h"

/* Reads a module of bitcode; NULL and *error (to be freed by LLVMDisposeMessage) when it cannot. */
LLVMModuleRef tricc_ir_open(LLVMContextRef, const char *path, char **error);

/* The same for a module of clang's. */
void tricc_ir_adopt(LLVMModuleRef);

/* Brings the module to its final form; with this variable in the environment it is verified. Without keep_debug the debug
 * information is stripped. */
#define TRICC_VERIFY_ENVIRONMENT "TRICC_VERIFY"
bool tricc_ir_finish(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *);
bool tricc_ir_write(LLVMModuleRef, const char *path, struct tricc_diag *);

/* Place of an instruction; for one without, of its function. */
struct tricc_loc tricc_ir_loc(LLVMValueRef instruction);

/* Whether an instruction is inlined code, and the place of the call that it is inlined at; its own when it is not. */
bool tricc_ir_inlined(LLVMValueRef instruction);
struct tricc_loc tricc_ir_call_loc(LLVMValueRef instruction);

/* A variable of the source: a local or a parameter. */
struct tricc_var {
    LLVMValueRef storage;   /* the alloca, or the argument (byval) */
    LLVMValueRef declare;   /* the call of llvm.dbg.declare that says so */
    LLVMMetadataRef node;   /* DILocalVariable */
    const char *name;       /* lives as long as the module */
    struct tricc_loc at;    /* of its declaration */
};

/* If the instruction is a llvm.dbg.declare of a variable in memory, fills `var`. A pass walks all instructions once and
 * keeps what it wants. */
bool tricc_ir_var(LLVMValueRef instruction, struct tricc_var *var);

/* The function of the prelude called tri__tricc_<name>, linking the prelude in when needed. NULL, and an error in the
 * sink, when there is none. */
LLVMValueRef tricc_ir_prelude(LLVMModuleRef, const char *name, const struct tricc_options *, struct tricc_diag *);

/* Whether the function is one of the prelude's or the header's: the passes leave those alone. */
bool tricc_ir_is_ours(LLVMValueRef function);

/* A call of `function`, placed at `builder`, with the debug location of `near`. */
LLVMValueRef tricc_ir_call(LLVMBuilderRef builder, LLVMValueRef function, LLVMValueRef *args, unsigned nargs,
                           LLVMValueRef near);

/* The pointer below casts and address computations, as far as they are plain to see. */
LLVMValueRef tricc_ir_strip(LLVMValueRef pointer);

/* Name of the function a call names, through casts; "" for an indirect call. */
const char *tricc_ir_callee_name(LLVMValueRef call);

/* Whether the function's type is result and arguments as given: v void, i 32 bits, l 64 bits, p pointer, d double, f float, * any, at most
 * 8 arguments, and a dot at the end for variable ones. */
bool tricc_ir_has_type(LLVMValueRef function, const char *type);

/* Iteration over a module's instructions. `next` is taken first, so the body may erase `inst`. */
#define TRICC_EACH_FUNCTION(f, module)                                                                          \
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
#define TRICC_EACH_BLOCK(b, function)                                                                           \
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b; b = LLVMGetNextBasicBlock(b))
#define TRICC_EACH_INST(inst, next, block)                                                                      \
    for (LLVMValueRef inst = LLVMGetFirstInstruction(block), next = NULL;                                       \
         inst && ((next = LLVMGetNextInstruction(inst)), true); inst = next)

#endif
