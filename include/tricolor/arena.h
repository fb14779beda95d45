/* tricolor/arena.h - objects that are freed together, as Go's arenas.
 *
 *     tri_arena *a = tri_arena_new();
 *     struct node *n = tri_arena_make(a, struct node);
 *     ...
 *     tri_arena_free(a);
 *
 * Making an object costs a few instructions, freeing the arena a few calls of the system, whatever it holds; the memory
 * goes back to the system at once. Objects in an arena are heap objects otherwise: they may point to the heap, and keep
 * alive what they point to until the arena is freed; pointers into an arena keep all of it alive; pointers are stored
 * into its objects by tri_set. An arena that is not freed is collected when nothing points into it or to it any more.
 * They have no finalizers, cleanups or weak pointers, and tri_free leaves them alone.
 *
 * A read or write through a pointer into a freed arena ends the program with "accessed data from freed user arena 0x…"
 * and a trace. The addresses are used again only when the collector has found no pointer to them.
 *
 * One thread at a time may use an arena itself; its objects are like any others.
 */
#ifndef TRICOLOR_ARENA_H
#define TRICOLOR_ARENA_H

#include "type.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_arena tri_arena;

TRI_API tri_arena *tri_arena_new(void);

/* `T *tri_arena_make(arena, T)`: one zeroed object. */
#define tri_arena_make(arena, T)                                                                                \
    ((__typeof__(T) *)tri__arena_bump((arena), tri_type_of(T), (sizeof(T) + 7) & ~(size_t)7, __alignof__(T)))

/* `T *tri_arena_make_slice(arena, T, len, cap)`: zeroed room for cap elements, of which the program uses len. Ends the
 * program with a message when len is more than cap, or cap elements do not fit the address space. */
#define tri_arena_make_slice(arena, T, len, cap)                                                                \
    ((__typeof__(T) *)tri__arena_make_slice((arena), tri_type_of(T), (len), (cap)))

/* A copy on the heap of the object that `p` points to or into, at the same place in it: what it points to is not copied. A
 * pointer that is not into an arena comes back as it is. */
TRI_API void *tri_arena_clone(void *p);

/* Frees the arena with all that was made in it; NULL is ignored. Freeing twice ends the program with a message. */
TRI_API void tri_arena_free(tri_arena *arena);

TRI_API void *tri__arena_make(tri_arena *arena, const tri_type *type);
TRI_API void *tri__arena_make_slice(tri_arena *arena, const tri_type *type, size_t len, size_t cap);

/* An arena begins with two rows: objects that are scanned, leaves. */
struct tri__arena_row {
    char *at, *end;             /* the next object; the end of the room that is ready */
    size_t stretch;             /* bytes of each object since the size last changed */
    void *chunk;                /* from here on the library's */
    size_t chunk_bytes, window;
};

/* No barrier: `at` points into a chunk that the row holds anyway. */
TRI__INLINE void *tri__arena_bump(tri_arena *arena, const tri_type *type, size_t size, size_t align) {
    struct tri__arena_row *r = (struct tri__arena_row *)(void *)arena + (type->kind & TRI__KIND_LEAF);
    char *p = r->at;
    if (TRI__UNLIKELY(size != r->stretch || size > (size_t)(r->end - p) || type->kind >= TRI__KIND_SITE || align > 8))
        return tri__arena_make(arena, type);
    r->at = p + size;
    return p;
}

TRI__EXTERN_C_END
#endif
