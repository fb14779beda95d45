/* keeper.c - a module that keeps what it is given; for plugins.c. */
#include <tricolor.h>

struct node {
    struct node *next;
    long value;
};
TRI_TYPE(struct node, next)

static void *global[1000];
static __thread void *own[1000]; /* too large for the static area of thread-locals */

void keep(int slot, void *object) { global[slot] = object; }
void *kept(int slot) { return global[slot]; }
void keep_own(int slot, void *object) { own[slot] = object; }
void *kept_own(int slot) { return own[slot]; }

void *push(void *list) {
    struct node *n = tri_new(struct node);
    n->value = 5;
    tri_set(n->next, (struct node *)list);
    return n;
}

/* Runs before the constructor of tricolor.h, when the module's barrier is not known to the library yet. */
static void early(void) {
    struct node *n = tri_new(struct node);
    tri_set(n->next, tri_new(struct node));
    global[999] = n;
}
__attribute__((section(".init_array.00050"), used)) static void (*const early_constructor)(void) = early;
