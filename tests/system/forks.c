/* Hazard 22. A child of fork, made at any moment of a cycle and whatever the other threads are doing,
 * allocates, collects, makes threads, forks again; it finds every object as it was. */
#include "check.h"

enum { FORKS = 30, LIST = 3000 };

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

static int stop; /* atomic */
static void *mutate(void *arg) {
    (void)arg;
    struct stamped *own = NULL;
    for (uint64_t i = 0; !posted(&stop); i++) {
        struct stamped *s = stamped_new(i);
        if (i % 1000) tri_set(s->next, own);
        own = s;
        if (i % 64 == 0) memset(tri_alloc(i % 5000), 1, 1);
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
    pthread_t threads[2];
    struct gc_loop loop;
    build();
    gc_loop_start(&loop);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, mutate, NULL);
    step("fork");
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t child = fork();
        REQUIRE(child >= 0, "fork: %s", strerror(errno));
        if (child == 0) {
            step("the child works");
            child_works(i % 10 == 0);
            _exit(0);
        }
        if (i % 3) check_list();
        REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
        REQUIRE(status == 0, "child %d has ended with status %x", i, status);
    }
    post(&stop);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    gc_loop_stop(&loop);
    check_list();
    return 0;
}
