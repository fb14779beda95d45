/* unmarked.c - functions that return twice, which clang does not mark as such under -fno-builtin. */
// FLAGS -fno-builtin
#include "test.h"

#include <setjmp.h>
#include <ucontext.h>

static jmp_buf jump;
static long by_setjmp(void) {
    struct node *volatile all[2];
    volatile int n = 0;
    setjmp(jump);
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    p->v = n;
    all[n] = p;
    n = n + 1;
    if (n < 2) longjmp(jump, 1);
    CHECK(all[0] != all[1]);
    return all[0]->v * 10 + all[1]->v;
}

static sigjmp_buf signal_jump;
static long by_sigsetjmp(void) {
    struct node *volatile all[2];
    volatile int n = 0;
    sigsetjmp(signal_jump, 1);
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    p->v = n;
    all[n] = p;
    n = n + 1;
    if (n < 2) siglongjmp(signal_jump, 1);
    CHECK(all[0] != all[1]);
    return all[0]->v * 10 + all[1]->v;
}

static ucontext_t context;
static long by_getcontext(void) {
    struct node *volatile all[2];
    volatile int n = 0;
    getcontext(&context);
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    p->v = n;
    all[n] = p;
    n = n + 1;
    if (n < 2) setcontext(&context);
    CHECK(all[0] != all[1]);
    return all[0]->v * 10 + all[1]->v;
}

int main(void) {
    CHECK(by_setjmp() == 1);
    CHECK(by_sigsetjmp() == 1);
    CHECK(by_getcontext() == 1);
    return 0;
}
