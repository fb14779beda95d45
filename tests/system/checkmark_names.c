/* checkmark_names - GODEBUG=gccheckmark=1 finds a store without a barrier, and says where the pointer is that the cycle has not seen:
 * in which word of which object. */
#include "hold.h"

struct holder {
    long number;
    struct stamped *kept;
};

static struct holder *first; /* root, not looked at yet when the cycle is held */

NO_INLINE static void move_without_barrier(struct holder *from, struct holder *to) {
    *(struct stamped *volatile *)&to->kept = *(struct stamped *volatile *)&from->kept;
    *(struct stamped *volatile *)&from->kept = NULL;
}

NO_INLINE static void forget_on_stack(void) {
    volatile char room[4096];
    memset((char *)room, 0, sizeof room);
}

static int lose(void) {
    struct holder *holder = (struct holder *)tri_alloc(sizeof *holder);
    first = holder;
    tri_set(first->kept, stamped_new(7));
    tri_gc();
    hold_at(HOLD_MARK); /* what is made now is black, and this stack has been scanned */
    struct holder *black = (struct holder *)tri_alloc(sizeof *black);
    move_without_barrier(first, black);
    forget_on_stack();
    printf("holder %p\n", (void *)black);
    fflush(stdout);
    hold_release();
    return black->number != 0;
}

int main(int argc, char **argv) {
    char command[4096], text[4096], wanted[100];
    void *holder;
    if (argc > 1) return lose();
    step("a lost object");
    snprintf(command, sizeof command, "exec '%s' lose 2>&1", argv[0]);
    FILE *f = popen(command, "r");
    REQUIRE(f, "no shell");
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    REQUIRE(pclose(f) != 0, "nothing was found: %s", text);
    REQUIRE(strstr(text, "runtime: checkmark found unmarked object\n"), "said was: %s", text);
    REQUIRE(sscanf(text, "holder %p", &holder) == 1, "said was: %s", text);
    snprintf(wanted, sizeof wanted, "is in the word %zu bytes into the marked object %p of ", offsetof(struct holder, kept), holder);
    REQUIRE(strstr(text, wanted), "said was: %s", text);
    return 0;
}
