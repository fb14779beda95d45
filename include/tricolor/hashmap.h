/* tricolor/hashmap.h - maps, as Go's: hash tables of the collected heap.
 *
 *     TRI_MAP(ages, tri_string, int)              // at file scope: `ages` maps strings to int
 *
 *     ages m = tri_map_new(ages);                 // make(map[string]int); ages m = NULL; is nil
 *     tri_map_put(m, TRI_STR("Ada"), 36);
 *     int *age = tri_map_get(m, name);            // NULL: not there
 *     int years = tri_map_value(m, name);         // m[name]: zero when not there
 *     ++*tri_map_slot(m, name);                   // m[name]++
 *     tri_map_delete(m, name);
 *
 *     tri_string k; int v;
 *     tri_map_each(m, &k, &v) printf(TRI_FMT " %d\n", TRI_ARG(k), v);
 *
 * A map is one pointer. Reading a nil map finds nothing; writing to it panics with "assignment to entry in nil map".
 *
 * Keys: integers, pointers, enumerations, floating numbers (-0 is 0, a NaN is never found again), tri_string by its bytes, char *
 * by the text up to its NUL, which must not change. Any other type of key, a struct say, needs tri_map_new_with: a hash
 * and an equality. Every map hashes with a seed of its own.
 *
 * Growth has no long pause: a map is many small tables, one of which is split when it is full (Fagin et al., Extendible
 * hashing, 1979, with Swiss tables, as in Go since 1.24).
 *
 * Iteration is Go's: it begins anywhere; each entry comes at most once; one deleted before it was reached does not come; one
 * added may or may not.
 *
 * One goroutine may write, or any number read. Those who do otherwise are ended, when it is noticed, with "fatal error:
 * concurrent map writes" and kin, as in Go.
 */
#ifndef TRICOLOR_HASHMAP_H
#define TRICOLOR_HASHMAP_H

#include "string.h"

TRI__EXTERN_C_BEGIN

/* A map whose types are known at run time only: every declared map is one. */
typedef struct tri_map tri_map;

/* For tri_map_new_with. Equal keys have equal hashes; both must not touch the map. They may panic: the map is as it was before. */
typedef uint64_t (*tri_hash_fn)(const void *key, uint64_t seed);
typedef bool (*tri_equal_fn)(const void *a, const void *b);

/* A hash of memory, good in all its bits (but not against an attacker who sees them). To hash a struct, hash its fields: what
 * is between them is not defined. */
TRI_API uint64_t tri_hash_bytes(const void *bytes, size_t n, uint64_t seed);

/* Library: what a declaration says. */
struct tri__map_site {
    tri_type key, value;
    uint32_t kind;  /* enum tri__key */
    void *resolved; /* library only */
};
enum tri__key { TRI__KEY_OTHER, TRI__KEY_BITS, TRI__KEY_STRING, TRI__KEY_TEXT, TRI__KEY_DOUBLE, TRI__KEY_FLOAT };

/* TRI_MAP(name, K, V): `name` is the type of maps from K to V. At file scope, after both types and their TRI_TYPEs. */
#define TRI_MAP(NAME, K, V)                                                                                     \
    TRI__MAP_TYPEDEF(NAME, K, V)                                                                                \
    __attribute__((unused)) static struct tri__map_site TRI__CAT(tri__map_, NAME) = {                           \
        TRI__SITE(K, TRI__STR(K)), TRI__SITE(V, TRI__STR(V)), TRI__KEY_KIND(K), NULL};

/* ---- making ---- */

/* `M tri_map_new(M)`, `M tri_map_new_sized(M, n)`: empty; with room for n entries. */
#define tri_map_new(M)          tri_map_new_sized(M, 0)
#define tri_map_new_sized(M, n) ((M)(void *)tri__map_new(&TRI__CAT(tri__map_, M), (n), NULL, NULL))

/* The same with a hash and an equality of keys; the functions are told keys by address. */
#define tri_map_new_with(M, n, hash, equal) ((M)(void *)tri__map_new(&TRI__CAT(tri__map_, M), (n), (hash), (equal)))

/* ---- entries ---- */

/* Where the key's value is, or NULL. Good until the map is next written to. */
#define tri_map_get(m, k)                                                                                       \
    (__extension__({                                                                                            \
        const __typeof__((m)->key) tri__k = (k);                                                                \
        (__typeof__((m)->value) *)tri__map_get((m), &tri__k);                                                   \
    }))

/* Whether the key is there. */
#define tri_map_has(m, k) (tri_map_get(m, k) != NULL)

/* m[k]: the value, or zero. */
#define tri_map_value(m, k)                                                                                     \
    (__extension__({                                                                                            \
        __typeof__((m)->value) *tri__found = tri_map_get(m, k), tri__value;                                     \
        if (tri__found)                                                                                         \
            tri__value = *tri__found;                                                                           \
        else                                                                                                    \
            __builtin_memset((void *)&tri__value, 0, sizeof(tri__value));                                       \
        tri__value;                                                                                             \
    }))

/* Where the key's value is; a new entry is made with value zero when there is none. Store a pointer there by tri_set. Good
 * until the map is next written to. */
#define tri_map_slot(m, k)                                                                                      \
    (__extension__({                                                                                            \
        const __typeof__((m)->key) tri__k = (k);                                                                \
        (__typeof__((m)->value) *)tri__map_slot((m), &tri__k);                                                  \
    }))

/* m[k] = v */
#define tri_map_put(m, k, v)                                                                                    \
    (__extension__({                                                                                            \
        const __typeof__((m)->value) tri__v = (v);                                                              \
        tri__store_values(tri_map_slot(m, k), &tri__v, sizeof(tri__v), sizeof(tri__v),                          \
                          TRI__CLASSIFY(__typeof__((m)->value)));                                               \
    }))

/* delete(m, k); returns whether it was there. */
#define tri_map_delete(m, k)                                                                                    \
    (__extension__({                                                                                            \
        const __typeof__((m)->key) tri__k = (k);                                                                \
        tri__map_delete((m), &tri__k);                                                                          \
    }))

/* len(m), clear(m). A cleared map gives its memory back, which one that was emptied by deletion does not. */
#define tri_map_len(m)   tri__map_len(TRI__IS_MAP(m))
#define tri_map_clear(m) tri__map_clear(TRI__IS_MAP(m))
#define TRI__IS_MAP(m)   ((void)sizeof((m)->key), (m))

/* ---- iteration ---- */

/* Lies on the stack. */
typedef struct tri_map_iter {
    const void *tri__map;
    const char *tri__table;
    uint64_t tri__begin, tri__at; /* hashes: where the iteration began, where it is */
    uint64_t tri__slots;
    uint32_t tri__slot, tri__offset;
    uint32_t tri__clears, tri__state;
} tri_map_iter;

TRI_API tri_map_iter tri__map_iterate(const void *map);
#define tri_map_iterate(m) tri__map_iterate(TRI__IS_MAP(m))

/* The next entry's key and value, to where k and v point to (locals; either may be NULL); false: that was all. */
#define tri_map_next(m, it, k, v) tri__map_next((it), TRI__SAME(k, &(m)->key), TRI__SAME(v, &(m)->value))

/* for k, v := range m */
#define tri_map_each(m, k, v) TRI__MAP_EACH(m, k, v, TRI__CAT(tri__iter_, __LINE__))
#define TRI__MAP_EACH(m, k, v, it) for (tri_map_iter it = tri_map_iterate(m); tri_map_next(m, &it, k, v);)

/* ---- maps of any type, by addresses of keys and values ---- */

TRI_API void *tri__map_get(const void *map, const void *key);
TRI_API void *tri__map_slot(void *map, const void *key);
TRI_API bool tri__map_delete(void *map, const void *key);
TRI_API size_t tri__map_len(const void *map);
TRI_API void tri__map_clear(void *map);
TRI_API bool tri__map_next(tri_map_iter *it, void *key, void *value);
TRI_API void *tri__map_new(struct tri__map_site *site, size_t n, tri_hash_fn hash, tri_equal_fn equal);

TRI__EXTERN_C_END

#ifdef __cplusplus
template <class K, class V> struct tri__map_entry {
    K key;
    V value;
};
#define TRI__MAP_TYPEDEF(NAME, K, V) typedef tri__map_entry<__typeof__(K), __typeof__(V)> *NAME;

/* v, if it may point to where `wanted` points to. */
template <class T> inline T *tri__same(T *v, T *) { return v; }
template <class T> inline T *tri__same(decltype(nullptr), T *) { return nullptr; }
template <class T> inline T *tri__same(long v, T *) { return reinterpret_cast<T *>(v); } /* NULL */
#define TRI__SAME(v, WANTED) tri__same((v), (__typeof__(WANTED))0)

template <class T> struct tri__key_kind {
    enum {
        value = __is_enum(T) || (sizeof(T) <= 8 && !__is_class(T) && !__is_union(T)) ? TRI__KEY_BITS : TRI__KEY_OTHER
    };
};
template <> struct tri__key_kind<tri_string> {
    enum { value = TRI__KEY_STRING };
};
template <> struct tri__key_kind<char *> {
    enum { value = TRI__KEY_TEXT };
};
template <> struct tri__key_kind<const char *> {
    enum { value = TRI__KEY_TEXT };
};
template <> struct tri__key_kind<double> {
    enum { value = TRI__KEY_DOUBLE };
};
template <> struct tri__key_kind<float> {
    enum { value = TRI__KEY_FLOAT };
};
#define TRI__KEY_KIND(K) tri__key_kind<__typeof__(K)>::value
#else
#define TRI__MAP_TYPEDEF(NAME, K, V)                                                                            \
    typedef struct {                                                                                            \
        __typeof__(K) key;                                                                                      \
        __typeof__(V) value;                                                                                    \
    } *NAME;
#define TRI__SAME(v, WANTED) (1 ? (v) : (__typeof__(WANTED))0)

/* By __builtin_classify_type: 1 integers, 2 chars, 3 enumerations, 4 bool, 5 pointers, 8 floating. */
#define TRI__CLASS_OF(T) __builtin_classify_type(*(__typeof__(T) *)0)
#define TRI__KEY_KIND(K)                                                                                        \
    (__builtin_types_compatible_p(__typeof__(K), tri_string)                                                    \
         ? TRI__KEY_STRING                                                                                      \
     : __builtin_types_compatible_p(__typeof__(K), char *) || __builtin_types_compatible_p(__typeof__(K), const char *) \
         ? TRI__KEY_TEXT                                                                                        \
     : __builtin_types_compatible_p(__typeof__(K), double)                                                      \
         ? TRI__KEY_DOUBLE                                                                                      \
     : __builtin_types_compatible_p(__typeof__(K), float)                                                       \
         ? TRI__KEY_FLOAT                                                                                       \
     : sizeof(K) <= 8 && TRI__CLASS_OF(K) >= 1 && TRI__CLASS_OF(K) <= 5 ? TRI__KEY_BITS                         \
                                                                        : TRI__KEY_OTHER)
#endif
#endif
