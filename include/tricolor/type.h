/* tricolor/type.h - how the collector learns which words of a type hold pointers.
 *
 *     struct node { struct node *kid[2]; double weight; };
 *     TRI_TYPE(struct node, kid)
 *
 * declares it once a file, at file scope, after the type; `tri_new(struct node)` in that file then gives objects
 * of exactly sizeof(struct node) bytes, of which only `kid` is ever looked at. A declaration leaves a tri_type in
 * the section tri_types; a use leaves a small tri_type of its own, which the library joins to the declaration by
 * file and name when it is first used. A type with no declaration is scanned conservatively (any aligned word may be
 * a pointer), but for types too small to hold one and floating types: those are never scanned.
 * The declarations stand with or without a semicolon behind them.
 */
#ifndef TRICOLOR_TYPE_H
#define TRICOLOR_TYPE_H

#include "abi.h"
#include "map.h"

TRI__EXTERN_C_BEGIN

/* What may hold pointers. */
enum tri__kind {
    TRI__KIND_ANY = 0,    /* every aligned word */
    TRI__KIND_LEAF = 1,   /* nothing */
    TRI__KIND_FIELDS = 2, /* the words of the fields listed */
    TRI__KIND_WHAT = 3,   /* mask of these three */
    TRI__KIND_SITE = 8,   /* or-ed in: a use, to be joined to a declaration of the same name in the same file */
    TRI__KIND_TYPED = 16  /* or-ed in too, in C++: of the same type, whatever its name */
};

struct tri__field {
    uint32_t offset, size; /* bytes; every word of [offset, offset + size) may hold a pointer */
};

/* A type, as the collector knows it. Programs get one by tri_type_of(T) and treat it as opaque; it lives for ever. */
typedef struct tri_type {
    uint32_t slot; /* byte offset of the run for single objects; 0 (a run that is always empty) before first use */
    uint32_t kind; /* enum tri__kind */
    size_t size;   /* sizeof(T) */
    uint32_t align;
    uint32_t nfields;
    const struct tri__field *fields;
    const char *name;
    const void *unit;            /* which translation unit; in C++ which type */
    struct tri__module *module;  /* which module */
    void *resolved;              /* library only: the layout, NULL before first use */
} tri_type;

#ifdef __cplusplus
} /* templates are not C's */
/* A byte whose address stands for the type: namespaces may have types of one name. */
template <class T> struct __attribute__((visibility("hidden"))) tri__identity {
    static const char at;
};
template <class T> const char tri__identity<T>::at = 0;
template <class T> struct tri__identity<const T> : tri__identity<T> {};
template <class T> struct tri__identity<volatile T> : tri__identity<T> {};
template <class T> struct tri__identity<const volatile T> : tri__identity<T> {};
#define TRI__UNIT(T)   &tri__identity<__typeof__(T)>::at
#define TRI__KIND_USED (TRI__KIND_SITE | TRI__KIND_TYPED)
extern "C" {
#else
__attribute__((unused)) static const char tri__unit = 0;
#define TRI__UNIT(T)   &tri__unit
#define TRI__KIND_USED TRI__KIND_SITE
#endif

#define TRI__CAT(a, b)  TRI__CAT_(a, b)
#define TRI__CAT_(a, b) a##b
#define TRI__STR(...)   TRI__STR_(__VA_ARGS__)
#define TRI__STR_(...)  #__VA_ARGS__

/* Bytes of one object in a span of its own layout; below 8, a piece of a tiny block. */
#define TRI__EXACT(size) ((size) < 8 ? (size_t)8 : (size) < 16 ? (size_t)16 : ((size_t)(size) + 7) & ~(size_t)7)

/* From what the compiler knows without a declaration: pointers and pointer-sized integers may be pointers. */
#define TRI__CLASSIFY(T)                                                                                        \
    (sizeof(T) < 8 ? TRI__KIND_LEAF                                                                             \
     : __builtin_classify_type(*(__typeof__(T) *)0) == 8 || __builtin_classify_type(*(__typeof__(T) *)0) == 9   \
         ? TRI__KIND_LEAF                                                                                       \
         : TRI__KIND_ANY)

#define TRI__SITE(T, NAME)                                                                                      \
    { 0, TRI__KIND_USED | TRI__CLASSIFY(T), sizeof(T), __alignof__(T), 0, NULL, NAME, TRI__UNIT(T),             \
      &tri__this_module, NULL }

/* `const tri_type *` of T, for tri_alloc_type and tri_prealloc. */
#ifdef __cplusplus
} /* templates are not C's */
/* One a type and module, and no lambda: these may not stand where an expression is not evaluated, as in __typeof__. */
template <class T> struct __attribute__((visibility("hidden"))) tri__site {
    static tri_type of;
};
template <class T> tri_type tri__site<T>::of = TRI__SITE(T, "");
#define tri_type_of(T) ((const tri_type *)&tri__site<__typeof__(T)>::of)
extern "C" {
#elif defined(__TRICC__) /* the compiler reads from the second member, which takes no room, what T is made of */
#define tri_type_of(T)                                                                                          \
    (__extension__({                                                                                            \
        static struct {                                                                                         \
            tri_type of;                                                                                        \
            __typeof__(T) *tri__probe[0];                                                                       \
        } tri__site = {TRI__SITE(T, TRI__STR(T)), {}};                                                          \
        (const tri_type *)&tri__site.of;                                                                        \
    }))
#else
#define tri_type_of(T)                                                                                          \
    (__extension__({                                                                                            \
        static tri_type tri__site = TRI__SITE(T, TRI__STR(T));                                                  \
        (const tri_type *)&tri__site;                                                                           \
    }))
#endif

#define TRI__DECLARE(T, KIND, FIELDS, NFIELDS, ID)                                                              \
    static tri_type TRI__CAT(tri__type_, ID) = {                                                                \
        0, KIND, sizeof(T), __alignof__(T), NFIELDS, FIELDS, TRI__STR(T), TRI__UNIT(T), &tri__this_module, NULL}; \
    TRI__RETAIN __attribute__((section("tri_types"))) static tri_type *TRI__CAT(tri__type_entry_, ID) =         \
        &TRI__CAT(tri__type_, ID);

/* Each field of T that holds a pointer: `next`, `kid[0]`, `a.b`; a whole array or struct means all its words. */
#define TRI_TYPE(T, ...) TRI__TYPE_(T, __COUNTER__, __VA_ARGS__)
#define TRI__TYPE_(T, ID, ...)                                                                                  \
    static const struct tri__field TRI__CAT(tri__fields_, ID)[] = {TRI__MAP(TRI__FIELD, T, __VA_ARGS__)};       \
    TRI__DECLARE(T, TRI__KIND_FIELDS, TRI__CAT(tri__fields_, ID),                                               \
                 sizeof TRI__CAT(tri__fields_, ID) / sizeof(struct tri__field), ID)
#define TRI__FIELD(T, F) {(uint32_t)__builtin_offsetof(T, F), (uint32_t)sizeof(((T *)0)->F)},

/* No word of T holds a pointer. */
#define TRI_TYPE_LEAF(T) TRI__DECLARE_(T, TRI__KIND_LEAF, NULL, 0, __COUNTER__)
/* Any aligned word of T may hold a pointer. */
#define TRI_TYPE_ANY(T) TRI__DECLARE_(T, TRI__KIND_ANY, NULL, 0, __COUNTER__)
#define TRI__DECLARE_(T, KIND, FIELDS, NFIELDS, ID) TRI__DECLARE(T, KIND, FIELDS, NFIELDS, ID)


TRI__EXTERN_C_END
#endif
