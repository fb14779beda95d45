/* names.c - functions of the program's own, in another file, that are called as functions of the C library are, some with the same type. */
// WITH others/keepers.c
// FLAGS -fvisibility=hidden
#include <tricolor.h>

struct node {
    long v;
    struct node *next;
};
struct node *kept_at(int);
void bind(struct node **env, const char *name, struct node *value);
int link(struct node *, struct node *);
int symlink(struct node *, struct node *);
int unlink(struct node *);
int access(struct node *, int);
long send(int, struct node *, unsigned long, int);
int connect(int, struct node *, unsigned);
int poll(struct node *, unsigned long, int);
int wait(struct node *);
void insque(struct node *, struct node *behind);
void remque(struct node *before);

__attribute__((noinline)) static void disturb(void) {
    volatile long dirt[1000];
    for (int i = 0; i < 1000; i++) dirt[i] = 0x55555555;
    tri_gc();
}

static void bound(struct node **env) { // WANT "leaking param: env"
    struct node local = {.v = 41}, *made = tri_new(struct node); // WANT "moved to heap: local" "tri_new(struct node) escapes to heap"
    made->v = 42;
    bind(env, "local", &local);
    bind(env + 1, "made", made);
}

static int lists(void) {
    struct node *a = tri_new(struct node), *b = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    a->v = 1, b->v = 2;
    insque(b, a);
    if (a->v != 1 || a->next != b || b->v != 2 || b->next) return 0;
    remque(a);
    return a->v == 1 && !a->next && b->v == 2;
}

static void locals(void) {
    struct node a = {.v = 0}, b = {.v = 1}, c = {.v = 2}, d = {.v = 3}, e = {.v = 4}; // WANT "moved to heap: a" "moved to heap: b" "moved to heap: c" "moved to heap: d" "moved to heap: e"
    link(&a, &b);
    symlink(&c, &d);
    unlink(&e);
}

static void objects(void) {
    struct node *a = tri_new(struct node), *b = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    struct node *c = tri_new(struct node), *d = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    struct node *e = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    a->v = 5, b->v = 6, c->v = 7, d->v = 8, e->v = 9;
    access(a, 0);
    send(0, b, 0, 0);
    connect(0, c, 0);
    poll(d, 0, 0);
    wait(e);
}

int main(void) {
    struct node **env = tri_new_array(struct node *, 2); // WANT "tri_new_array(struct node *, 2) escapes to heap"
    bound(env);
    locals();
    objects();
    disturb();
    if (!lists()) return 20;
    if (env[0]->v != 41 || env[1]->v != 42) return 1;
    for (int i = 0; i < 10; i++)
        if (!tri_is_heap(kept_at(i)) || kept_at(i)->v != i) return 2 + i;
    return 0;
}
