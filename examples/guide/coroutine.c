/* coroutine.c - stacks of the program's own. */
#include "expect.h"
#include <string.h>
#include <tricolor.h>
#include <ucontext.h>

enum { STACK_BYTES = 256 << 10 };

static ucontext_t outside, coroutine;

static void run(void) {
    char *text = tri_strdup("only on the coroutine's stack");
    for (int i = 0; i < 10; i++) {
        swapcontext(&coroutine, &outside);
        expect(strcmp(text, "only on the coroutine's stack") == 0);
    }
}

int main(void) {
    char *stack = malloc(STACK_BYTES);
    tri_stack_register(stack, stack + STACK_BYTES); /* scanned whole, also while it is suspended */
    getcontext(&coroutine);
    coroutine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = STACK_BYTES};
    coroutine.uc_link = &outside;
    makecontext(&coroutine, run, 0);
    for (int i = 0; i < 11; i++) {
        swapcontext(&outside, &coroutine);
        tri_gc();
    }
    tri_stack_unregister(stack, stack + STACK_BYTES);
    free(stack);
    return 0;
}
