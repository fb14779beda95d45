/* An object is found by every thread, while the one that made it goes on to the next span: what that has claimed there and
 * not handed out yet must not be taken for the object's own slot. */
#include "check.h"

struct item {
    struct item *next;
    uint64_t number[3];
};
TRI_TYPE(struct item, next)

enum { ITEMS = 60000, ROUNDS = 400 };

static struct item *latest; /* atomic */
static int done;            /* atomic */
static uint64_t asked; /* main only */

/* Half of the objects stay, every second one, so that new ones come from slots between old ones. */
static void *make(void *arg) {
    (void)arg;
    static struct item *kept;
    for (int round = 0; round < ROUNDS; round++) {
        kept = NULL;
        for (int i = 0; i < ITEMS; i++) {
            struct item *p = tri_new(struct item);
            __atomic_store_n(&latest, p, __ATOMIC_SEQ_CST);
            if (i % 2 == 0) continue;
            tri_set(p->next, kept);
            kept = p;
        }
        tri_gc();
    }
    post(&done);
    return NULL;
}

int main(void) {
    pthread_t maker;
    step("asking about another thread's objects");
    REQUIRE(pthread_create(&maker, NULL, make, NULL) == 0, "no thread");
    while (!posted(&done)) {
        struct item *p = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
        if (!p) continue;
        REQUIRE(tri_base(p) == p, "after %lu questions: the base of %p is %p", asked, (void *)p, tri_base(p));
        asked++;
    }
    pthread_join(maker, NULL);
    return 0;
}
