/* barrier.h - stores of pointers become barriered stores.
 *
 * What a plain program owes the collector (docs/design/barrier.md): while it marks, a pointer stored into a heap object is
 * shaded. Stacks, registers, globals and thread-locals are looked at again before marking ends. That gives two ways to make
 * a store right, and both are used:
 *
 *   store   the header's restartable sequence: test, shade old and new or store. For single pointers, which is most of it.
 *   shade   the operation as it is, and behind it a test: while marking, what was stored is shaded. Right as long as the value,
 *           or the place it was copied from, stays intact in a register, on the stack or in the heap until the
 *           test: the collector finds it there whenever it looks before. For copies, which LLVM still understands as copies then,
 *           for atomic operations, vectors and assembly.
 *
 * The second does not shade what is overwritten. A plain program does not need that: it keeps the last stop short,
 * and copies are few beside stores.
 *
 * Copies are told apart by what the destination is at run time (tri__copied looks at the heap's layout), never by
 * types: a struct copy has none at -O0, memcpy of a pointer at no level.
 *
 *   place.c    where a store goes: stack, global, fresh memory, or perhaps the heap
 *   value.c    whether what is stored may be a pointer
 *   store.c    store, atomicrmw, cmpxchg
 *   copy.c     memcpy and kin, and the library's functions that move or keep pointers
 *   local.c    copies of a local to the heap
 *   pointer.c  such functions whose address is taken
 *   early.c    functions that run before the program, which need none
 *   asm.c      inline assembly
 */
#ifndef TRICC_BARRIER_H
#define TRICC_BARRIER_H

#include "../tricc.h"

bool tricc_barrier_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

/* ---- between the parts ---- */

struct barrier {
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function; /* at work on */
    const struct tricc_options *options;
    struct tricc_diag *diag;
    struct tricc_stats *stats;
    LLVMTypeRef ptr, i64, i8;
    bool failed;
};

enum place {
    PLACE_STACK,  /* a local, whatever way the pointer took */
    PLACE_FRESH,  /* memory allocated in this function: it holds null, or what was shaded when it was stored */
    PLACE_GLOBAL, /* a root */
    PLACE_HEAP    /* perhaps */
};
enum place tricc_place(LLVMValueRef pointer);

enum content {
    CONTENT_NONE,     /* no pointer */
    CONTENT_CONSTANT, /* null, or the address of something that is not collected */
    CONTENT_POINTER   /* perhaps */
};
enum content tricc_content(LLVMValueRef value);

/* Whether a value of the type has room for an aligned pointer. */
bool tricc_type_holds_pointers(LLVMTypeRef type);

/* Whether what is copied from a local are numbers, by its type. */
bool tricc_are_numbers(struct barrier *, LLVMValueRef from, LLVMValueRef bytes);
/* Shades what a memcpy copies from a small local, word by word: see local.c. False: it is none. */
bool tricc_barrier_copy_local(struct barrier *, LLVMValueRef memcpy);

/* Whether the function runs before the program does: see early.c. */
bool tricc_runs_early(LLVMModuleRef, LLVMValueRef function);

/* Each deals with an instruction of its kind; it may erase it. */
void tricc_barrier_store(struct barrier *, LLVMValueRef store);
void tricc_barrier_rmw(struct barrier *, LLVMValueRef rmw);
void tricc_barrier_cmpxchg(struct barrier *, LLVMValueRef cmpxchg);
void tricc_barrier_call(struct barrier *, LLVMValueRef call);
void tricc_barrier_asm(struct barrier *, LLVMValueRef call);
/* The addresses of functions that have a form with barriers. */
void tricc_barrier_addresses(struct barrier *);
/* Name of that form in the prelude; NULL: there is none. */
const char *tricc_replacement(LLVMValueRef function);
/* Before anything else: room for barriers behind an asm goto. */
void tricc_barrier_split_jump(struct barrier *, LLVMValueRef callbr);

void tricc_count(struct barrier *, enum tricc_stat);

/* Calls of the prelude, placed at the builder's position, near `near`. */
LLVMValueRef tricc_emit(struct barrier *, const char *name, LLVMValueRef *args, unsigned n, LLVMValueRef near);
/* Behind the instruction (or invoke: at the start of where it goes on). */
void tricc_position_behind(struct barrier *, LLVMValueRef instruction);
/* Shades `value`, which has just been stored to `slot`: of pointer or i64 type by itself, else by its words. */
void tricc_emit_stored(struct barrier *, LLVMValueRef slot, LLVMValueRef value, LLVMValueRef near);

#endif
