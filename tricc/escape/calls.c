/* calls.c - flows of calls: see build.h.
 *
 * What is known of the callee, from best to worst: it returns a new object (allocators.def); its doings are a matter of
 * record (known.def); its body is here and settled: its summary; its body is here, and in the same group of functions
 * that call each other: flows to its parameters and from its result; a promise, TRI_NOESCAPE, parameter by
 * parameter; nothing: all arguments go to the heap.
 */
#include "build.h"
#include "../ir/ir.h"
#include "allocators.h"
#include "cfg.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- callees ---- */

struct known {
    const char *name, *type, *words;
    bool nothrow;
};
static const struct known known[] = {
#define OURS(name, words)          {#name, NULL, words, false},
#define KNOWN(name, type, words)   {#name, type, words, false},
#define NOTHROW(name, type, words) {#name, type, words, true},
#include "known.def"
#undef OURS
#undef KNOWN
#undef NOTHROW
};

static bool has_attribute(LLVMValueRef function, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    return LLVMGetEnumAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, kind) != NULL;
}

static bool has_words(LLVMValueRef function, const char *words) {
    bool variadic = strchr(words, '*') != NULL;
    unsigned n = 0;
    for (const char *p = words; *p; p++) n += p == words || p[-1] == ' ';
    LLVMTypeRef t = LLVMGlobalGetValueType(function);
    return LLVMCountParamTypes(t) == n - variadic && LLVMIsFunctionVarArg(t) == variadic;
}

/* Whether it is the C library's function: one of the program's own may have the name, in this file (its body is here) or in another.
 * A body that stands for one elsewhere is the header's (fortified), but has no say about throwing. */
static bool is_theirs(const struct analysis *a, const struct known *k, LLVMValueRef function, LLVMValueRef caller) {
    bool body = LLVMGetFirstBasicBlock(function) != NULL;
    if (k->nothrow && (a->options->bitcode || a->options->cplusplus)) return false; /* LLVM says so of every function of that name and type; noexcept */
    if (body && (k->nothrow || LLVMGetLinkage(function) != LLVMAvailableExternallyLinkage)) return false;
    char own[64];
    int length = snprintf(own, sizeof own, "no-builtin-%s", k->name);
    if (LLVMGetStringAttributeAtIndex(caller, LLVMAttributeFunctionIndex, "no-builtins", 11) ||
        LLVMGetStringAttributeAtIndex(caller, LLVMAttributeFunctionIndex, own, (unsigned)length)) return false;
    return tricc_ir_has_type(function, k->type) && (!k->nothrow || has_attribute(function, "nounwind"));
}

static const char *known_words(const struct analysis *a, LLVMValueRef function, LLVMValueRef caller) {
    size_t length;
    const char *name = LLVMGetValueName2(function, &length);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        if (strcmp(k->name, name) == 0) return has_words(function, k->words) && (!k->type || is_theirs(a, k, function, caller)) ? k->words : NULL;
    }
    return NULL;
}

static LLVMValueRef named_function(LLVMValueRef v) {
    while (v && LLVMIsAConstantExpr(v) && LLVMGetConstOpcode(v) == LLVMBitCast) v = LLVMGetOperand(v, 0);
    return v && LLVMIsAFunction(v) ? v : NULL;
}

struct function *callee_of(struct analysis *a, LLVMValueRef call) {
    LLVMValueRef f = LLVMIsAInlineAsm(LLVMGetCalledValue(call)) ? NULL : named_function(LLVMGetCalledValue(call));
    return f ? table_get(a->functions, f) : NULL;
}

bool argument_has(LLVMValueRef call, unsigned i, const char *attribute) {
    unsigned kind = LLVMGetEnumAttributeKindForName(attribute, strlen(attribute));
    if (LLVMGetCallSiteEnumAttribute(call, i + 1, kind)) return true;
    LLVMValueRef f = named_function(LLVMGetCalledValue(call));
    return f && i < LLVMCountParams(f) && LLVMGetEnumAttributeAtIndex(f, i + 1, kind);
}

/* setjmp and its kind, whatever the declaration says: under -fno-builtin clang does not mark it, and __builtin_setjmp is an intrinsic. */
bool is_returning_twice(LLVMValueRef call) {
    static const char *const names[] = {"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "getcontext", "swapcontext", "vfork", "llvm.eh.sjlj.setjmp"};
    unsigned kind = LLVMGetEnumAttributeKindForName("returns_twice", 13);
    size_t length;
    LLVMValueRef f = named_function(LLVMGetCalledValue(call));
    if (LLVMGetCallSiteEnumAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, kind)) return true;
    if (!f) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(LLVMGetValueName2(f, &length), names[i]) == 0) return true;
    return has_attribute(f, "returns_twice");
}

/* ---- arguments ---- */

/* How often an argument's value must be followed to be the parameter's: structs passed in memory are named by address. */
static int in_memory(LLVMValueRef call, unsigned i) { return argument_has(call, i, "byval") ? 1 : 0; }

static void argument_flows(struct analysis *a, struct function *f, LLVMValueRef call, unsigned i, struct location *dst, int derefs) {
    struct hole k = {dst, derefs + in_memory(call, i), {"call parameter", call}};
    value_flows(a, f, k, LLVMGetArgOperand(call, i));
}

/* For the parameter of an analysed function: one that it takes by address has its contents for value. */
static void parameter_flows(struct analysis *a, struct function *f, LLVMValueRef call, unsigned i, const struct location *p,
                            struct location *dst, int derefs) {
    argument_flows(a, f, call, i, dst, derefs + (p->memory && !in_memory(call, i)));
}

/* The least number of dereferences with which a callback keeps any of its arguments. */
static int callback_keeps(struct analysis *a, LLVMValueRef callback) {
    LLVMValueRef v = named_function(callback);
    struct function *f = v ? table_get(a->functions, v) : NULL;
    if (!f || !f->trusted || !f->done) return 0; /* whatever it is, it keeps its argument */
    int least = NO_FLOW;
    for (unsigned i = 0; i < f->nparams; i++)
        for (int k = 0; k < 2; k++) {
            int leak = k ? f->params[i]->leak_heap : f->params[i]->leak_loose;
            if (leak < least) least = leak;
        }
    return least;
}

static void known_argument(struct analysis *a, struct function *f, LLVMValueRef call, unsigned i, const char *word, int callback) {
    struct location *result = table_get(f->by_value, call);
    struct note note = {"call parameter", call};
    for (const char *p = word; *p && *p != ' '; p++) {
        unsigned to = isdigit((unsigned char)p[1]) ? (unsigned)(p[1] - '0') : 0;
        switch (*p) {
        case 'h': argument_flows(a, f, call, i, &a->heap, 0); break;
        case 'o': argument_flows(a, f, call, i, &a->loose, 0); break;
        case 'c': argument_flows(a, f, call, i, &a->heap, 1); break;
        case 'C': argument_flows(a, f, call, i, &a->heap, 2); break;
        case 'r':
            if (result) argument_flows(a, f, call, i, result, 0);
            break;
        case 'd':
            if (result) argument_flows(a, f, call, i, result, 1);
            break;
        case 's': store_value(a, f, LLVMGetArgOperand(call, to), LLVMGetArgOperand(call, i), 0, note); break;
        case 'm': store_value(a, f, LLVMGetArgOperand(call, to), LLVMGetArgOperand(call, i), 1, note); break;
        case 'p':
            if (callback != NO_FLOW) argument_flows(a, f, call, i, a->sink, callback);
            break;
        case 'f': {
            struct location *release = location_new(a, RELEASE, f, call);
            argument_flows(a, f, call, i, release, 0);
            break;
        }
        default: break;
        }
    }
}

static void known_call(struct analysis *a, struct function *f, LLVMValueRef call, const char *words) {
    unsigned n = (unsigned)LLVMGetNumArgOperands(call), i = 0;
    struct location *result = table_get(f->by_value, call);
    int callback = 0;
    if (result) flow_add(a, result, &a->outside, 0, (struct note){"call result", call});
    for (const char *p = words; p && i < n; p = strchr(p, ' '), p = p ? p + 1 : NULL, i++)
        if (*p == 'k') callback = callback_keeps(a, LLVMGetArgOperand(call, i));
    i = 0;
    for (const char *word = words; i < n; i++) {
        if (*word == '*') known_argument(a, f, call, i, word + 1, callback);
        else known_argument(a, f, call, i, word, callback);
        const char *next = strchr(word, ' ');
        if (next) word = next + 1;
    }
}

static bool fits(LLVMValueRef call, const struct function *callee) {
    return LLVMGetCalledFunctionType(call) == LLVMGlobalGetValueType(callee->value) &&
           (unsigned)LLVMGetNumArgOperands(call) >= callee->nparams;
}

/* By the summary, or inside a group by the callee's own locations. */
static void analysed_call(struct analysis *a, struct function *f, LLVMValueRef call, struct function *callee) {
    struct location *result = table_get(f->by_value, call);
    unsigned n = (unsigned)LLVMGetNumArgOperands(call);
    if (result && !callee->done && callee->result) flow_add(a, result, callee->result, 0, (struct note){"call result", call});
    for (unsigned i = 0; i < n; i++) {
        if (i >= callee->nparams) {
            argument_flows(a, f, call, i, a->sink, 0);
            continue;
        }
        struct location *p = callee->params[i];
        if (p->kind == RESULT) continue;
        if (!callee->done) {
            parameter_flows(a, f, call, i, p, p, 0);
            continue;
        }
        if (p->leak_heap != NO_FLOW)
            parameter_flows(a, f, call, i, p, &a->heap, p->leak_heap);
        if (p->leak_loose != NO_FLOW) parameter_flows(a, f, call, i, p, &a->loose, p->leak_loose);
        if (p->leak_result != NO_FLOW && result) parameter_flows(a, f, call, i, p, result, p->leak_result);
    }
}

static void unknown_call(struct analysis *a, struct function *f, LLVMValueRef call) {
    struct location *result = table_get(f->by_value, call);
    bool escapes = LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail;
    for (unsigned i = 0; i < (unsigned)LLVMGetNumArgOperands(call); i++) {
        if (argument_has(call, i, "sret")) continue;
        if (!escapes && !a->options->bitcode && argument_has(call, i, "nocapture")) { /* TRI_NOESCAPE, but it may be returned */
            if (result) argument_flows(a, f, call, i, result, 0);
            continue;
        }
        argument_flows(a, f, call, i, escapes ? &a->heap : a->sink, 0);
    }
    if (result) flow_add(a, result, &a->outside, 0, (struct note){"call result", call});
}

/* ---- intrinsics ---- */

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

static bool is_harmless(const char *name) {
    static const char *const harmless[] = {"llvm.lifetime.", "llvm.dbg.", "llvm.va_start", "llvm.va_end", "llvm.stack",
                                           "llvm.memset.", "llvm.assume", "llvm.prefetch", "llvm.trap", "llvm.debugtrap",
                                           "llvm.var.annotation", "llvm.donothing", "llvm.pseudoprobe", "llvm.clear_cache",
                                           "llvm.experimental.noalias", "llvm.invariant.", "llvm.eh.", "llvm.ubsantrap"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (starts(name, harmless[i])) return true;
    return false;
}

static void intrinsic_call(struct analysis *a, struct function *f, LLVMValueRef call, const char *name) {
    unsigned n = (unsigned)LLVMGetNumArgOperands(call);
    if (starts(name, "llvm.memcpy.") || starts(name, "llvm.memmove.")) {
        store_value(a, f, LLVMGetArgOperand(call, 0), LLVMGetArgOperand(call, 1), 1, (struct note){"copy", call});
    } else if (starts(name, "llvm.va_copy")) {
        store_value(a, f, LLVMGetArgOperand(call, 0), LLVMGetArgOperand(call, 1), 1, (struct note){"copy", call});
    } else if (!is_harmless(name)) {
        struct location *result = table_get(f->by_value, call);
        bool gives_nothing = LLVMGetTypeKind(LLVMTypeOf(call)) == LLVMVoidTypeKind; /* a store of some kind */
        for (unsigned i = 0; i < n; i++)
            if (gives_nothing) argument_flows(a, f, call, i, &a->heap, 0);
            else argument_flows(a, f, call, i, result, starts(name, "llvm.masked.load") || starts(name, "llvm.masked.gather") ? 1 : 0);
    }
}

/* ---- assembly ---- */

/* An empty template (a barrier for the compiler, tri_keep_alive) only makes outputs of inputs. A real one may keep any
 * value it is given, and what a memory operand holds; a memory operand's own address it does not get to keep. */
static void assembly(struct analysis *a, struct function *f, LLVMValueRef call) {
    size_t length = 0, at = 0;
    LLVMValueRef code = LLVMGetCalledValue(call);
    const char *text = LLVMGetInlineAsmAsmString(code, &length);
    while (at < length && isspace((unsigned char)text[at])) at++;
    bool empty = at == length;
    struct location *result = table_get(f->by_value, call);
    for (unsigned i = 0; i < (unsigned)LLVMGetNumArgOperands(call); i++) {
        bool memory = LLVMGetCallSiteEnumAttribute(call, i + 1, LLVMGetEnumAttributeKindForName("elementtype", 11));
        if (!empty) argument_flows(a, f, call, i, &a->heap, memory ? 1 : 0);
        if (result) argument_flows(a, f, call, i, result, memory ? 1 : 0);
    }
    if (result && !empty) flow_add(a, result, &a->outside, 0, (struct note){"assembly", call});
}

/* ---- all calls ---- */

enum { LARGEST_ALLOCATION = 64 << 10, UNMODIFIED_LARGEST = 1 << 10 };

static const char *allocation_refusal(const struct analysis *a, const struct function *f, const struct location *l) {
    if (l->allocator->how == VARIES) return "always on the heap";
    if (!l->size) return "non-constant size";
    if (l->size > (a->options->managed_malloc ? UNMODIFIED_LARGEST : LARGEST_ALLOCATION)) return "too large for stack";
    if (l->align > 4096) return "too aligned for stack";
    if (f->returns_twice) return "function calls setjmp";
    if (!LLVMIsACallInst(l->value)) return "call may throw";
    return NULL;
}

void call_announce(struct analysis *a, struct function *f, LLVMValueRef call) {
    size_t length;
    LLVMValueRef function = named_function(LLVMGetCalledValue(call));
    if (is_returning_twice(call)) f->returns_twice = true;
    const struct allocator *how = function && LLVMCountParams(function) == (unsigned)LLVMGetNumArgOperands(call)
                                      ? allocator_find(LLVMGetValueName2(function, &length)) : NULL;
    if (!how || LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMPointerTypeKind) return;
    struct location *l = location_new(a, ALLOCATION, f, call);
    table_put(f->by_value, a->pool, call, l);
    l->allocator = how;
    l->birth = cfg_block_of(f->cfg, call);
    l->size = allocator_size(a, how, call, &l->align);
}

/* Once all calls are announced. */
void allocations_refuse(struct analysis *a, struct function *f) {
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *l = f->locals[i];
        if (l->kind != ALLOCATION) continue;
        l->refusal = allocation_refusal(a, f, l);
        l->escapes = l->refusal != NULL;
    }
}

/* A struct returned in memory: what flows into the result is stored where the argument points. */
static void returned_in_memory(struct analysis *a, struct function *f, LLVMValueRef call, unsigned i, struct function *callee) {
    struct location *result = temporary_of(a, f, call);
    if (!callee) flow_add(a, result, &a->outside, 0, (struct note){"call result", call});
    else if (!callee->done) flow_add(a, result, callee->result, 0, (struct note){"call result", call});
    for (unsigned k = 0; callee && callee->done && k < callee->nparams; k++)
        if (callee->params[k]->kind == PARAMETER && callee->params[k]->leak_result != NO_FLOW)
            parameter_flows(a, f, call, k, callee->params[k], result, callee->params[k]->leak_result);
    store_flows(a, f, LLVMGetArgOperand(call, i), result, 0, (struct note){"assign", call});
}

static void function_call(struct analysis *a, struct function *f, LLVMValueRef call, LLVMValueRef function) {
    struct function *callee = function ? table_get(a->functions, function) : NULL;
    const char *words = function ? known_words(a, function, f->value) : NULL;
    bool must_tail = LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail;
    if (callee && (must_tail || words || !callee->trusted || !callee->by_value || !fits(call, callee))) callee = NULL;
    if (words && !must_tail) known_call(a, f, call, words);
    else if (callee) analysed_call(a, f, call, callee);
    else unknown_call(a, f, call);
    for (unsigned i = 0; i < (unsigned)LLVMGetNumArgOperands(call); i++)
        if (argument_has(call, i, "sret")) returned_in_memory(a, f, call, i, callee);
}

void call_flows(struct analysis *a, struct function *f, LLVMValueRef call) {
    size_t length;
    if (LLVMIsADbgInfoIntrinsic(call)) return;
    struct location *l = table_get(f->by_value, call);
    if (l && l->kind == ALLOCATION) return;
    if (LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind) temporary_of(a, f, call);
    LLVMValueRef called = LLVMGetCalledValue(call), function = named_function(called);
    if (LLVMIsAInlineAsm(called)) assembly(a, f, call);
    else if (function && LLVMGetIntrinsicID(function)) intrinsic_call(a, f, call, LLVMGetValueName2(function, &length));
    else function_call(a, f, call, function);
}
