/* Hazard 27. When the last stop finds that much is still to be marked, the world goes on: a large tree hangs
 * on a pointer that has moved from a global to a stack that was scanned before. So the cycle has more stops
 * than two, and loses nothing. (The thread runs until then: one that waits is looked at again before the stop.) */
#include "hold.h"

struct tree {
    struct tree *kid[2];
    uintptr_t self;
};
TRI_TYPE(struct tree, kid)

enum { DEPTH = 19 };

static struct tree *volatile global;
static int stops; /* atomic */

static void count_stop(void) { post(&stops); }

NO_INLINE static struct tree *grow(int depth) {
    struct tree *t = tri_new(struct tree);
    t->self = tri_hide(t);
    for (int k = 0; depth > 0 && k < 2; k++) tri_set(t->kid[k], grow(depth - 1));
    return t;
}
static unsigned long count(const struct tree *t) {
    if (!t) return 0;
    REQUIRE(t->self == tri_hide(t), "a node is lost");
    return 1 + count(t->kid[0]) + count(t->kid[1]);
}

/* On a thread of its own: whatever a compiler or a sanitizer leaves in frames and registers, the main thread has not had the pointer when
 * its stack is scanned. */
static void *grow_apart(void *arg) {
    global = grow(DEPTH);
    return arg;
}

int main(void) {
    pthread_t grower;
    REQUIRE(pthread_create(&grower, NULL, grow_apart, NULL) == 0, "no thread");
    pthread_join(grower, NULL);
    hold_on_resume(count_stop);
    step("hold the collector while it marks");
    hold_at(HOLD_MARK);
    struct tree *volatile here = global; /* this stack has been scanned */
    global = NULL;
    int before = posted(&stops);
    step("end the cycle");
    post(&hold.go);
    while (posted(&stops) == before) {} /* running */
    hold_release();
    REQUIRE(posted(&stops) - before > 1, "the last stop has marked %lu nodes", count(here));
    REQUIRE(count(here) == (2ul << DEPTH) - 1, "%lu nodes", count(here));
    return 0;
}
