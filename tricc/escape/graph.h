/* graph.h - locations and flows between them: what escape analysis knows of a program.
 *
 * A location is a place that can hold a pointer: a variable, a parameter, an object that a call allocates, the result of a
 * function, a value on its way. An edge dst ← src with a count of dereferences says that a value flows:
 *
 *     -1   dst = &src      0   dst = src      1   dst = *src      2   dst = **src …
 *
 * Fields and array elements are not told apart, nor is the order of statements. Two locations stand for many: the heap
 * (globals, other objects, what code out of sight keeps), which outlives everything, and `outside`, where values
 * of unknown origin come from. A store through a pointer counts as one into the heap. All of this is as in Go's
 * cmd/compile/internal/escape; what C needs more is in build.c.
 *
 * Under -ftrust-calls there is a second heap, `loose`: where unknown calls and stores through pointers lead. It outlives objects, but not
 * variables: that a variable's address is not used after the variable's end is what every right C program sees to.
 *
 * Solving walks from every location against the edges, with the least number of dereferences. When a location's address
 * reaches a root that outlives it, it escapes: a variable then moves to the heap, an allocation stays there. A parameter
 * whose value reaches the heap or the result leaks; how far is its function's summary, by which callers see it.
 *
 * Memory: everything here comes from one pool and goes with it. One thread.
 */
#ifndef ESCAPE_GRAPH_H
#define ESCAPE_GRAPH_H

#include "../tricc.h"

#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>
#include <limits.h>

struct cfg;
struct function;

#define NO_BLOCK UINT_MAX /* number of a block that cannot be reached, or of none */

enum kind {
    HEAP,
    LOOSE,
    OUTSIDE,
    VARIABLE, /* memory of this frame: an alloca */
    PARAMETER,
    ALLOCATION,
    TEMPORARY, /* a value that joins several, or comes from a call */
    RESULT,    /* of a function; memory of the caller's if returned in memory (sret) */
    RELEASE    /* the argument of a free */
};

enum { NO_FLOW = INT_MAX }; /* no number of dereferences */

/* Why a value flows: Go's words, and the instruction that does it. */
struct note {
    const char *why;
    LLVMValueRef where;
};

struct edge {
    struct location *src;
    int derefs;
    struct note note;
};

struct location {
    enum kind kind;
    bool memory;         /* its value in LLVM is its address: a variable, a parameter or result passed in memory */
    bool escapes;        /* its address outlives it */
    bool kept;           /* its address is used beyond its block, not beyond its frame or iteration */
    bool promoted;       /* ALLOCATION that goes on the stack; settled by promote.c */
    bool promised;       /* PARAMETER: TRI_NOESCAPE */
    bool unmovable;      /* VARIABLE: a va_list, which ends with its function anyhow */
    unsigned number;     /* of its parameter */
    LLVMTypeRef pointee; /* of one passed or returned in memory */
    LLVMValueRef value;  /* alloca, argument, call, phi; NULL for results returned in registers */
    struct function *fn; /* NULL for HEAP and OUTSIDE */
    struct variable *variable; /* of the source; NULL for none */
    const struct allocator *allocator; /* ALLOCATION */
    uint64_t size;       /* ALLOCATION: bytes, 0 when not constant; VARIABLE: bytes, 0 when not constant */
    uint64_t align;      /* ALLOCATION: bytes */
    unsigned birth;      /* block in which an instance begins; NO_BLOCK: unreachable */
    struct location *freed; /* RELEASE: the allocation that it frees and nothing else, or NULL */
    const char *refusal; /* ALLOCATION, VARIABLE: why it must live on the heap whatever flows; NULL */

    struct edge *edge;
    unsigned nedges, edges_room;

    /* PARAMETER: least dereferences with which its value reaches the heap and its function's result */
    int leak_heap, leak_loose, leak_result;

    bool born;         /* VARIABLE: birth is known */
    struct life *life; /* VARIABLE: live.c's */
    char *explanation; /* lines for -m -m, under the main decision; NULL */

    /* the solver's */
    unsigned generation, queued_in;
    int derefs;
    struct location *towards; /* next on the way to the root */
    unsigned by;              /* edge of `towards` that leads here */
    bool queued;
};

/* Source files read. */
struct named_text {
    struct named_text *next;
    const char *name;
    struct text *text;
};

/* A function under analysis. */
struct function {
    LLVMValueRef value;
    struct cfg *cfg;
    struct location **params; /* one for each argument */
    unsigned nparams;
    struct location *result;  /* NULL: returns nothing */
    bool result_in_memory;
    bool trusted;             /* its body is the one that will run: not weak, not interposable */
    bool ours;                /* of the header */
    bool returns_twice;       /* calls setjmp: code may run again without a loop */
    bool recursive;
    bool done;                /* its summary is settled */
    struct location **locals; /* variables, allocations and releases, in the order of the code */
    unsigned nlocals, locals_room;
    struct location **all; /* every location of the function */
    unsigned nall, all_room;
    struct table *by_value; /* LLVMValueRef → location */

    /* Tarjan */
    unsigned index, low;
    bool on_stack;
    struct function *next_in_group, *next_on_stack;
};

struct analysis {
    LLVMModuleRef module;
    const struct tricc_options *options;
    struct tricc_diag *diag;
    struct tricc_stats *stats;
    struct pool *pool;
    struct location heap, loose, outside;
    struct location *sink; /* of unknown calls and of stores through pointers: &heap, or &loose with -ftrust-calls */
    struct table *functions; /* LLVMValueRef → struct function */
    struct table *variables; /* storage → struct variable */
    struct table *declarations; /* storage → struct declaration (variables.c) */
    char *said; /* explain.c: the text made last */
    struct named_text *texts; /* source.c */
    LLVMTargetDataRef layout;
    unsigned generation;
    struct location **queue; /* scratch of the solver: a ring */
    size_t queue_head, queue_n, queue_room;
};

/* ---- memory ---- */
struct pool *pool_new(void);
void pool_delete(struct pool *);
void *pool_take(struct pool *, size_t bytes); /* zeroed */
char *pool_text(struct pool *, const char *text);

/* A growing array of pointers, in the pool. */
#define POOL_PUSH(pool, array, n, room, item)                                                                   \
    do {                                                                                                        \
        if ((n) == (room)) (array) = pool_grow((pool), (array), (n), &(room), sizeof *(array));                 \
        (array)[(n)++] = (item);                                                                                \
    } while (0)
void *pool_grow(struct pool *, const void *array, unsigned n, unsigned *room, size_t size);

struct table *table_new(struct pool *);
void *table_get(const struct table *, const void *key);
void table_put(struct table *, struct pool *, const void *key, void *value);

/* ---- locations and flows ---- */
struct location *location_new(struct analysis *, enum kind, struct function *, LLVMValueRef value);
void flow_add(struct analysis *, struct location *dst, struct location *src, int derefs, struct note);

/* ---- solving ---- */

/* Walks from the locations given and from the heap until nothing changes. */
void solve(struct analysis *, struct location **all, size_t n);

/* Fills derefs of all locations whose values reach the root, and calls `visit` for each with its number; a walk that
 * changes nothing. Stops when visit returns false. */
void walk_from(struct analysis *, struct location *root, bool (*visit)(void *, struct location *, int derefs), void *arg);

#endif
