/* A storm of finalizers and cleanups from several threads, forks in the middle of it, and the program's end while they run. */
#include "life_test.h"

enum { THREADS = 3, OBJECTS = 40000, FORKS = 20 };

struct node {
    struct node *next;
    uintptr_t self;
};
TRI_TYPE(struct node, next)

static int finalized, cleaned, damaged, made;

static void finalize(void *object) {
    struct node *n = object;
    if (n->self != tri_hide(n) || (n->next && n->next->self != tri_hide(n->next))) damaged = 1;
    tri_new(struct node); /* finalizers may allocate */
    count_up(&finalized);
}
static void clean(void *arg) {
    struct node *n = arg;
    if (n->self != tri_hide(n)) damaged = 1;
    count_up(&cleaned);
}

static struct node *node_new(struct node *next) {
    struct node *n = tri_new(struct node);
    n->self = tri_hide(n);
    tri_set(n->next, next);
    return n;
}

static void *make(void *unused) {
    struct node *kept = NULL;
    for (int i = 0; i < OBJECTS; i++) {
        struct node *n = node_new(i % 3 ? NULL : kept);
        tri_set_finalizer(n, finalize);
        tri_add_cleanup(n, clean, node_new(NULL));
        if (i % 100 == 0) kept = node_new(NULL);
        count_up(&made);
    }
    return unused;
}

/* The child has its own finalizer thread, and what becomes due in it is run in it. */
static int in_child;
static void child_finalize(void *object) { (void)object, count_up(&in_child); }
NO_INLINE static void child_make(void) {
    for (int i = 0; i < 10; i++) tri_set_finalizer(node_new(NULL), child_finalize);
}
static void child(void) {
    child_make();
    collect_until(&in_child, 8);
    exit(damaged ? 3 : 0);
}

static void forks(void) {
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        REQUIRE(pid >= 0, "fork");
        if (pid == 0) child();
        waitpid(pid, &status, 0);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: status %x", i, status);
    }
}

int main(void) {
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, make, NULL);
    if (!SANITIZED) forks(); /* docs/design/sanitizers.md */
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    enum { ALL = THREADS * OBJECTS };
    collect_until(&finalized, ALL - 50); /* words on stacks may hold a few */
    collect_until(&cleaned, ALL - 50);
    REQUIRE(!damaged, "an object was not intact");
    REQUIRE(count_of(&finalized) <= ALL && count_of(&cleaned) <= ALL, "%d and %d of %d", finalized, cleaned, ALL);
    pthread_create(&thread[0], NULL, make, NULL); /* and the end comes while all this runs */
    await(&made, ALL + 1000);
    return 0;
}
