/* passes.c - the passes in their order, and the two ways in: see passes.h.
 *
 * A module that has been through the passes carries a module flag and is not given to them again (-save-temps, -flto).
 */
#include "passes.h"
#include "options.h"
#include "../barrier/barrier.h"
#include "../escape/escape.h"
#include "../ir/ir.h"
#include "../managed/managed.h"
#include "../types/types.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT    __attribute__((visibility("default")))
#define DONE_FLAG "tricc"

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

/* An ELF note says to the linker that the object's stores have barriers: name "tricolor", type 1, one word, 1. */
static void mark_module(LLVMModuleRef module) {
    static const char note[] = ".pushsection .note.tricolor,\"\",%note\n.balign 4\n.long 9, 4, 1\n"
                               ".asciz \"tricolor\"\n.balign 4\n.long 1\n.popsection\n";
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMValueRef one = LLVMConstInt(LLVMInt32TypeInContext(context), 1, false);
    LLVMAddModuleFlag(module, LLVMModuleFlagBehaviorOverride, DONE_FLAG, strlen(DONE_FLAG), LLVMValueAsMetadata(one));
    LLVMAppendModuleInlineAsm(module, note, sizeof note - 1);
}

static bool is_done(LLVMModuleRef module) { return LLVMGetModuleFlag(module, DONE_FLAG, strlen(DONE_FLAG)) != NULL; }

static bool target_is_known(LLVMModuleRef module, struct tricc_diag *d) {
    const char *triple = LLVMGetTarget(module);
    if ((starts(triple, "x86_64-") || starts(triple, "aarch64-")) && strstr(triple, "linux") && !strstr(triple, "gnux32")) return true;
    tricc_diag_error(d, (struct tricc_loc){0}, "tricolor does not run on '%s': only Linux on x86-64 and aarch64", triple);
    return false;
}

/* Locals on a second stack, or in segments, are where no scan looks. */
static bool stack_is_seen(LLVMModuleRef module, struct tricc_diag *d) {
    static const LLVMAttributeIndex index = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    unsigned safe = LLVMGetEnumAttributeKindForName("safestack", 9);
    TRICC_EACH_FUNCTION(f, module) {
        const char *option = LLVMGetEnumAttributeAtIndex(f, index, safe)                    ? "-fsanitize=safe-stack"
                             : LLVMGetStringAttributeAtIndex(f, index, "split-stack", 11) ? "-fsplit-stack"
                                                                                            : NULL;
        if (!option) continue;
        tricc_diag_error(d, (struct tricc_loc){0}, "the collector does not see the stack of '%s'", option);
        return false;
    }
    return true;
}

static bool run_all(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    if (is_done(module)) return true;
    if (!target_is_known(module, d) || !stack_is_seen(module, d)) return false;
    if (o->managed_malloc && !tricc_managed_run(module, o, d, s)) return false;
    if (!tricc_escape_run(module, o, d, s) || !tricc_types_run(module, o, d, s) || !tricc_barrier_run(module, o, d, s))
        return false;
    mark_module(module);
    return true;
}

/* ---- a file ---- */

EXPORT bool tricc_passes_run_file(const char *source, const char *in, const char *out, const struct tricc_options *o) {
    LLVMContextRef context = LLVMContextCreate();
    struct tricc_diag *d = tricc_diag_new();
    struct tricc_stats *s = tricc_stats_new();
    char *error;
    LLVMModuleRef module = tricc_ir_open(context, in, &error);
    bool good = module != NULL;
    if (!good) {
        tricc_diag_error(d, (struct tricc_loc){.file = source}, "%s", error);
        LLVMDisposeMessage(error);
    }
    good = good && run_all(module, o, d, s) && tricc_ir_finish(module, o, d) && tricc_ir_write(module, out, d);
    good &= tricc_diag_flush(d, o);
    if (good) tricc_stats_print(s, o, source);
    if (module) LLVMDisposeModule(module);
    tricc_stats_delete(s);
    tricc_diag_delete(d);
    LLVMContextDispose(context);
    return good;
}

EXPORT int tricc_passes_done(const char *path) {
    LLVMContextRef context = LLVMContextCreate();
    char *error;
    LLVMModuleRef m = tricc_ir_open(context, path, &error);
    int done = m ? is_done(m) : -1;
    if (m) LLVMDisposeModule(m);
    else LLVMDisposeMessage(error);
    LLVMContextDispose(context);
    return done;
}

/* ---- clang's module ---- */

bool tricc_passes_run_module(LLVMModuleRef module, unsigned opt_level, bool *keep_debug) {
    struct tricc_options o = {0};
    struct tricc_diag *d = tricc_diag_new();
    struct tricc_stats *s = tricc_stats_new();
    size_t length;
    const char *said = getenv(TRICC_PASSES_ENVIRONMENT);
    if (!said || !options_read(&o, said)) tricc_diag_error(d, (struct tricc_loc){0}, "passes.so is for clang when tricc starts it");
    o.opt_level = opt_level;
    *keep_debug = o.keep_debug;
    tricc_ir_adopt(module);
    bool good = said && run_all(module, &o, d, s) && tricc_ir_finish(module, &o, d);
    good &= tricc_diag_flush(d, &o);
    if (good) tricc_stats_print(s, &o, LLVMGetModuleIdentifier(module, &length));
    tricc_stats_delete(s);
    tricc_diag_delete(d);
    return good;
}
