/* variables.h - variables of the source, by the debug information. */
#ifndef ESCAPE_VARIABLES_H
#define ESCAPE_VARIABLES_H

#include "graph.h"

struct variable {
    const char *name;
    struct tricc_loc at;
    LLVMMetadataRef node;
    bool parameter;
};

/* Notes the variables of all functions: storage → struct variable. */
void variables_find(struct analysis *);

/* Bytes, by its type; 0 when that does not say. */
uint64_t variable_size(struct analysis *, const struct variable *);

/* The debug information of `storage` says from now on that the variable lies where the pointer in `slot` points. */
void variables_move(struct analysis *, LLVMValueRef storage, LLVMValueRef slot);

#endif
