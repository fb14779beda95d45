/* tricolor/alloc.h - allocation.
 *
 * All memory comes zeroed. None of these functions returns NULL: when memory is exhausted the handler set by
 * tri_set_oom_handler is called, a full collection is tried, and then the program ends with
 * "fatal error: out of memory". They may be called from any thread and from signal handlers.
 */
#ifndef TRICOLOR_ALLOC_H
#define TRICOLOR_ALLOC_H

#include "type.h"

TRI__EXTERN_C_BEGIN

/* `T *tri_new(T)`: one zeroed object of exactly T's size. */
#define tri_new(T) ((__typeof__(T) *)tri__new(tri_type_of(T), TRI__EXACT(sizeof(T))))

/* `T *tri_new_array(T, n)`: n zeroed objects side by side; a pointer just past the last keeps the array alive.
 * Ends the program with a message when n * sizeof(T) does not fit the address space. */
#define tri_new_array(T, n) ((__typeof__(T) *)tri__alloc_array(tri_type_of(T), (n)))

/* `T *tri_new_flex(T, field, n)`: a struct T whose last member `field` is a flexible array, with n elements in it.
 * Elements that are pointers, or big enough to hold one and not floating, are scanned; others are not. */
#define tri_new_flex(T, field, n)                                                                               \
    ((__typeof__(T) *)tri__alloc_flex(tri_type_of(T), __builtin_offsetof(T, field), sizeof(((T *)0)->field[0]), \
                                      (n), TRI__CLASSIFY(((T *)0)->field[0])))

TRI__INLINE void *tri__new(const tri_type *type, size_t exact) {
    void *object = tri__bump(type->slot, exact);
    return object ? object : tri__alloc_slow(type, exact);
}

/* n objects of the type side by side: what the macros call. n == 1 gives a single exact object. */
TRI_API void *tri_alloc_type(const tri_type *type, size_t n);
TRI_API void *tri__alloc_array(const tri_type *type, size_t n);
TRI_API void *tri__alloc_flex(const tri_type *type, size_t head, size_t elem, size_t n, int tail_kind);

/* `size` zeroed bytes, 16-byte aligned, scanned conservatively: any aligned word in it may be a pointer.
 * The block has at least one spare byte, so a pointer just past its end keeps it alive. */
TRI_API void *tri_alloc(size_t size) __attribute__((alloc_size(1)));

/* `size` zeroed bytes, 16-byte aligned (8-byte below 8 bytes), never scanned. */
TRI_API void *tri_alloc_leaf(size_t size) __attribute__((alloc_size(1)));

/* As tri_alloc, at a multiple of `align`: a power of two. */
TRI_API void *tri_alloc_aligned(size_t align, size_t size) __attribute__((alloc_size(2)));

/* As tri_alloc, for n * size bytes; ends the program with a message when the product overflows. */
TRI_API void *tri_alloc_array(size_t n, size_t size) __attribute__((alloc_size(1, 2)));

/* As tri_alloc, but never collected until tri_free: a root of its own. */
TRI_API void *tri_alloc_root(size_t size) __attribute__((alloc_size(1)));

/* A leaf copy of the string. */
TRI_API char *tri_strdup(const char *string);

/* Moves a block made by tri_alloc, tri_alloc_leaf or tri_new_array to one of `size` bytes, scanned as it was; bytes
 * beyond the old size are zero. NULL allocates as tri_alloc; size 0 gives an empty block. The old block is not
 * freed but left to the collector, so other pointers to it stay good; growth in place returns the block itself. */
TRI_API void *tri_realloc(void *block, size_t size);

/* Makes sure that this thread's next n objects of the type need no call to the system, and touches their pages. */
TRI_API void tri_prealloc(const tri_type *type, size_t n);

/* How a file is mapped. */
enum {
    TRI_MAP_READ = 0,  /* for reading */
    TRI_MAP_COPY = 1,  /* may be written; what is written is the program's alone, and gone with the object */
    TRI_MAP_SHARED = 2 /* may be written, and so is the file */
};

/* The file's contents as a leaf object: never scanned, and unmapped when unreachable (or by tri_free). `*len` is set to
 * its size in bytes; an empty file gives an object of 0 bytes. There is at least one byte more than the file has, which reads
 * zero (for an empty file too), so that a text file may be read as a string. NULL with errno set when it cannot be mapped:
 * what open(2) or mmap(2) say, EISDIR for a directory, ENODEV for what else is no regular file, EINVAL for unknown flags.
 * Who touches a page that the file has lost since ends the program with "accessed a mapped file beyond its end". */
TRI_API void *tri_map_file(const char *path, size_t *len, int flags);

/* Gives an object back at once. Optional, for an object known dead; NULL is ignored. A pointer that is not the start
 * of a live object ends the program with a message. */
TRI_API void tri_free(void *object);

/* Bytes usable at `object` up to the end of its block; 0 for NULL and pointers outside the heap. */
TRI_API size_t tri_size(const void *object);

/* Start of the live object that `pointer` points to or into, or NULL. */
TRI_API void *tri_base(const void *pointer);

/* Whether the pointer lies in the collected heap's live objects. */
TRI_API bool tri_is_heap(const void *pointer);

/* Called with the bytes wanted before the program ends for lack of memory; it may release memory, by dropping pointers too: the
 * heap is collected, and the allocation tried once more. It must not allocate from the collected heap. On a goroutine it may wait,
 * but its thread waits with it. NULL removes it. */
TRI_API void tri_set_oom_handler(void (*handler)(size_t wanted));

/* A pointer as an integer that no scan takes for a pointer, and back. */
TRI__INLINE uintptr_t tri_hide(const void *pointer) { return ~(uintptr_t)pointer; }
TRI__INLINE void *tri_reveal(uintptr_t hidden) { return (void *)~hidden; }

TRI__EXTERN_C_END
#endif
