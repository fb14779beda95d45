/* There is no thread to be had for the collector: tri_gc runs the cycle on the calling thread, whose own stack is scanned like
 * any other, in a cycle that runs beside the program and in one that stops the world. */
#include "check.h"

int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg) {
    (void)thread;
    (void)attributes;
    (void)start;
    (void)arg;
    return EAGAIN;
}

static struct stamped *list; /* root */

NO_INLINE static hidden drop(void) { return tri_hide(stamped_new(99)); }

int main(void) {
    struct stamped *volatile here = stamped_new(1);
    tri_set(here->next, stamped_new(2));
    hidden dropped = drop();
    for (uint64_t i = 0; i < 1000; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, list);
        list = s;
    }
    for (int i = 0; i < 10; i++) {
        collect();
        REQUIRE(stamped_ok(here, 1) && stamped_ok(here->next, 2), "cycle %d has lost what this stack points to", i);
    }
    uint64_t n = 1000;
    for (struct stamped *s = list; s; s = s->next) REQUIRE(stamped_ok(s, --n), "object %lu", n);
    REQUIRE(n == 0, "%lu objects are missing", n);
    REQUIRE(!stamped_lives(dropped, 99), "no cycle has run");
    return 0;
}
