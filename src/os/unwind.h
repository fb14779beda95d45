/* unwind.h - walking a stack by the tables that compilers emit for exceptions: see unwind.c. */
#ifndef TRIX_UNWIND_H
#define TRIX_UNWIND_H

#include "../base/attr.h"

/* Where a walk begins. */
struct unwind {
    uintptr_t pc, sp, fp;
    uintptr_t hi;    /* the stack's end: no word at or above it is read, nor any below sp */
    uintptr_t lr;    /* aarch64: the link register, for a leaf; 0 when not known */
    bool interrupted; /* pc is where a signal came, not a return address */
};

/* The caller's frame, on a stack that ends at `end`. */
#if defined(__x86_64__)
#define UNWIND_HERE(end)                                                                                       \
    ({                                                                                                         \
        struct unwind here_ = {.hi = (end), .interrupted = true};                                              \
        __asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"                               \
                         : "=r"(here_.pc), "=r"(here_.sp), "=r"(here_.fp));                                    \
        here_;                                                                                                 \
    })
#else
#define UNWIND_HERE(end)                                                                                       \
    ({                                                                                                         \
        struct unwind here_ = {.hi = (end), .interrupted = true};                                              \
        __asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29"                                              \
                         : "=r"(here_.pc), "=r"(here_.sp), "=r"(here_.fp));                                    \
        here_;                                                                                                 \
    })
#endif

/* From a signal handler's context. */
struct unwind trix_unwind_context(const void *ucontext, uintptr_t hi);

/* Writes the program counters, innermost first, `from.pc` included, at most `most`; returns how many. All but an interrupted
 * first one are return addresses. Async-signal-safe; takes no lock and allocates nothing. */
unsigned trix_unwind(struct unwind from, uintptr_t *pcs, unsigned most);

/* Whether libgcc's unwinder may be called: in constructors with a priority it does not know of a static program's tables yet, and aborts. */
bool trix_unwinder_ready(void);

/* Code has gone (dlclose): what is remembered of addresses is forgotten. */
void trix_unwind_forget(void);

#endif
