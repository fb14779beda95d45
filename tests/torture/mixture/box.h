/* box.h - boxes: small graphs of every kind the library can build, whose contents follow from a seed. Whoever holds a box can
 * check it, whoever made it, wherever it has been meanwhile. */
#ifndef BOX_H
#define BOX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <tricolor.h>

#ifdef __TRICC__ /* plain C: barriers and types are the compiler's business */
#undef tri_set
#define tri_set(to, value) ((to) = (value))
#undef tri_assign
#define tri_assign(to, value) ((to) = (value))
#undef TRI_TYPE
#define TRI_TYPE(...)
#endif

#define REQUIRE(condition, ...)                                                                                \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            fprintf(stderr, "%s:%d: not true: %s: ", __FILE__, __LINE__, #condition);                          \
            fprintf(stderr, __VA_ARGS__);                                                                      \
            fputc('\n', stderr);                                                                               \
            abort();                                                                                           \
        }                                                                                                      \
    } while (0)

/* ---- numbers by chance ---- */

struct dice {
    uint64_t state;
};

static inline uint64_t roll(struct dice *d) { /* splitmix64 */
    uint64_t z = d->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline unsigned below(struct dice *d, unsigned n) { return (unsigned)(roll(d) % n); }
static inline bool one_in(struct dice *d, unsigned n) { return below(d, n) == 0; }

/* ---- boxes ---- */

typedef struct box {
    uint64_t seed, seal; /* the seal follows from the seed */
    void *content;
    struct box *other; /* NULL, or another box that came along */
} box;

box *box_make(uint64_t seed);
void box_check(box *b);
/* Ends what the box holds, as a program does that knows it is the last user: arenas are freed, pooled objects go back. */
void box_close(box *b);

/* Cleanups and finalizers: attached to boxes, and run. */
extern uint64_t box_attached, box_ran;

#endif
