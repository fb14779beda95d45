/* copies.c - copies, and library functions that move or keep pointers: see stores.c. */
#define _GNU_SOURCE
#include "rules.h"
#include <search.h>

struct pair {
    struct thing *a, *b;
};
struct big {
    struct thing *many[40];
    int n;
};
struct small {
    int a;
};

static void assign(struct pair *to, const struct pair *from) { *to = *from; }                     //=> 1 copies barriered
static void assign_big(struct big *to, const struct big *from) { *to = *from; }                   //=> 1 copies barriered
static void assign_small(struct small *to, const struct small *from) { *to = *from; }             //=> 1 left out: no pointer
static void one(struct pair *to, struct thing *t) { __builtin_memcpy(&to->a, &t, sizeof t); }     //=> 1 stores barriered, 1 left out: stack
static void bytes(struct pair *to, const struct pair *from, size_t n) { memcpy(to, from, n); }    //=> 1 copies barriered
static void move(struct thing **at, size_t n) { memmove(at + 1, at, n * sizeof *at); }            //=> 1 copies barriered
__attribute__((no_builtin("memmove")))
static void move_by_call(struct thing **at, size_t n) { //=> 1 library calls barriered
    memmove(at + 1, at, n * sizeof *at);
}
static void set(struct pair *to) { memset(to, 0, sizeof *to); }                                   //=> 1 copies barriered
static void literal(struct pair *to, struct thing *t) { *to = (struct pair){t, t}; }              //=> 1 copies barriered, 2 left out: stack
static struct pair by_value(struct thing *t) { return (struct pair){t, t}; }                      //=> 2 left out: stack
static void result(struct pair *to, struct thing *t) { *to = by_value(t); }                       //=> 1 copies barriered, 2 left out: stack
static void to_stack(const struct pair *from, struct thing **out) { //=> 1 stores barriered, 1 left out: stack
    struct pair here[2];
    memcpy(&here[1], from, sizeof *from);
    __asm__ volatile("" : : "r"(here) : "memory");
    *out = here[1].a;
}
static void *(*volatile indirect)(void *, const void *, size_t) = memcpy;
static int compare_seals(const void *a, const void *b) { //=> nothing
    const struct thing *x = *(struct thing *const *)a, *y = *(struct thing *const *)b;
    return x->seal < y->seal ? -1 : x->seal > y->seal;
}
enum { SORTED = 300 };
static __thread const struct pair *sorted;
static bool is_sorted_one(const struct pair *p) { return p >= sorted && p < sorted + SORTED; } //=> nothing
static int compare_pairs(const void *a, const void *b) { //=> nothing
    if (!is_sorted_one(a) || !is_sorted_one(b)) fputs("qsort: compares what is no element of the array\n", stderr), abort();
    return compare_seals(&((const struct pair *)a)->a, &((const struct pair *)b)->a);
}
static void sort(struct thing **at, size_t n) { qsort(at, n, sizeof *at, compare_seals); }        //=> 1 library calls barriered
static void sort_pairs(struct pair *at, size_t n) { qsort(at, n, sizeof *at, compare_pairs); }    //=> 1 library calls barriered
static long parse(char *text, char **end) { return strtol(text, end, 10); }                       //=> 1 library calls barriered
static char *token(char *text, char **state) { return strtok_r(text, " ", state); }               //=> 1 library calls barriered

struct link {
    struct link *next, *before;
    struct thing *t;
};
static void enqueue(struct link *l, struct link *at) { insque(l, at); } //=> 1 library calls barriered
static void dequeue(struct link *l) { remque(l); }                      //=> 1 library calls barriered

static void swap_in_asm(struct pair *at, struct thing *t) { //=> 1 assembly shaded
#if defined(__x86_64__)
    __asm__ volatile("xchgq %0, %1" : "+r"(t), "+m"(at->a) : : "memory");
#else
    __asm__ volatile("str %1, %0" : "=m"(at->a) : "r"(t) : "memory");
#endif
}

#if defined(__x86_64__)
static int jump_in_asm(struct pair *at, struct thing *t) { //=> 1 assembly shaded
    __asm__ goto("movq %1, %0\n\ttestb $16, %b1\n\tjz %l2" : "=m"(at->b) : "r"(t) : "memory", "cc" : even);
    return 1;
even:
    return 0;
}
static int jump_only(int n) { //=> nothing
    __asm__ goto("testl %0, %0\n\tjz %l1" : : "r"(n) : "cc" : zero);
    return 1;
zero:
    return 0;
}
#else
static int jump_in_asm(struct pair *at, struct thing *t) {
    at->b = t;
    return (uintptr_t)t >> 4 & 1;
}
static int jump_only(int n) { return n != 0; }
#endif

static void check_copies(long i, struct pair *old, struct big *big, struct big *other, struct thing **out) {
    struct pair here = {thing_new(i), thing_new(i)};
    assign(old, &here);
    here.a = here.b = NULL;
    tri_new_array(char *, 8);
    thing_check(old->b, i, "assign");
    literal(old, thing_new(i));
    result(old, thing_new(i + 1));
    thing_check(old->a, i + 1, "result");
    one(old, thing_new(i));
    bytes(old + 1, old, sizeof *old);
    set(old);
    thing_check(old[1].a, i, "bytes");
    to_stack(old + 1, out);
    thing_check(*out, i, "to_stack");
    swap_in_asm(old, thing_new(i));
    thing_check(old->a, i, "asm");
    if (jump_in_asm(old, thing_new(i)) != (int)((uintptr_t)old->b >> 4 & 1) || jump_only(0) || !jump_only(1)) abort();
    tri_new_array(char *, 8);
    thing_check(old->b, i, "asm goto");
    for (int k = 0; k < 40; k++) big->many[k] = thing_new(k);
    assign_big(other, big);
    memset(big, 0, sizeof *big);
    move(other->many, 39);
    for (int k = 1; k < 40; k++) thing_check(other->many[k], k - 1, "move");
    move_by_call(other->many, 39);
    for (int k = 2; k < 40; k++) thing_check(other->many[k], k - 2, "move_by_call");
}

static void check_sorting(struct thing **many, struct pair *pairs) {
    enum { N = SORTED };
    for (int k = 0; k < N; k++) many[k] = thing_new((k * 7919) % N), pairs[k].a = thing_new((k * 104729) % N / 10), pairs[k].b = thing_new(k);
    sort(many, N);
    sorted = pairs;
    sort_pairs(pairs, N);
    for (int k = 0; k < N; k++) thing_check(many[k], k, "sort");
    for (int k = 0; k < N; k++) thing_check(pairs[k].a, k / 10, "sort_pairs");
    for (int k = 1; k < N; k++) /* stable: of equal ones the earlier stays before */
        if (pairs[k].a->seal == pairs[k - 1].a->seal && pairs[k].b->seal < pairs[k - 1].b->seal) abort();
}

static void check_keeping(long i, struct link *list, char **out) {
    struct link *l = tri_new(struct link);
    l->t = thing_new(i);
    enqueue(l, list);
    l = NULL;
    tri_new_array(char *, 8);
    thing_check(list->next->t, i, "insque");
    if (i % 3 == 0) dequeue(list->next);
    if (i % 50 == 0) list->next = NULL;
    char *text = tri_alloc_leaf(64);
    strcpy(text, "12345 rest of it");
    if (parse(text, out) != 12345) abort();
    text = NULL;
    tri_new_array(char *, 8);
    if (strcmp(*out, " rest of it")) fputs("strtol: the text is lost\n", stderr), abort();
    text = tri_alloc_leaf(64);
    strcpy(text, "first second");
    token(text, out);
    text = NULL;
    tri_new_array(char *, 8);
    if (strcmp(*out, "second")) fputs("strtok_r: the text is lost\n", stderr), abort();
}

static void *rounds(void *n) {
    struct pair *old = tri_new_array(struct pair, 2), *pairs = tri_new_array(struct pair, 300);
    struct big *big = tri_new(struct big), *other = tri_new(struct big);
    struct thing **out = tri_new_array(struct thing *, 1), **many = tri_new_array(struct thing *, 300);
    struct link *list = tri_new(struct link);
    char **text = tri_new_array(char *, 1);
    struct small s = {1}, *t = tri_alloc(sizeof *t);
    for (long i = 0; i < (long)n; i++) {
        check_copies(i, old, big, other, out);
        check_keeping(i, list, text);
        if (i % 16 == 0) check_sorting(many, pairs);
        assign_small(t, &s);
    }
    (void)indirect;
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 40000); }
