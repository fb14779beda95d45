/* asm.c - inline assembly: see barrier.h.
 *
 * What it stores cannot be seen. Its inputs can: pointers and words that go in, when memory may be written (an output in
 * memory, or "memory" among the clobbers), are shaded behind it, as is what it left in its outputs in memory. What it loads by itself
 * from one place and stores to another is out of reach; -Wtri-asm says where that could be.
 *
 * An asm goto stores before it goes wherever it goes: each of its ways gets a block of its own first, to shade in.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <ctype.h>
#include <llvm-c/Target.h>
#include <string.h>

/* Nothing but white space and comments: a barrier for the compiler. */
static bool is_empty(LLVMValueRef code) {
    size_t n;
    const char *s = LLVMGetInlineAsmAsmString(code, &n);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '#') while (i + 1 < n && s[i] != '\n') i++;
        else if (!isspace((unsigned char)s[i]) && s[i] != ';') return false;
    }
    return true;
}

struct operand {
    bool output, memory, clobber; /* memory: passed by address */
};

/* The next constraint of "=*m,r,~{memory}"; braces may hold commas. */
static const char *next_constraint(const char *at, struct operand *o) {
    *o = (struct operand){.clobber = *at == '~'};
    if (*at == '=') o->output = true, at++;
    for (int braces = 0; *at && (braces || *at != ','); at++) {
        if (*at == '{') braces++;
        else if (*at == '}') braces--;
        else if (*at == '*' && !braces) o->memory = true;
    }
    return *at ? at + 1 : at;
}

static bool writes_memory(const char *constraints) {
    struct operand o;
    if (strstr(constraints, "~{memory}")) return true;
    for (const char *at = constraints; *at;) {
        at = next_constraint(at, &o);
        if (o.output && o.memory) return true;
    }
    return false;
}

/* The value left in an output in memory. It need not be kept in a register until it is shaded: it came in as an input. */
static void shade_output(struct barrier *b, LLVMValueRef call, LLVMValueRef where, uint64_t size) {
    if (tricc_place(where) == PLACE_STACK) return;
    if (size > 8) {
        tricc_emit(b, "copied", (LLVMValueRef[]){where, where, LLVMConstInt(b->i64, size, false)}, 3, call);
        return;
    }
    LLVMValueRef left = LLVMBuildLoad2(b->builder, b->ptr, where, "");
    LLVMSetVolatile(left, true);
    tricc_emit_stored(b, where, left, call);
}

/* No more than this: assembly is given types that are larger than what is there, to say that it stores somewhere in it. */
enum { LARGEST_OUTPUT = 64 };

static uint64_t size_of_output(struct barrier *b, LLVMValueRef call, unsigned arg) {
    unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
    LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(call, arg + 1, kind);
    LLVMTypeRef type = a ? LLVMGetTypeAttributeValue(a) : NULL;
    if (!type || !tricc_type_holds_pointers(type)) return 0;
    uint64_t size = LLVMABISizeOfType(LLVMGetModuleDataLayout(b->module), type);
    return size <= LARGEST_OUTPUT ? size : 0;
}

static bool may_store(LLVMValueRef call) {
    LLVMValueRef code = LLVMGetCalledValue(call);
    size_t n;
    return LLVMIsAInlineAsm(code) && !is_empty(code) && writes_memory(LLVMGetInlineAsmConstraintString(code, &n));
}

/* What went in, and came out in memory, where the builder stands. False: nothing. */
static bool shade_operands(struct barrier *b, LLVMValueRef call) {
    size_t n;
    const char *constraints = LLVMGetInlineAsmConstraintString(LLVMGetCalledValue(call), &n);
    bool shaded = false;
    unsigned arg = 0;
    struct operand o;
    for (const char *at = constraints; *at;) {
        at = next_constraint(at, &o);
        if (o.clobber || (o.output && !o.memory)) continue;
        if (arg >= LLVMGetNumArgOperands(call)) break;
        LLVMValueRef v = LLVMGetOperand(call, arg);
        uint64_t size = o.memory && o.output ? size_of_output(b, call, arg) : 0;
        if (size) shade_output(b, call, v, size), shaded = true;
        else if (!o.memory && tricc_type_holds_pointers(LLVMTypeOf(v)) && tricc_content(v) == CONTENT_POINTER)
            tricc_emit_stored(b, LLVMConstNull(b->ptr), v, call), shaded = true;
        arg++;
    }
    return shaded;
}

/* ---- asm goto ---- */

/* Blocks with phis, which clang does not make here before it optimises, are left as they are. */
static void split_way(struct barrier *b, LLVMValueRef jump, unsigned way) {
    LLVMBasicBlockRef to = LLVMGetSuccessor(jump, way);
    if (LLVMIsAPHINode(LLVMGetFirstInstruction(to))) return;
    LLVMBasicBlockRef between = LLVMInsertBasicBlockInContext(LLVMGetModuleContext(b->module), to, "");
    LLVMPositionBuilderAtEnd(b->builder, between);
    LLVMBuildBr(b->builder, to);
    LLVMSetSuccessor(jump, way, between);
}

void tricc_barrier_split_jump(struct barrier *b, LLVMValueRef jump) {
    if (!may_store(jump)) return;
    for (unsigned i = 0; i < LLVMGetNumSuccessors(jump); i++) split_way(b, jump, i);
}

/* A block that is reached this way only. */
static bool is_own(LLVMBasicBlockRef block) {
    LLVMUseRef use = LLVMGetFirstUse(LLVMBasicBlockAsValue(block));
    return use && !LLVMGetNextUse(use);
}

static bool shade_ways(struct barrier *b, LLVMValueRef jump) {
    bool shaded = false;
    for (unsigned i = 0; i < LLVMGetNumSuccessors(jump); i++) {
        LLVMBasicBlockRef to = LLVMGetSuccessor(jump, i);
        if (!is_own(to)) continue;
        LLVMPositionBuilderBefore(b->builder, LLVMGetFirstInstruction(to));
        shaded |= shade_operands(b, jump);
    }
    return shaded;
}

void tricc_barrier_asm(struct barrier *b, LLVMValueRef call) {
    bool shaded;
    if (!may_store(call)) return;
    if (LLVMIsACallBrInst(call)) {
        shaded = shade_ways(b, call);
    } else {
        tricc_position_behind(b, call);
        shaded = shade_operands(b, call);
    }
    if (shaded) tricc_count(b, TRICC_STAT_barrier_asm);
    if (shaded && b->options->warn_asm)
        tricc_diag_warn(b->diag, tricc_ir_loc(call), "inline assembly that may store pointers: its inputs are shaded, what it loads itself is not [-Wtri-asm]");
}
