/* Hazards 15 and 28. Every stack a thread may run on is looked at: coroutines', registered or not, running or
 * not; the program's alternate signal stack, and under it the interrupted one; very deep ones. */
#include "check.h"

#include <ucontext.h>

enum { STACK = 256 << 10, OBJECTS = 50, DEEP = 40000 };

static ucontext_t main_context, own_context;
static char *stack;

/* Holds objects on whatever stack it is called on, while `meanwhile` runs. */
NO_INLINE static void hold_on_stack(void (*meanwhile)(void), uint64_t from) {
    struct stamped *volatile own[OBJECTS];
    for (uint64_t i = 0; i < OBJECTS; i++) own[i] = stamped_new(from + i);
    meanwhile();
    for (uint64_t i = 0; i < OBJECTS; i++)
        REQUIRE(stamped_ok(own[i], from + i), "object %d on a stack is lost", (int)i);
    memset((void *)own, 0, sizeof own);
}

/* ---- coroutines ---- */

static void away(void) { swapcontext(&own_context, &main_context); }
static void coroutine(void) {
    hold_on_stack(collect, 1000); /* while it runs; main's objects are on the thread's stack */
    hold_on_stack(away, 2000);    /* while it does not */
}
static void into(void) { swapcontext(&main_context, &own_context); }

static void coroutines(bool registered) {
    stack = (char *)mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (registered) tri_stack_register(stack, stack + STACK);
    getcontext(&own_context);
    own_context.uc_stack.ss_sp = stack;
    own_context.uc_stack.ss_size = STACK;
    own_context.uc_link = &main_context;
    makecontext(&own_context, coroutine, 0);
    hold_on_stack(into, 3000);
    if (registered) {
        collect();
        into(); /* suspended meanwhile */
        tri_stack_unregister(stack, stack + STACK);
    }
    munmap(stack, STACK);
}

/* ---- alternate signal stacks ---- */

static int in_handler, go_on; /* atomic */
static void wait_in_handler(void) {
    post(&in_handler);
    await(&go_on, posted(&in_handler));
}
static void on_usr1(int sig) {
    (void)sig;
    hold_on_stack(wait_in_handler, 4000);
}
static void interrupt(void) { raise(SIGUSR1); }
static void *on_alternate(void *size) {
    stack_t own = {.ss_size = (size_t)(uintptr_t)size};
    own.ss_sp = malloc(own.ss_size);
    REQUIRE(sigaltstack(&own, NULL) == 0, "sigaltstack");
    for (int i = 0; i < 20; i++) hold_on_stack(interrupt, 5000);
    stack_t now;
    sigaltstack(NULL, &now);
    REQUIRE(now.ss_sp == own.ss_sp && now.ss_size == own.ss_size, "the program's stack is another one");
    own.ss_flags = SS_DISABLE;
    sigaltstack(&own, NULL);
    sigaltstack(NULL, &now);
    REQUIRE(now.ss_flags == SS_DISABLE, "the library's alternate stack is seen");
    free(own.ss_sp);
    return NULL;
}
static void alternate(size_t size) {
    pthread_t thread;
    in_handler = go_on = 0;
    pthread_create(&thread, NULL, on_alternate, (void *)(uintptr_t)size);
    for (int i = 1; i <= 20; i++) {
        await(&in_handler, i);
        tri_gc();
        churn();
        tri_gc();
        post(&go_on);
    }
    pthread_join(thread, NULL);
}

/* ---- deep ones ---- */

NO_INLINE static void deep(int level) {
    struct stamped *volatile own = stamped_new((uint64_t)level);
    if (level > 0)
        deep(level - 1);
    else
        collect();
    REQUIRE(stamped_ok(own, (uint64_t)level), "the object of level %d is lost", level);
}

int main(void) {
    step("registered coroutines");
    coroutines(true);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_usr1, .sa_flags = SA_ONSTACK}, NULL);
    step("alternate stacks");
    alternate(64 << 10);
    alternate(32 << 10);
    step("deep stacks");
    deep(DEEP);
    return 0;
}
