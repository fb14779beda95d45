/* Code that runs before main: constructors of the first priority a program may have, 101, find their module registered, so that
 * their inlined allocations and stores are restartable. Code before that (the priorities up to 100 are the implementation's)
 * may store: the first tri_set registers the module. */
#include "check.h"

static struct stamped *early, *first; /* roots */
static uint32_t registered_early, registered_first;

static void before_constructors(int argc, char **argv, char **environment) {
    (void)argc;
    (void)argv;
    (void)environment;
    early = stamped_new(1);
    tri_set(early->next, stamped_new(2));
    registered_early = tri__this_module.registered;
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **, char **) = before_constructors;

NO_INLINE static void grow(void) {
    for (uint64_t i = 0; i < 100000; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, first);
        first = s;
    }
}

__attribute__((constructor(101))) static void first_constructor(void) {
    registered_first = tri__this_module.registered;
    struct gc_loop loop;
    gc_loop_start(&loop);
    grow();
    gc_loop_await(&loop, 3);
    gc_loop_stop(&loop);
}

int main(void) {
    REQUIRE(registered_early == 1, "a store before all constructors has not registered the module");
    REQUIRE(registered_first == 1, "a constructor of priority 101 has found the module unregistered");
    collect();
    REQUIRE(stamped_ok(early, 1) && stamped_ok(early->next, 2), "what was made first is lost");
    uint64_t n = 100000;
    for (struct stamped *s = first; s; s = s->next) REQUIRE(stamped_ok(s, --n), "object %lu", n);
    REQUIRE(n == 0, "%lu objects are missing", n);
    return 0;
}
