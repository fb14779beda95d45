/* debug.c - places and variables from the debug information: see ir.h. */
#include "ir.h"

#include <limits.h>
#include <llvm-c/DebugInfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file's name from here: clang splits absolute names into a folder and a rest where they share a beginning with the folder it
 * runs in. Joined names live to the end of the program; there are few. */
static const char *name_of_file(const char *folder, const char *name) {
    static struct joined {
        struct joined *next;
        const char *folder, *name;
        char *both;
    } *all;
    static char here[PATH_MAX];
    if (!folder || !name || !*folder || *name == '/') return name;
    if (!*here && !getcwd(here, sizeof here)) return name;
    if (strcmp(folder, here) == 0) return name;
    for (struct joined *j = all; j; j = j->next)
        if (strcmp(j->folder, folder) == 0 && strcmp(j->name, name) == 0) return j->both;
    struct joined *j = malloc(sizeof *j);
    if (!j || asprintf(&j->both, "%s/%s", folder, name) < 0) return name;
    j->folder = strdup(folder);
    j->name = strdup(name);
    if (!j->folder || !j->name) return name;
    j->next = all;
    all = j;
    return j->both;
}

static struct tricc_loc loc_of_function(LLVMValueRef function) {
    struct tricc_loc at = {0};
    unsigned length;
    if (!LLVMGetSubprogram(function)) return at;
    at.file = name_of_file(LLVMGetDebugLocDirectory(function, &length), LLVMGetDebugLocFilename(function, &length));
    at.line = LLVMGetDebugLocLine(function);
    return at;
}

struct tricc_loc tricc_ir_loc(LLVMValueRef instruction) {
    unsigned length;
    if (!LLVMInstructionGetDebugLoc(instruction))
        return loc_of_function(LLVMGetBasicBlockParent(LLVMGetInstructionParent(instruction)));
    const char *file = name_of_file(LLVMGetDebugLocDirectory(instruction, &length), LLVMGetDebugLocFilename(instruction, &length));
    return (struct tricc_loc){file, LLVMGetDebugLocLine(instruction), LLVMGetDebugLocColumn(instruction)};
}

bool tricc_ir_inlined(LLVMValueRef instruction) {
    LLVMMetadataRef at = LLVMInstructionGetDebugLoc(instruction);
    return at && LLVMDILocationGetInlinedAt(at);
}

struct tricc_loc tricc_ir_call_loc(LLVMValueRef instruction) {
    unsigned length;
    if (!tricc_ir_inlined(instruction)) return tricc_ir_loc(instruction);
    LLVMMetadataRef at = LLVMInstructionGetDebugLoc(instruction), call;
    while ((call = LLVMDILocationGetInlinedAt(at))) at = call;
    LLVMMetadataRef file = LLVMDIScopeGetFile(LLVMDILocationGetScope(at));
    const char *name = file ? name_of_file(LLVMDIFileGetDirectory(file, &length), LLVMDIFileGetFilename(file, &length)) : NULL;
    return (struct tricc_loc){name, LLVMDILocationGetLine(at), LLVMDILocationGetColumn(at)};
}

static LLVMValueRef node_operand(LLVMValueRef node, unsigned i) {
    unsigned n = (unsigned)LLVMGetMDNodeNumOperands(node);
    if (i >= n) return NULL;
    LLVMValueRef operands[n];
    LLVMGetMDNodeOperands(node, operands);
    return operands[i];
}

/* The value wrapped in the metadata operand of a debug intrinsic; NULL when it is gone or a list. */
static LLVMValueRef wrapped_value(LLVMValueRef operand) {
    LLVMMetadataRef m = LLVMValueAsMetadata(operand);
    if (LLVMGetMetadataKind(m) != LLVMLocalAsMetadataMetadataKind) return NULL;
    return node_operand(operand, 0);
}

bool tricc_ir_var(LLVMValueRef instruction, struct tricc_var *var) {
    if (!LLVMIsADbgDeclareInst(instruction)) return false;
    LLVMValueRef storage = wrapped_value(LLVMGetOperand(instruction, 0));
    LLVMValueRef node = LLVMGetOperand(instruction, 1);
    if (!storage || !node) return false;
    LLVMMetadataRef m = LLVMValueAsMetadata(node);
    if (LLVMGetMetadataKind(m) != LLVMDILocalVariableMetadataKind) return false;
    LLVMValueRef name = node_operand(node, 1);
    unsigned length = 0;
    const char *text = name ? LLVMGetMDString(name, &length) : NULL;
    *var = (struct tricc_var){.storage = storage, .declare = instruction, .node = m, .name = text ? text : ""};
    var->at = tricc_ir_loc(instruction);
    return true;
}
