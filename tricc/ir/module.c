/* module.c - opening and closing a module of bitcode: see ir.h. */
#include "ir.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>

void tricc_ir_adopt(LLVMModuleRef module) { LLVMSetIsNewDbgInfoFormat(module, false); }

LLVMModuleRef tricc_ir_open(LLVMContextRef context, const char *path, char **error) {
    LLVMMemoryBufferRef buffer;
    LLVMModuleRef module = NULL;
    *error = NULL;
    if (LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, error)) return NULL;
    if (LLVMParseBitcodeInContext2(context, buffer, &module)) *error = strdup("not bitcode of this version of LLVM");
    LLVMDisposeMemoryBuffer(buffer);
    if (*error) return NULL;
    tricc_ir_adopt(module);
    return module;
}

/* Functions of the prelude that nobody calls, and declarations it brought that nothing needs. */
static void drop_unused(LLVMModuleRef module) {
    for (bool again = true; again;) {
        again = false;
        for (LLVMValueRef f = LLVMGetFirstFunction(module), next; f; f = next) {
            next = LLVMGetNextFunction(f);
            if (LLVMGetFirstUse(f) || !tricc_ir_is_ours(f)) continue;
            bool idle = LLVMIsDeclaration(f) || LLVMGetLinkage(f) == LLVMInternalLinkage;
            if (!idle) continue;
            LLVMDeleteFunction(f);
            again = true;
        }
    }
}

/* Takes a twentieth of the time of a compilation without optimisation; the tests ask for it. */
static bool verify(LLVMModuleRef module, struct tricc_diag *d) {
    char *message = NULL;
    if (!getenv(TRICC_VERIFY_ENVIRONMENT)) return true;
    bool broken = LLVMVerifyModule(module, LLVMReturnStatusAction, &message);
    if (broken) tricc_diag_error(d, (struct tricc_loc){0}, "internal error: the module is broken: %s", message);
    LLVMDisposeMessage(message);
    return !broken;
}

bool tricc_ir_finish(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d) {
    drop_unused(module);
    if (!o->keep_debug) LLVMStripModuleDebugInfo(module);
    LLVMSetIsNewDbgInfoFormat(module, true);
    return verify(module, d);
}

bool tricc_ir_write(LLVMModuleRef module, const char *path, struct tricc_diag *d) {
    if (!LLVMWriteBitcodeToFile(module, path)) return true;
    tricc_diag_error(d, (struct tricc_loc){0}, "cannot write '%s'", path);
    return false;
}
