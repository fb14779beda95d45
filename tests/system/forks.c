/* Hazard 22. A child of fork, made at any moment of a cycle and whatever the other threads are doing,
 * allocates, collects, makes threads, forks again; it finds every object as it was. */
#include "check.h"

#include <linux/futex.h>

enum { FORKS = 24, LIST = 3000 };

struct stamped *list; /* root */

static void build(void) {
    for (uint64_t i = 0; i < LIST; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, list);
        list = s;
    }
}
static void check_list(void) {
    uint64_t n = LIST;
    for (struct stamped *s = list; s; s = s->next)
        REQUIRE(stamped_ok(s, --n), "object %lu of the list", (long)n);
    REQUIRE(n == 0, "%lu objects are missing", (long)n);
}

static int stop, resting; /* atomic: while a child works, the parent's threads leave it the processors */

static void rest(void) {
    while (posted(&resting)) syscall(SYS_futex, &resting, FUTEX_WAIT, 1, NULL);
}
static void let_rest(int yes) {
    __atomic_store_n(&resting, yes, __ATOMIC_SEQ_CST);
    if (!yes) syscall(SYS_futex, &resting, FUTEX_WAKE, INT32_MAX);
}
static void *mutate(void *arg) {
    struct stamped *own = NULL;
    for (uint64_t i = 0; !posted(&stop); i++) {
        struct stamped *s = stamped_new(i);
        if (i % 1000) tri_set(s->next, own);
        own = s;
        if (i % 64 == 0) memset(tri_alloc(i % 5000), 1, 1);
        rest();
    }
    return arg;
}
static void *collect_on(void *cycles) {
    while (!posted(&stop)) {
        tri_gc();
        post((int *)cycles);
        rest();
    }
    return NULL;
}
static void *collect_in_thread(void *arg) {
    tri_gc();
    return stamped_ok((struct stamped *)arg, 9) ? arg : NULL;
}

static void child_works(int depth) {
    pthread_t thread;
    void *result;
    check_list();
    churn();
    tri_gc();
    check_list();
    REQUIRE(pthread_create(&thread, NULL, collect_in_thread, stamped_new(9)) == 0, "no thread in the child");
    pthread_join(thread, &result);
    REQUIRE(result, "the child's thread");
    if (depth > 0 && fork() == 0) {
        child_works(depth - 1);
        _exit(0);
    }
    int status = 0;
    if (depth > 0) REQUIRE(wait(&status) > 0 && status == 0, "the grandchild ends with %x", status);
}

int main(void) {
    pthread_t threads[3];
    static int cycles; /* atomic */
    build();
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, mutate, NULL);
    pthread_create(&threads[2], NULL, collect_on, &cycles);
    step("fork");
    for (int i = 0; i < FORKS; i++) {
        int status;
        if (i % 4 == 0) await(&cycles, posted(&cycles) + 1); /* else in the middle of one, as it comes */
        pid_t child = fork();
        REQUIRE(child >= 0, "fork: %s", strerror(errno));
        if (child == 0) {
            step("the child works");
            child_works(i % 12 == 0);
            _exit(0);
        }
        let_rest(1);
        if (i % 3) check_list();
        REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
        REQUIRE(status == 0, "child %d has ended with status %x", i, status);
        let_rest(0);
    }
    post(&stop);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    check_list();
    return 0;
}
