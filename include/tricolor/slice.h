/* tricolor/slice.h - slices, as Go's: a window on an array of the collected heap, with room to grow.
 *
 *     TRI_SLICE(ints, int)                        // at file scope: `ints` is a slice of int
 *
 *     ints s = tri_make(ints, 0, 10);             // make([]int, 0, 10); ints s = {0}; is nil
 *     s = tri_append(s, 1, 2, 3);
 *     ints t = tri_slice_of(s, 1, 3);             // s[1:3], the same array
 *     for (size_t i = 0; i < t.len; i++) printf("%d\n", t.data[i]);
 *
 * A slice is four words, passed by value: where, length, capacity, and the elements' type. `tri_slice` is the same with the type
 * of the elements known at run time only; everything here takes both. Compilers check the elements of declared slices.
 *
 * Elements that are pointers are stored by tri_set(tri_at(s, i), p), as anything in the heap; appending does it by itself. A
 * slice that lies in a heap object is stored by tri_assign. Bad indices panic in Go's words. Two goroutines must not append to
 * one slice variable at the same time, as in Go.
 */
#ifndef TRICOLOR_SLICE_H
#define TRICOLOR_SLICE_H

#include "alloc.h"
#include "barrier.h"

TRI__EXTERN_C_BEGIN

/* A slice of elements whose type is known at run time. The library reads and writes declared slices through it. */
typedef struct __attribute__((may_alias)) tri_slice {
    void *data;
    size_t len, cap; /* elements */
    const tri_type *type;
} tri_slice;

/* TRI_SLICE(name, T): `name` is the type of slices of T. With or without a semicolon, at file scope, after T and its TRI_TYPE. */
#define TRI_SLICE(NAME, T)                                                                                      \
    TRI__SLICE_TYPEDEF(NAME, T)                                                                                 \
    __attribute__((unused)) static tri_type TRI__CAT(tri__elem_, NAME) = TRI__SITE(T, TRI__STR(T));

#define TRI__SLICE_TYPEDEF(NAME, T)                                                                             \
    typedef struct __attribute__((may_alias)) {                                                                 \
        __typeof__(T) *data;                                                                                    \
        size_t len, cap;                                                                                        \
        const tri_type *type;                                                                                   \
    } NAME;

/* ---- making ---- */

/* `S tri_make(S, len, cap)`: of a declared slice type; room for cap zeroed elements, of which len are in the slice. Panics with
 * "makeslice: len out of range" or "makeslice: cap out of range". */
#define tri_make(S, len, cap)                                                                                   \
    (__extension__({                                                                                            \
        S tri__s;                                                                                               \
        *(tri_slice *)(void *)&tri__s = tri__slice_make(&TRI__CAT(tri__elem_, S), (len), (cap));                \
        tri__s;                                                                                                 \
    }))

/* `tri_slice tri_slice_make(T, len, cap)`: the same for elements of type T. */
#define tri_slice_make(T, len, cap) tri__slice_make(tri_type_of(T), (len), (cap))

/* ---- elements ---- */

/* The i-th element, an lvalue: tri_at(s, i) = 5, or tri_set(tri_at(s, i), p) for a pointer. Panics with
 * "index out of range [i] with length n". */
#define tri_at(s, i) (*tri__at_ptr(s, i))
#define tri__at_ptr(s, i)                                                                                       \
    (__extension__({                                                                                            \
        __typeof__(s) tri__as = (s);                                                                            \
        int64_t tri__ai = (int64_t)(i);                                                                         \
        if (TRI__UNLIKELY((uint64_t)tri__ai >= tri__as.len)) tri__panic_index(tri__ai, tri__as.len);            \
        tri__as.data + tri__ai;                                                                                 \
    }))

/* The i-th element of a tri_slice, taken as a T. */
#define tri_slice_at(s, T, i) (*(__typeof__(T) *)tri__slice_at((s), (i), sizeof(T)))

/* ---- windows ---- */

/* s[lo:hi] and s[lo:hi:max]: the same array from lo on, up to hi, with capacity up to max. */
#define tri_slice_of(s, ...) TRI__SLICE_OF_(TRI__COUNT(__VA_ARGS__), s, __VA_ARGS__)
#define TRI__SLICE_OF_(N, s, ...)  TRI__SLICE_OF__(N, s, __VA_ARGS__)
#define TRI__SLICE_OF__(N, s, ...) TRI__SLICE_OF_##N(s, __VA_ARGS__)
#define TRI__SLICE_OF_2(s, lo, hi)      TRI__SLICE_DO(s, tri__slice_window(tri__p, (lo), (hi)))
#define TRI__SLICE_OF_3(s, lo, hi, max) TRI__SLICE_DO(s, tri__slice_window3(tri__p, (lo), (hi), (max)))

/* A copy of the slice's header on which WORK(tri__p) is done. */
#define TRI__SLICE_DO(s, WORK)                                                                                  \
    (__extension__({                                                                                            \
        __typeof__(s) tri__s = (s);                                                                             \
        tri_slice *tri__p = (tri_slice *)(void *)&tri__s;                                                       \
        WORK;                                                                                                   \
        tri__s;                                                                                                 \
    }))

/* Capacity down to length: the next append moves to an array of its own. (The array stays as large as it is, and whole: to let
 * go of a big array keep a tri_slice_clone of the part.) */
#define tri_slice_clip(s) TRI__SLICE_DO(s, tri__p->cap = tri__p->len)

/* ---- growing ---- */

/* append(s, v, ...): the values behind the slice's end, in its array if there is room, else in a new one; capacities grow by
 * Go's rule: doubled below 256 elements, then by a quarter and 192, rounded up to a size class. The result is the new slice. */
#define tri_append(s, ...)                                                                                      \
    (__extension__({                                                                                            \
        __typeof__(s) tri__s = (s);                                                                             \
        const TRI__ELEM(tri__s, TRI__FIRST(__VA_ARGS__, 0)) tri__v[] = {__VA_ARGS__};                           \
        const size_t tri__n = sizeof(tri__v) / sizeof(tri__v[0]);                                               \
        if (TRI__UNLIKELY(tri__s.cap - tri__s.len < tri__n || TRI__MISFITS(tri__s, tri__v[0])))                 \
            tri__slice_grow((tri_slice *)(void *)&tri__s, tri__n, TRI__TYPE_OF_VALUE(tri__v[0]));               \
        tri__store_values((char *)tri__s.data + tri__s.len * sizeof(tri__v[0]), tri__v, sizeof(tri__v),         \
                          sizeof(tri__v[0]), TRI__CLASSIFY(__typeof__(tri__v[0])));                             \
        tri__s.len += tri__n;                                                                                   \
        tri__s;                                                                                                 \
    }))

/* append(s, t...): the elements of another slice of the same type. */
#define tri_append_slice(s, t)                                                                                  \
    (__extension__({                                                                                            \
        __typeof__(t) tri__t = (t);                                                                             \
        TRI__SLICE_DO(s, ((void)(0 ? tri__s.data : tri__t.data),                                                \
                          tri__slice_append(tri__p, (const tri_slice *)(const void *)&tri__t)));                \
    }))

/* Room for n more elements: append will not move the slice for so many. */
#define tri_slice_grow(s, n) TRI__SLICE_DO(s, tri__slice_reserve(tri__p, (n)))

/* A copy in an array of its own, no larger than need be. */
#define tri_slice_clone(s) TRI__SLICE_DO(s, tri__slice_clone(tri__p))

/* copy(dst, src): the shorter one's length of elements, which may overlap; returns how many. */
#define tri_copy(dst, src)                                                                                      \
    (__extension__({                                                                                            \
        __typeof__(dst) tri__d = (dst);                                                                         \
        __typeof__(src) tri__f = (src);                                                                         \
        (void)(0 ? tri__d.data : tri__f.data);                                                                  \
        tri__slice_copy((const tri_slice *)(const void *)&tri__d, (const tri_slice *)(const void *)&tri__f);    \
    }))

/* Takes out [lo, hi); what is behind moves up, and the places left at the end are cleared (slices.Delete). */
#define tri_slice_delete(s, lo, hi) TRI__SLICE_DO(s, tri__slice_delete(tri__p, (lo), (hi)))

/* Zeroes all elements. */
#define tri_slice_clear(s) ((void)TRI__SLICE_DO(s, tri__slice_clear(tri__p)))

/* ---- behind the macros ---- */

TRI_API tri_slice tri__slice_make(const tri_type *type, int64_t len, int64_t cap);
TRI_API void *tri__slice_at(tri_slice s, int64_t i, size_t size);
TRI_API void tri__slice_window(tri_slice *s, int64_t lo, int64_t hi);
TRI_API void tri__slice_window3(tri_slice *s, int64_t lo, int64_t hi, int64_t max);
TRI_API void tri__slice_grow(tri_slice *s, size_t n, const tri_type *type);
TRI_API void tri__slice_reserve(tri_slice *s, size_t n);
TRI_API void tri__slice_append(tri_slice *s, const tri_slice *more);
TRI_API void tri__slice_clone(tri_slice *s);
TRI_API size_t tri__slice_copy(const tri_slice *dst, const tri_slice *src);
TRI_API void tri__slice_delete(tri_slice *s, int64_t lo, int64_t hi);
TRI_API void tri__slice_clear(const tri_slice *s);
TRI_API void tri__panic_index(int64_t i, size_t len);

#define TRI__FIRST(FIRST, ...) FIRST

/* Whether a tri_slice's elements, known at run time, have another size than the value. Constantly false for declared slices. */
#define TRI__MISFITS(s, v) (TRI__IS_ANY_SLICE(s) && (s).type && (s).type->size != sizeof(v))

/* The elements' type as far as the compiler knows it: for a slice that was nil until now. */
#define TRI__TYPE_OF_VALUE(v)                                                                                   \
    (__extension__({                                                                                            \
        static tri_type tri__site = TRI__SITE(__typeof__(v), "");                                               \
        (const tri_type *)&tri__site;                                                                           \
    }))

/* (With its barriers: the compiler driver puts none into the library's own functions.) */
TRI__INLINE void tri__store_values(void *to, const void *values, size_t bytes, size_t each, int kind) {
    if (kind == TRI__KIND_LEAF) {
        __builtin_memcpy(to, values, bytes);
    } else if (each == sizeof(uintptr_t)) {
        for (size_t i = 0; i < bytes / sizeof(uintptr_t); i++)
            tri__store((tri__word *)to + i, ((const tri__word *)values)[i]);
    } else {
        tri_memcpy(to, values, bytes);
    }
}

TRI__EXTERN_C_END

#ifdef __cplusplus
template <class P, class V> struct tri__elem {
    typedef P type;
};
template <class V> struct tri__elem<void, V> {
    typedef V type;
};
template <class T> struct tri__bare {
    typedef T type;
};
template <class T> struct tri__bare<T &> {
    typedef T type;
};
template <class T> struct tri__bare<T *> {
    typedef T type;
};
#define TRI__ELEM(s, v) tri__elem<tri__bare<__typeof__((s).data)>::type, __typeof__(v)>::type
template <class S> struct tri__is_any {
    enum { value = 0 };
};
template <> struct tri__is_any<tri_slice> {
    enum { value = 1 };
};
#define TRI__IS_ANY_SLICE(s) tri__is_any<__typeof__(s)>::value
#else
#define TRI__ELEM(s, v)      __typeof__(*_Generic((s).data, void *: (__typeof__(v) *)0, default: (s).data))
#define TRI__IS_ANY_SLICE(s) _Generic((s).data, void *: 1, default: 0)
#endif
#endif
