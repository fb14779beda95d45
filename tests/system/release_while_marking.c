/* Hazards 2 and 24. Memory is given back by hand while a cycle marks: tri_free, a shrinking tri_realloc,
 * tri_unpin, tri_remove_roots, tri_stack_unregister. A thread that has just loaded a pointer out of it and
 * stores it elsewhere keeps the object; what is freed is not handed out again before the cycle has ended. */
#include "hold.h"

enum { EACH = 20 };

struct box {
    struct stamped *p;
};
TRI_TYPE(struct box, p)

static struct stamped *owner[EACH];  /* of the only pointer; roots until given back */
static struct stamped **block[EACH]; /* untyped */
static struct stamped **outside;     /* malloc'ed, added as roots */
static hidden pinned[EACH], where[5][EACH];
struct box *fresh[5][EACH]; /* made while marking: black; a root */

NO_INLINE static struct stamped *make(int way, int i) {
    struct stamped *s = stamped_new((uint64_t)(way * 100 + i));
    where[way][i] = tri_hide(s);
    return s;
}
NO_INLINE static void fill(void) {
    outside = (struct stamped **)calloc(EACH, sizeof *outside);
    for (int i = 0; i < EACH; i++) {
        owner[i] = stamped_new(0);
        tri_set(owner[i]->next, make(0, i));
        block[i] = (struct stamped **)tri_alloc(4000);
        tri_set(block[i][400], make(1, i));
        struct stamped *s = make(2, i);
        pinned[i] = tri_hide(s);
        tri_pin(s);
        outside[i] = make(3, i);
    }
    tri_add_roots(outside, outside + EACH);
}
NO_INLINE static void give_back(void) {
    for (int i = 0; i < EACH; i++) {
        for (int w = 0; w < 4; w++) fresh[w][i] = tri_new(struct box);
        tri_set(fresh[0][i]->p, owner[i]->next);
        tri_free(owner[i]);
        tri_set(fresh[1][i]->p, block[i][400]);
        block[i] = (struct stamped **)tri_realloc(block[i], 2500);
        tri_set(fresh[2][i]->p, (struct stamped *)tri_reveal(pinned[i]));
        tri_unpin(tri_reveal(pinned[i]));
        tri_set(fresh[3][i]->p, outside[i]);
    }
    tri_remove_roots(outside, outside + EACH);
    memset(outside, 0, EACH * sizeof *outside);
    for (int i = 0; i < 20000; i++) {
        struct stamped *again = stamped_new(0);
        for (int k = 0; k < EACH; k++)
            REQUIRE(again != owner[k], "an object freed while marking is handed out again");
    }
    memset(owner, 0, sizeof owner);
}

int main(void) {
    churn(); /* the type is no longer rare */
    fill();
    clear_stack();
    step("hold the collector while it marks");
    hold_at(HOLD_MARK);
    step("give back");
    give_back();
    clear_stack();
    step("end the cycle");
    hold_release();
    churn();
    for (int w = 0; w < 4; w++)
        for (int i = 0; i < EACH; i++)
            REQUIRE(fresh[w][i]->p == tri_reveal(where[w][i]) &&
                        stamped_lives(where[w][i], (uint64_t)(w * 100 + i)),
                    "way %d: object %d is lost", w, i);
    return 0;
}
