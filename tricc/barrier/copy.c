/* copy.c - copies: the intrinsics, and the library's functions that move or keep pointers. See barrier.h.
 *
 * memcpy stays, and what it copied is shaded behind it; memmove, which may destroy its source, becomes tri_memmove, which keeps the
 * collector out; memset stores no pointer, and goes through tri_memset only while marking, for the sake of what it overwrites.
 * qsort moves elements through memory that no scan looks at, so it is replaced by a sort of the prelude's.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <string.h>

/* ---- intrinsics ---- */

static bool too_small(LLVMValueRef bytes) { return LLVMIsAConstantInt(bytes) && LLVMConstIntGetZExtValue(bytes) < 8; }

static LLVMValueRef as_i64(struct barrier *b, LLVMValueRef bytes) {
    return LLVMBuildIntCast2(b->builder, bytes, b->i64, false, "");
}

/* Whether a copy to `to` needs anything; counts when not. */
static bool needed(struct barrier *b, LLVMValueRef to, LLVMValueRef bytes) {
    if (LLVMGetPointerAddressSpace(LLVMTypeOf(to))) return false;
    if (tricc_place(to) == PLACE_STACK) return tricc_count(b, TRICC_STAT_left_stack), false;
    if (bytes && too_small(bytes)) return tricc_count(b, TRICC_STAT_left_not_pointer), false;
    return true;
}

/* Constants hold no pointers to what is collected. */
static bool from_constant(LLVMValueRef from) {
    from = tricc_ir_strip(from);
    return LLVMIsAGlobalVariable(from) && LLVMIsGlobalConstant(from);
}

/* A pointer or a union is copied as eight bytes. */
static bool copy_word(struct barrier *b, LLVMValueRef call, LLVMValueRef to, LLVMValueRef from, LLVMValueRef bytes) {
    if (!LLVMIsAConstantInt(bytes) || LLVMConstIntGetZExtValue(bytes) != 8) return false;
    LLVMPositionBuilderBefore(b->builder, call);
    tricc_emit(b, "copy_word", (LLVMValueRef[]){to, from}, 2, call);
    LLVMInstructionEraseFromParent(call);
    tricc_count(b, TRICC_STAT_barrier_store);
    return true;
}

static void memcpy_intrinsic(struct barrier *b, LLVMValueRef call) {
    LLVMValueRef to = LLVMGetOperand(call, 0), from = LLVMGetOperand(call, 1), bytes = LLVMGetOperand(call, 2);
    if (!needed(b, to, bytes)) return;
    if (from_constant(from)) {
        tricc_count(b, TRICC_STAT_left_constant);
        return;
    }
    if (tricc_are_numbers(b, from, bytes)) {
        tricc_count(b, TRICC_STAT_left_not_pointer);
        return;
    }
    if (copy_word(b, call, to, from, bytes)) return;
    if (!tricc_barrier_copy_local(b, call)) {
        tricc_position_behind(b, call);
        tricc_emit(b, "copied", (LLVMValueRef[]){to, from, as_i64(b, bytes)}, 3, call);
    }
    tricc_count(b, TRICC_STAT_barrier_bulk);
}

static void memmove_intrinsic(struct barrier *b, LLVMValueRef call) {
    LLVMValueRef to = LLVMGetOperand(call, 0), from = LLVMGetOperand(call, 1), bytes = LLVMGetOperand(call, 2);
    if (!needed(b, to, bytes) || copy_word(b, call, to, from, bytes)) return;
    LLVMPositionBuilderBefore(b->builder, call);
    tricc_emit(b, "memmove", (LLVMValueRef[]){to, from, as_i64(b, bytes)}, 3, call);
    LLVMInstructionEraseFromParent(call);
    tricc_count(b, TRICC_STAT_barrier_bulk);
}

static void memset_intrinsic(struct barrier *b, LLVMValueRef call) {
    LLVMValueRef to = LLVMGetOperand(call, 0), byte = LLVMGetOperand(call, 1), bytes = LLVMGetOperand(call, 2);
    if (!needed(b, to, bytes)) return;
    enum place place = tricc_place(to);
    if (place != PLACE_HEAP) {
        tricc_count(b, place == PLACE_FRESH ? TRICC_STAT_left_constant : TRICC_STAT_left_not_pointer);
        return;
    }
    LLVMPositionBuilderBefore(b->builder, call);
    tricc_emit(b, "memset", (LLVMValueRef[]){to, byte, as_i64(b, bytes)}, 3, call);
    LLVMInstructionEraseFromParent(call);
    tricc_count(b, TRICC_STAT_barrier_bulk);
}

/* Stores of vectors under a mask, to many places, or interleaved: those that return nothing and take vectors with room for pointers. */
static void vector_intrinsic(struct barrier *b, LLVMValueRef call) {
    bool any = false;
    if (LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind) return;
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        LLVMValueRef v = LLVMGetOperand(call, i);
        if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMVectorTypeKind || !tricc_type_holds_pointers(LLVMTypeOf(v))) continue;
        if (tricc_content(v) != CONTENT_POINTER) continue;
        tricc_position_behind(b, call);
        tricc_emit_stored(b, LLVMConstNull(b->ptr), v, call);
        any = true;
    }
    if (any) tricc_count(b, TRICC_STAT_barrier_store);
}

/* ---- the library ---- */

/* As much as setjmp and getcontext fill with registers, on any machine; no more than there is room for. */
enum { REGISTERS = 12 * 8, CONTEXT = 64 * 8 };

enum how {
    COPIED,  /* behind the call: arg[from] was copied to arg[to], `bytes` of it */
    KEPT,    /* behind the call: arg[from], or something inside it, was stored to *arg[to] */
    FOUND,   /* behind the call: something inside of what *arg[from] points to was stored to *arg[to] */
    GIVEN,   /* behind the call: arg[from] and all behind it may have been stored to *arg[to] */
    FILLED,  /* behind the call: what it has left in `times` bytes of *arg[to] may be pointers: registers */
    REPLACED /* the prelude has its own */
};

/* Functions of the C library that store pointers to collected memory; each thing that one does is a line. Those that move a pointer on within
 * what it points to already (strsep, iconv, mbsrtowcs) need nothing, like p++. Nor do those that store pointers to what libc has
 * allocated, or keep them in memory of its own: that is no collected object. */
static const struct call {
    const char *name;
    enum how how;
    signed char to, from, bytes; /* arguments */
    unsigned short times;        /* size of an element */
    const char *replacement;
} calls[] = {
    {"memcpy", COPIED, 0, 1, 2, 1, NULL},
    {"__memcpy_chk", COPIED, 0, 1, 2, 1, NULL},
    {"mempcpy", COPIED, 0, 1, 2, 1, NULL},
    {"__mempcpy", COPIED, 0, 1, 2, 1, NULL},
    {"__mempcpy_chk", COPIED, 0, 1, 2, 1, NULL},
    {"wmemcpy", COPIED, 0, 1, 2, 4, NULL},
    {"__wmemcpy_chk", COPIED, 0, 1, 2, 4, NULL},
    {"wmempcpy", COPIED, 0, 1, 2, 4, NULL},
    {"memmove", REPLACED, 0, 0, 0, 0, "memmove_call"},
    {"__memmove_chk", REPLACED, 0, 0, 0, 0, "memmove_chk"},
    {"bcopy", REPLACED, 1, 0, 0, 0, "bcopy"},
    {"wmemmove", REPLACED, 0, 0, 0, 0, "wmemmove"},
    {"memset", REPLACED, 0, 0, 0, 0, "memset_call"},
    {"__memset_chk", REPLACED, 0, 0, 0, 0, "memset_chk"},
    {"bzero", REPLACED, 0, 0, 0, 0, "bzero"},
    {"explicit_bzero", REPLACED, 0, 0, 0, 0, "explicit_bzero"},
    {"qsort", REPLACED, 0, 0, 0, 0, "qsort"},
    {"qsort_r", REPLACED, 0, 0, 0, 0, "qsort_r"},
    {"insque", REPLACED, 0, 0, 0, 0, "insque"},
    {"remque", REPLACED, 0, 0, 0, 0, "remque"},
    {"lsearch", REPLACED, 1, 0, 0, 0, "lsearch"},
    {"strtok_r", KEPT, 2, 0, 0, 0, NULL},
    {"__strtok_r", KEPT, 2, 0, 0, 0, NULL},
    {"wcstok", KEPT, 2, 0, 0, 0, NULL},
    {"memccpy", REPLACED, 0, 0, 0, 0, "memccpy"},
    {"initstate_r", KEPT, 3, 1, 0, 0, NULL},
    {"setstate_r", KEPT, 1, 0, 0, 0, NULL},
    {"getsubopt", FOUND, 2, 0, 0, 0, NULL},
    {"setjmp", FILLED, 0, 0, 0, REGISTERS, NULL},
    {"_setjmp", FILLED, 0, 0, 0, REGISTERS, NULL},
    {"sigsetjmp", FILLED, 0, 0, 0, REGISTERS, NULL},
    {"__sigsetjmp", FILLED, 0, 0, 0, REGISTERS, NULL},
    {"getcontext", FILLED, 0, 0, 0, CONTEXT, NULL},
    {"makecontext", GIVEN, 0, 3, 0, 0, NULL},
    {"swapcontext", REPLACED, 0, 0, 0, 0, "swapcontext"},
    {"getpwnam_r", KEPT, 1, 2, 0, 0, NULL}, /* the strings in the caller's buffer; the entry in the caller's struct */
    {"getpwnam_r", KEPT, 4, 1, 0, 0, NULL},
    {"getpwuid_r", KEPT, 1, 2, 0, 0, NULL},
    {"getpwuid_r", KEPT, 4, 1, 0, 0, NULL},
    {"getgrnam_r", KEPT, 1, 2, 0, 0, NULL},
    {"getgrnam_r", KEPT, 4, 1, 0, 0, NULL},
    {"getgrgid_r", KEPT, 1, 2, 0, 0, NULL},
    {"getgrgid_r", KEPT, 4, 1, 0, 0, NULL},
    {"getspnam_r", KEPT, 1, 2, 0, 0, NULL},
    {"getspnam_r", KEPT, 4, 1, 0, 0, NULL},
    {"getpwent_r", KEPT, 0, 1, 0, 0, NULL},
    {"getpwent_r", KEPT, 3, 0, 0, 0, NULL},
    {"getgrent_r", KEPT, 0, 1, 0, 0, NULL},
    {"getgrent_r", KEPT, 3, 0, 0, 0, NULL},
    {"fgetpwent_r", KEPT, 1, 2, 0, 0, NULL},
    {"fgetpwent_r", KEPT, 4, 1, 0, 0, NULL},
    {"fgetgrent_r", KEPT, 1, 2, 0, 0, NULL},
    {"fgetgrent_r", KEPT, 4, 1, 0, 0, NULL},
    {"gethostbyname_r", KEPT, 1, 2, 0, 0, NULL},
    {"gethostbyname_r", KEPT, 4, 1, 0, 0, NULL},
    {"gethostbyname2_r", KEPT, 2, 3, 0, 0, NULL},
    {"gethostbyname2_r", KEPT, 5, 2, 0, 0, NULL},
    {"gethostbyaddr_r", KEPT, 3, 4, 0, 0, NULL},
    {"gethostbyaddr_r", KEPT, 6, 3, 0, 0, NULL},
    {"getservbyname_r", KEPT, 2, 3, 0, 0, NULL},
    {"getservbyname_r", KEPT, 5, 2, 0, 0, NULL},
    {"getservbyport_r", KEPT, 2, 3, 0, 0, NULL},
    {"getservbyport_r", KEPT, 5, 2, 0, 0, NULL},
    {"getprotobyname_r", KEPT, 1, 2, 0, 0, NULL},
    {"getprotobyname_r", KEPT, 4, 1, 0, 0, NULL},
    {"getprotobynumber_r", KEPT, 1, 2, 0, 0, NULL},
    {"getprotobynumber_r", KEPT, 4, 1, 0, 0, NULL},
    {"getmntent_r", KEPT, 1, 2, 0, 0, NULL},
    {"readdir_r", KEPT, 2, 1, 0, 0, NULL},
    {"readdir64_r", KEPT, 2, 1, 0, 0, NULL},
    {"__atomic_store", COPIED, 1, 2, 0, 1, NULL},
    {"__atomic_exchange", COPIED, 1, 2, 0, 1, NULL},
    {"__atomic_compare_exchange", COPIED, 1, 3, 0, 1, NULL},
    {"__atomic_load", REPLACED, 2, 0, 0, 0, "atomic_load"}, /* where what was there goes: behind the lines above, which want the library's call */
    {"__atomic_exchange", REPLACED, 3, 0, 0, 0, "atomic_exchange"},
    {"__atomic_compare_exchange", REPLACED, 2, 0, 0, 0, "atomic_compare_exchange"},
    {"__atomic_store_8", KEPT, 0, 1, 0, 0, NULL},
    {"__atomic_exchange_8", KEPT, 0, 1, 0, 0, NULL},
    {"__atomic_compare_exchange_8", KEPT, 0, 2, 0, 0, NULL},
    {"__atomic_store_16", KEPT, 0, 1, 0, 0, NULL},
    {"__atomic_exchange_16", KEPT, 0, 1, 0, 0, NULL},
    {"__atomic_compare_exchange_16", KEPT, 0, 2, 0, 0, NULL},
};

/* strtol and its family store a pointer into their first argument through their second. */
static bool is_number_parser(const char *name) {
    static const char *const starts[] = {"strto", "wcsto", "__strto", "__wcsto", "__isoc23_strto", "__isoc23_wcsto"};
    static const char *const ends[] = {"l", "ul", "ll", "ull", "d", "f", "ld", "q", "uq", "imax", "umax", "f32", "f64", "f128", "f32x", "f64x"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t n = strlen(starts[i]);
        if (strncmp(name, starts[i], n)) continue;
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            size_t m = strlen(ends[k]);
            if (strncmp(name + n, ends[k], m) == 0 && (!name[n + m] || strcmp(name + n + m, "_l") == 0 || strcmp(name + n + m, "_internal") == 0))
                return true;
        }
    }
    return false;
}

static const struct call number_parser = {"strtol", KEPT, 1, 0, 0, 0, NULL};

/* The next thing, behind `after`, that the function does; NULL: no more. */
static const struct call *next_call(const char *name, const struct call *after) {
    const struct call *end = calls + sizeof calls / sizeof *calls;
    if (after == &number_parser) return NULL;
    for (const struct call *c = after ? after + 1 : calls; c < end; c++)
        if (strcmp(name, c->name) == 0) return c;
    return !after && is_number_parser(name) ? &number_parser : NULL;
}

/* A program may have its own of these names, with the same arguments and other structs, in another file: it does not declare them as not throwing,
 * as the headers of glibc do. */
static bool may_be_another(LLVMValueRef f, const char *name) {
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    return (strcmp(name, "insque") == 0 || strcmp(name, "remque") == 0) &&
           !LLVMGetEnumAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, nounwind);
}

const char *tricc_replacement(LLVMValueRef f) {
    size_t length;
    const char *name = LLVMGetValueName2(f, &length);
    if (strcmp(name, "memcpy") == 0) return "memcpy_call"; /* which is left to LLVM when called by name */
    if (may_be_another(f, name)) return NULL;
    for (const struct call *c = NULL; (c = next_call(name, c));)
        if (c->how == REPLACED) return c->replacement;
    return NULL;
}

/* Only when the arguments are what the library's function takes: a program may have its own of the name. */
static bool fits(LLVMValueRef call, const struct call *c) {
    LLVMValueRef f = LLVMGetCalledValue(call);
    if (!LLVMIsAFunction(f) || !LLVMIsDeclaration(f)) return false;
    int n = (int)LLVMGetNumArgOperands(call);
    if (c->how == REPLACED) return n > c->to && !may_be_another(f, c->name);
    return n > c->to && (n > c->from || c->how == GIVEN) && n > c->bytes && LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, (unsigned)c->to))) == LLVMPointerTypeKind;
}

static bool same_signature(LLVMValueRef f, LLVMValueRef call) {
    LLVMTypeRef type = LLVMGlobalGetValueType(f);
    unsigned n = LLVMCountParamTypes(type);
    if (n != LLVMGetNumArgOperands(call) || LLVMGetReturnType(type) != LLVMTypeOf(call)) return false;
    LLVMTypeRef params[n];
    LLVMGetParamTypes(type, params);
    for (unsigned i = 0; i < n; i++)
        if (params[i] != LLVMTypeOf(LLVMGetOperand(call, i))) return false;
    return true;
}

static void replace(struct barrier *b, LLVMValueRef call, const struct call *c) {
    LLVMValueRef f = tricc_ir_prelude(b->module, c->replacement, b->options, b->diag);
    if (!f) b->failed = true;
    if (!f || !same_signature(f, call)) return;
    LLVMSetOperand(call, LLVMGetNumOperands(call) - 1, f);
    tricc_count(b, TRICC_STAT_barrier_call);
}

/* Of what setjmp stores, the frame pointer is encoded: it must not be a register that variables live in. */
static void keep_frame_pointer(LLVMValueRef f) { LLVMAddTargetDependentFunctionAttr(f, "frame-pointer", "all"); }

static void shade_arguments(struct barrier *b, LLVMValueRef call, LLVMValueRef to, unsigned first) {
    for (unsigned i = first; i < LLVMGetNumArgOperands(call); i++) {
        LLVMValueRef v = LLVMGetOperand(call, i);
        if (LLVMTypeOf(v) == b->ptr || LLVMTypeOf(v) == b->i64) tricc_emit_stored(b, to, v, call);
    }
}

/* What has been copied or kept is shaded. */
static void shade_behind(struct barrier *b, LLVMValueRef call, const struct call *c, LLVMValueRef to) {
    LLVMValueRef from = LLVMGetOperand(call, (unsigned)c->from), bytes; /* of makecontext perhaps the function: no matter */
    tricc_position_behind(b, call);
    switch (c->how) {
    case KEPT: tricc_emit_stored(b, to, from, call); break;
    case FOUND: tricc_emit_stored(b, to, LLVMBuildLoad2(b->builder, b->ptr, from, ""), call); break;
    case GIVEN: shade_arguments(b, call, to, (unsigned)c->from); break;
    case FILLED: tricc_emit(b, "copied", (LLVMValueRef[]){to, to, LLVMConstInt(b->i64, c->times, false)}, 3, call); break;
    default:
        bytes = as_i64(b, LLVMGetOperand(call, (unsigned)c->bytes));
        if (c->times > 1) bytes = LLVMBuildMul(b->builder, bytes, LLVMConstInt(b->i64, c->times, false), "");
        tricc_emit(b, "copied", (LLVMValueRef[]){to, from, bytes}, 3, call);
    }
}

static void library_call(struct barrier *b, LLVMValueRef call, const struct call *c) {
    LLVMValueRef to = LLVMGetOperand(call, (unsigned)c->to);
    if (c->how == FILLED) keep_frame_pointer(b->function);
    if (LLVMIsNull(to) || !needed(b, to, NULL)) {
        if (strstr(c->name, "sort")) replace(b, call, c); /* its elements are elsewhere while it sorts, wherever they belong */
        return;
    }
    if (c->how == REPLACED) {
        replace(b, call, c);
        return;
    }
    shade_behind(b, call, c, to);
    tricc_count(b, TRICC_STAT_barrier_call);
}

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

void tricc_barrier_call(struct barrier *b, LLVMValueRef call) {
    const char *name = tricc_ir_callee_name(call);
    if (starts(name, "llvm.")) {
        if (starts(name, "llvm.memcpy.")) memcpy_intrinsic(b, call);
        else if (starts(name, "llvm.memmove.")) memmove_intrinsic(b, call);
        else if (starts(name, "llvm.memset.")) memset_intrinsic(b, call);
        else if (!LLVMIsADbgInfoIntrinsic(call)) vector_intrinsic(b, call);
        return;
    }
    if (!*name) return;
    for (const struct call *c = NULL; (c = next_call(name, c)) && fits(call, c);) library_call(b, call, c);
}
