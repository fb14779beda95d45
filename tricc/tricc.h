/* tricc.h - what all parts of the compiler share: options, the sink for diagnostics, statistics.
 *
 * A source file goes through tricc like this, within clang or by its side:
 *
 *     clang           source → module, nothing optimised, debug information complete          driver/
 *     managed         calls of malloc and kin become calls of the collected heap's           managed/
 *     escape          locals move to the heap, allocations to the stack                      escape/
 *     types           tri_new(T) and friends learn where T's pointers are                    types/
 *     barriers        stores of pointers become barriered stores                             barrier/
 *     clang           module → object, all of LLVM's optimisations                           driver/
 *
 * passes/ is the four in one, as a shared object that clang loads as a plugin, or tricc.
 * Each of the four passes gets the module, the options, the sink and the statistics, and returns whether it
 * succeeded; one that fails has put an error into the sink, and nothing is written. All run in one thread, in one process, on one module.
 * While they run the module is in the old form of debug information (calls of llvm.dbg.declare), which is what
 * the C interface of LLVM 19 can read; see ir/ir.h.
 */
#ifndef TRICC_H
#define TRICC_H

#include <llvm-c/Core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- options ---- */

struct tricc_options {
    unsigned opt_level;      /* 0 … 3, as clang -O; s and z count as 2 */
    unsigned m;              /* how often -m was given: 0, 1, 2 */
    bool m_json;             /* -m=json */
    bool no_inline;          /* -l */
    bool no_opt;             /* -N */
    bool managed_malloc;     /* -fmanaged-malloc */
    bool trust_calls;        /* -ftrust-calls, and -fmanaged-malloc without -fno-trust-calls: see escape/graph.h */
    bool trust_calls_said;
    bool untyped_malloc;     /* -fno-typed-malloc */
    bool stats;              /* -fstats */
    bool warn_asm;           /* -Wtri-asm: inline assembly that may store pointers unseen */
    bool no_packed_warning;  /* -Wno-tri-packed, -w */
    bool warn_plain;         /* -Wtri-plain: inputs of the link that were not compiled by tricc */
    bool keep_debug;         /* the user asked for debug information */
    bool cplusplus;          /* the source is C++ */
    bool bitcode;            /* the source is LLVM's code: its attributes may be what an optimiser has found, not what a program says */
    const char *prelude_dir; /* where the preludes lie */
};

/* ---- diagnostics ---- */

struct tricc_loc {
    const char *file; /* as the compiler was told it; NULL: unknown. Lives as long as the module */
    unsigned line, column; /* from 1; 0: unknown */
};

struct tricc_diag;

struct tricc_diag *tricc_diag_new(void);
void tricc_diag_delete(struct tricc_diag *);

/* A decision, printed under -m as `file:line:column: text`. Repeated ones are dropped; all are sorted by place when
 * they are flushed. Text is copied. */
__attribute__((format(printf, 3, 4))) void tricc_diag_say(struct tricc_diag *, struct tricc_loc, const char *format, ...);

/* A line of explanation that belongs to the decision said last, printed under -m -m, indented. */
__attribute__((format(printf, 2, 3))) void tricc_diag_explain(struct tricc_diag *, const char *format, ...);

/* A warning or an error, printed whatever the options, in clang's form. */
__attribute__((format(printf, 3, 4))) void tricc_diag_warn(struct tricc_diag *, struct tricc_loc, const char *format, ...);
__attribute__((format(printf, 3, 4))) void tricc_diag_error(struct tricc_diag *, struct tricc_loc, const char *format, ...);

/* Prints what was said to stderr and forgets it. Returns whether there was no error. */
bool tricc_diag_flush(struct tricc_diag *, const struct tricc_options *);

/* ---- statistics: report/stats.def names the counters ---- */

enum tricc_stat {
#define STAT(name, words) TRICC_STAT_##name,
#include "report/stats.def"
#undef STAT
    TRICC_NSTATS
};

struct tricc_stats;

struct tricc_stats *tricc_stats_new(void);
void tricc_stats_delete(struct tricc_stats *);

/* Counts n more for the function (NULL: the file). */
void tricc_stats_count(struct tricc_stats *, LLVMValueRef function, enum tricc_stat, unsigned n);

/* Prints, under -fstats, a line a function and a total, to stderr. */
void tricc_stats_print(const struct tricc_stats *, const struct tricc_options *, const char *source);

#endif
