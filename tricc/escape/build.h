/* build.h - from LLVM's instructions to locations and flows. */
#ifndef ESCAPE_BUILD_H
#define ESCAPE_BUILD_H

#include "graph.h"

/* Where a value goes: dst, with so many dereferences on the way (-1: its address). */
struct hole {
    struct location *dst;
    int derefs;
    struct note note;
};

/* The locations of a function, and of its group's: before any of the group is built. */
void build_frame(struct analysis *, struct function *);
/* The flows of its code. */
void build_function(struct analysis *, struct function *);

/* The value flows into the hole. */
void value_flows(struct analysis *, struct function *, struct hole, LLVMValueRef value);
/* What flows from `src` with so many dereferences is stored where `address` points. */
void store_flows(struct analysis *, struct function *, LLVMValueRef address, struct location *src, int derefs, struct note);
/* The same for a value. */
void store_value(struct analysis *, struct function *, LLVMValueRef address, LLVMValueRef value, int derefs, struct note);
/* A call, an invoke, or assembly (calls.c). */
void call_flows(struct analysis *, struct function *, LLVMValueRef call);
/* Before any flow: the call's location if it allocates, and whether it may return twice. */
void call_announce(struct analysis *, struct function *, LLVMValueRef call);
void allocations_refuse(struct analysis *, struct function *);
/* The location of a call's result, or of another value that needs one. */
struct location *temporary_of(struct analysis *, struct function *, LLVMValueRef value);

/* Name of an attribute of the parameter (from 0) of a call or, when it has none, of the function it names. */
bool argument_has(LLVMValueRef call, unsigned i, const char *attribute);

/* Whether what follows the call may run again without a loop. */
bool is_returning_twice(LLVMValueRef call);

/* The function a call names, whatever its type says; NULL. */
struct function *callee_of(struct analysis *, LLVMValueRef call);

#endif
