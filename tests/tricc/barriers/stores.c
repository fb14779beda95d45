/* stores.c - stores, atomics, unions, integers: the expectations behind //=> are -fstats' at -O1 and more.
 *
 * Each function keeps its objects in one long-lived place, a ring of slots, so that most stores go into black memory.
 */
#include "rules.h"

struct pair {
    struct thing *a, *b;
};
union any {
    struct thing *p;
    uint64_t i;
    double d;
};
struct mixed {
    long count;
    struct thing *p;
    char name[12];
    uintptr_t word;
    union any u;
    _Atomic(struct thing *) atomic;
    struct thing *volatile loud;
    struct pair pair;
};

static void pointer(struct mixed *m, struct thing *t) { m->p = t; }                    //=> 1 stores barriered
static void null(struct mixed *m) { m->p = NULL; }                                     //=> 1 stores barriered
static void number(struct mixed *m, int n) { m->count = n; }                           //=> 1 left out: no pointer
static void counter(struct mixed *m) { m->count++; }                                   //=> 1 left out: no pointer
static void word(struct mixed *m, struct thing *t) { m->word = (uintptr_t)t; }         //=> 1 stores barriered
static void tagged(struct mixed *m, struct thing *t) { m->word = (uintptr_t)t | 1; }   //=> 1 stores barriered
static void cut(struct mixed *m, struct thing *t) { m->word = (uintptr_t)t >> 3 << 3; } //=> 1 stores barriered
static void added(struct mixed *m, struct thing *t) { //=> 1 stores barriered, 1 left out: no pointer
    m->word = 1;
    m->word += (uintptr_t)t;
}
static void tag(struct mixed *m) { m->word |= 2; }                                     //=> 1 left out: no pointer
static void moved(struct mixed *m, const struct mixed *n) { m->word = n->word; }       //=> 1 stores barriered
static void into_union(struct mixed *m, struct thing *t) { m->u.p = t; }               //=> 1 stores barriered
static void as_integer(struct mixed *m, struct thing *t) { m->u.i = (uint64_t)t; }     //=> 1 stores barriered
static void real(struct mixed *m, double d) { m->u.d = d; }                            //=> nothing
static void whole_union(struct mixed *m, const struct mixed *n) { m->u = n->u; }       //=> 1 stores barriered
static void loud(struct mixed *m, struct thing *t) { m->loud = t; }                    //=> 1 stores barriered
static void atomic(struct mixed *m, struct thing *t) { m->atomic = t; }                //=> 1 atomic stores barriered
static void relaxed(struct mixed *m, struct thing *t) {                                //=> 1 atomic stores barriered, 1 left out: stack
    atomic_store_explicit(&m->atomic, t, memory_order_relaxed);
}
static void exchange(struct mixed *m, struct thing *t) { atomic_exchange(&m->atomic, t); } //=> 1 atomic stores barriered, 2 left out: stack
static void compare(struct mixed *m, struct thing *old, struct thing *t) {                 //=> 1 atomic stores barriered, 3 left out: stack
    atomic_compare_exchange_strong(&m->atomic, &old, t);
}
static void builtin(struct mixed *m, struct thing *t) { //=> 1 atomic stores barriered
    __atomic_store_n(&m->word, (uintptr_t)t, __ATOMIC_RELEASE);
}
static void count_atomically(struct mixed *m) { __atomic_fetch_add(&m->count, 1, __ATOMIC_RELAXED); } //=> 1 left out: no pointer
static void vector(struct mixed *m, struct thing *t) { //=> 1 stores barriered
    typedef uint64_t two __attribute__((vector_size(16), aligned(8)));
    two v = {(uint64_t)t, (uint64_t)t};
    *(two *)&m->pair = v;
}
#if defined(__x86_64__)
#define AVX __attribute__((target("avx2")))
static bool has_wide_vectors(void) { return __builtin_cpu_supports("avx2"); } //=> nothing
static AVX void masked_vector(struct thing **at, struct thing *t) { //=> 1 stores barriered
    typedef long long two __attribute__((vector_size(16)));
    __builtin_ia32_maskstoreq((two *)(void *)at, (two){-1, -1}, (two){(long long)t, (long long)t});
}
#else
#define AVX
static bool has_wide_vectors(void) { return true; } //=> nothing
static void masked_vector(struct thing **at, struct thing *t) { //=> 1 stores barriered
    typedef uint64_t two __attribute__((vector_size(16), aligned(8)));
    *(two *)at = (two){(uint64_t)t, (uint64_t)t};
}
#endif
static AVX void wide_vector(struct thing **at, struct thing *t) { //=> 1 stores barriered
    typedef uint64_t four __attribute__((vector_size(32), aligned(8)));
    uint64_t w = (uint64_t)t;
    *(four *)at = (four){w, w, w, w};
}
static void wide(struct mixed *m, struct thing *t) { //=> 1 stores barriered
    typedef unsigned __int128 __attribute__((aligned(8), may_alias)) both;
    *(both *)&m->pair = (unsigned __int128)(uintptr_t)t << 64 | (uintptr_t)t;
}
static struct thing *through_a_local(struct mixed *m) { //=> nothing
    struct thing *t = m->p, *u = t;
    return u;
}
static void local_array(struct thing *t, struct thing **out) { //=> 1 stores barriered, 1 left out: stack
    struct thing *many[8];
    struct thing **at = many, **end = many + 8;
    while (at < end) *at++ = t;
    for (int i = 0; i < 8; i++) *out = many[i];
}
static struct mixed *fresh(struct thing *t) { //=> 1 stores barriered, 1 left out: null into fresh memory
    struct mixed *m = tri_new(struct mixed);
    m->p = NULL;
    m->loud = t;
    return m;
}

static _Thread_local struct thing *in_thread;
static struct thing *in_global[2];
static void global(int i, struct thing *t) { in_global[i & 1] = t; } //=> 1 stores barriered
static void thread(struct thing *t) { in_thread = t; }              //=> 1 stores barriered

/* Writes through pointers whose source is a local in one case only. */
static void either(struct mixed *m, int local, struct thing *t) { //=> 1 stores barriered
    struct mixed here;
    struct mixed *at = local ? &here : m;
    at->p = t;
    __asm__ volatile("" : : "r"(at) : "memory");
}

/* ---- what each place should hold ---- */

static void fill(struct mixed *m, struct mixed *other, struct thing **out, uint64_t i) {
    switch (i % 4) {
    case 0: pointer(m, thing_new(i)), i % 8 ? cut(m, thing_new(i)) : added(m, thing_new(i)), atomic(m, thing_new(i)); break;
    case 1: pointer(m, thing_new(i)), word(m, thing_new(i)), tagged(m, thing_new(i)), tag(m), relaxed(m, thing_new(i)); break;
    case 2: either(m, 0, thing_new(i)), builtin(m, thing_new(i)), exchange(m, thing_new(i)); break;
    case 3: pointer(m, thing_new(i)), word(other, thing_new(i)), moved(m, other), word(other, NULL), compare(m, m->atomic, thing_new(i)); break;
    }
    if (i % 2) as_integer(other, thing_new(i)), whole_union(m, other), real(other, 1);
    else into_union(m, thing_new(i));
    loud(m, thing_new(i));
    if (i % 2) vector(m, thing_new(i));
    else wide(m, thing_new(i));
    pointer(other, thing_new(i)), *out = through_a_local(other), null(other);
    local_array(thing_new(i), out + 1);
    out[2] = (struct thing *)fresh(thing_new(i));
    if (has_wide_vectors()) wide_vector(out + 3, thing_new(i)), masked_vector(out + 7, thing_new(i));
}

static void check(const struct mixed *m, struct thing *const *out, uint64_t i) {
    thing_check(m->p, i, "pointer");
    thing_check((struct thing *)(m->word & ~(uintptr_t)3), i, "word");
    thing_check(m->u.p, i, "union");
    thing_check(m->atomic, i, "atomic");
    thing_check(m->loud, i, "volatile");
    thing_check(m->pair.a, i, "vector");
    thing_check(m->pair.b, i, "wide");
    thing_check(out[0], i, "local");
    thing_check(out[1], i, "array");
    thing_check(((const struct mixed *)out[2])->loud, i, "fresh");
    for (int k = 3; has_wide_vectors() && k < 9; k++) thing_check(out[k], i, k < 7 ? "wide vector" : "masked vector");
}

static void *rounds(void *n) {
    struct mixed *ring[ROOM], *other = tri_new(struct mixed);
    struct thing **out[ROOM];
    for (int k = 0; k < ROOM; k++) ring[k] = tri_new(struct mixed), out[k] = tri_new_array(struct thing *, 9);
    for (uint64_t i = 0; i < (uint64_t)(long)n; i++) {
        if (i >= ROOM) check(ring[i % ROOM], out[i % ROOM], i - ROOM);
        if (i >= ROOM && in_thread) thing_check(in_thread, i - 1, "thread");
        fill(ring[i % ROOM], other, out[i % ROOM], i);
        thread(thing_new(i));
        global((int)i, thing_new(i));
        number(other, (int)i);
        counter(other);
        count_atomically(other);
        either(other, 1, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 600000); }
