/* types.h - layouts for tri_new(T) and friends, from the compiler's knowledge of T.
 *
 * Under tricc the header's tri_type_of(T) leaves its tri_type inside a struct that has, beside it, an array of no
 * elements of type T*. It takes no room, but the debug information of the variable now says what T is, down to each member; the pass
 * reads it there and fills in which words may hold pointers. At run time an explicit TRI_TYPE of the same name still wins, since
 * the library looks for one first.
 *
 * What may hold a pointer: pointers, integers of eight bytes and more, bit-fields in such words, and every word of a
 * union that has such a member. What may not: smaller integers, floating types, arrays of those. Pointers at places that are no
 * multiple of eight (packed structs) are not seen by the collector, and warned about.
 *
 * Under -fmanaged-malloc the same is done for calls of malloc and calloc whose result is plainly a struct T: see mallocs.c, which also
 * says why T's layout is then a more careful one.
 */
#ifndef TRICC_TYPES_H
#define TRICC_TYPES_H

#include "../tricc.h"

struct tricc_layout;

bool tricc_types_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

/* ---- mallocs.c ---- */

void tricc_mallocs_run(LLVMModuleRef, const struct tricc_options *, struct tricc_diag *, struct tricc_stats *);

/* ---- types.c ---- */

/* A constant array of the stretches of words that may hold pointers, as struct tri_type wants them; NULL: out of memory. */
LLVMValueRef tricc_make_fields(LLVMModuleRef, const struct tricc_layout *, unsigned *nfields);

/* ---- layout.c ---- */

/* How far a type is believed. */
enum tricc_belief {
    TRICC_DECLARED, /* the program says: objects of this type */
    TRICC_GUESSED   /* memory that is most likely one: see mallocs.c */
};

struct tricc_layout {
    uint64_t words;   /* of the type, whole ones */
    uint64_t *mask;   /* bit i: word i may hold a pointer; to be freed */
    bool unaligned;   /* a pointer somewhere else than in a word */
    bool unknown;     /* the debug information does not say; every word may */
    bool open;        /* has an array of no or one element, which programs make longer than it says */
};

/* Layout of a DIType. */
void tricc_layout_of(LLVMContextRef, LLVMMetadataRef type, enum tricc_belief, struct tricc_layout *);

/* The type behind typedefs and qualifiers; NULL for void. */
LLVMMetadataRef tricc_plain_type(LLVMContextRef, LLVMMetadataRef type);

/* Operand of a metadata node; NULL when there is none. */
LLVMMetadataRef tricc_md_operand(LLVMContextRef, LLVMMetadataRef node, unsigned i);

#endif
