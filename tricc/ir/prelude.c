/* prelude.c - linking the prelude in, and calls: see ir.h and prelude/prelude.c. */
#include "ir.h"

#include <llvm-c/DebugInfo.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "tri__tricc_"

bool tricc_ir_is_ours(LLVMValueRef function) {
    size_t length;
    return strncmp(LLVMGetValueName2(function, &length), "tri__", 5) == 0;
}

/* Attributes that tie a function to the processor and the options the prelude was compiled with. Without them it takes
 * those of the module it is linked into, and can be inlined everywhere. */
static void forget_compilation(LLVMValueRef function) {
    static const char *const names[] = {"target-cpu", "target-features", "tune-cpu", "frame-pointer", "stack-protector-buffer-size",
                                        "min-legal-vector-width", "no-trapping-math"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        LLVMRemoveStringAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, names[i], (unsigned)strlen(names[i]));
}

/* Without optimisation code is called, not inlined: there it would be most of what is compiled. */
static void set_inlining(LLVMValueRef function, const struct tricc_options *o) {
    unsigned always = LLVMGetEnumAttributeKindForName("alwaysinline", 12), never = LLVMGetEnumAttributeKindForName("noinline", 8);
    LLVMAttributeIndex index = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    if (o->opt_level || !LLVMGetEnumAttributeAtIndex(function, index, always)) return;
    LLVMRemoveEnumAttributeAtIndex(function, index, always);
    LLVMAddAttributeAtIndex(function, index, LLVMCreateEnumAttribute(LLVMGetTypeContext(LLVMTypeOf(function)), never, 0));
}

static LLVMModuleRef parse_prelude(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d) {
    const char *triple = LLVMGetTarget(module);
    int arch = (int)strcspn(triple, "-");
    char *path = NULL, *error = NULL;
    if (asprintf(&path, "%s/prelude-%.*s.ll", o->prelude_dir, arch, triple) < 0) abort();
    LLVMMemoryBufferRef buffer;
    LLVMModuleRef prelude = NULL;
    if (LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, &error))
        tricc_diag_error(d, (struct tricc_loc){0}, "no prelude for the target '%s': %s: %s", triple, path, error);
    else if (LLVMParseIRInContext(LLVMGetModuleContext(module), buffer, &prelude, &error))
        tricc_diag_error(d, (struct tricc_loc){0}, "broken prelude %s: %s", path, error);
    if (error) LLVMDisposeMessage(error);
    free(path);
    return prelude;
}

static bool link_prelude(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d) {
    LLVMModuleRef prelude = parse_prelude(module, o, d);
    if (!prelude) return false;
    LLVMSetTarget(prelude, LLVMGetTarget(module));
    LLVMSetDataLayout(prelude, LLVMGetDataLayoutStr(module));
    LLVMSetIsNewDbgInfoFormat(prelude, false);
    TRICC_EACH_FUNCTION(f, prelude) forget_compilation(f);
    if (LLVMLinkModules2(module, prelude)) {
        tricc_diag_error(d, (struct tricc_loc){0}, "internal error: the prelude does not link");
        return false;
    }
    TRICC_EACH_FUNCTION(f, module) {
        size_t length;
        if (strncmp(LLVMGetValueName2(f, &length), PREFIX, strlen(PREFIX)) || LLVMIsDeclaration(f)) continue;
        LLVMSetVisibility(f, LLVMDefaultVisibility);
        LLVMSetLinkage(f, LLVMInternalLinkage);
        set_inlining(f, o);
    }
    return true;
}

LLVMValueRef tricc_ir_prelude(LLVMModuleRef module, const char *name, const struct tricc_options *o, struct tricc_diag *d) {
    char full[128];
    snprintf(full, sizeof full, PREFIX "%s", name);
    LLVMValueRef f = LLVMGetNamedFunction(module, full);
    if (!f && !link_prelude(module, o, d)) return NULL;
    if (!f) f = LLVMGetNamedFunction(module, full);
    if (!f) tricc_diag_error(d, (struct tricc_loc){0}, "internal error: the prelude has no %s", full);
    return f;
}

/* A call that may be inlined needs a place when its caller has debug information. */
static LLVMMetadataRef place_near(LLVMValueRef near) {
    LLVMMetadataRef at = near ? LLVMInstructionGetDebugLoc(near) : NULL;
    if (at || !near) return at;
    LLVMMetadataRef scope = LLVMGetSubprogram(LLVMGetBasicBlockParent(LLVMGetInstructionParent(near)));
    LLVMContextRef context = LLVMGetTypeContext(LLVMTypeOf(near));
    return scope ? LLVMDIBuilderCreateDebugLocation(context, 0, 0, scope, NULL) : NULL;
}

LLVMValueRef tricc_ir_call(LLVMBuilderRef builder, LLVMValueRef function, LLVMValueRef *args, unsigned nargs,
                           LLVMValueRef near) {
    LLVMValueRef call = LLVMBuildCall2(builder, LLVMGlobalGetValueType(function), function, args, nargs, "");
    LLVMMetadataRef at = place_near(near);
    if (at) LLVMInstructionSetDebugLoc(call, at);
    return call;
}
