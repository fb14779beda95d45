/* asm.c - inline assembly: see barrier.h.
 *
 * What it stores cannot be seen. Its inputs can: pointers and words that go in, when memory may be written (an output in
 * memory, or "memory" among the clobbers), are shaded behind it, as is what it left in its outputs in memory. What it loads by itself
 * from one place and stores to another is out of reach; -Wtri-asm says where that could be.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <ctype.h>
#include <string.h>

static bool is_word(LLVMTypeRef type) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMPointerTypeKind || (kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 64);
}

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
static void shade_output(struct barrier *b, LLVMValueRef call, LLVMValueRef where) {
    if (tricc_place(where) == PLACE_STACK) return;
    LLVMValueRef left = LLVMBuildLoad2(b->builder, b->ptr, where, "");
    LLVMSetVolatile(left, true);
    tricc_emit_stored(b, where, left, call);
}

static unsigned size_of_output(LLVMValueRef call, unsigned arg) {
    unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
    LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(call, arg + 1, kind);
    return a && is_word(LLVMGetTypeAttributeValue(a)) ? 8 : 0;
}

void tricc_barrier_asm(struct barrier *b, LLVMValueRef call) {
    LLVMValueRef code = LLVMGetCalledValue(call);
    size_t n;
    const char *constraints = LLVMGetInlineAsmConstraintString(code, &n);
    if (is_empty(code) || !writes_memory(constraints) || LLVMIsACallBrInst(call)) return;
    bool shaded = false;
    unsigned arg = 0;
    struct operand o;
    tricc_position_behind(b, call);
    for (const char *at = constraints; *at;) {
        at = next_constraint(at, &o);
        if (o.clobber || (o.output && !o.memory)) continue;
        if (arg >= LLVMGetNumArgOperands(call)) break;
        LLVMValueRef v = LLVMGetOperand(call, arg);
        if (o.memory && o.output && size_of_output(call, arg)) shade_output(b, call, v), shaded = true;
        else if (!o.memory && is_word(LLVMTypeOf(v)) && tricc_content(v) == CONTENT_POINTER)
            tricc_emit_stored(b, LLVMConstNull(b->ptr), v, call), shaded = true;
        arg++;
    }
    if (shaded) tricc_count(b, TRICC_STAT_barrier_asm);
    if (shaded && b->options->warn_asm)
        tricc_diag_warn(b->diag, tricc_ir_loc(call), "inline assembly that may store pointers: its inputs are shaded, what it loads itself is not [-Wtri-asm]");
}
