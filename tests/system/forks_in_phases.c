/* forks_in_phases [n]: the process forks n times in each phase of the cycle (off, marking, the end of marking, sweeping) while
 * threads allocate and one collects. Each child checks what it has inherited, allocates, collects and checks again.
 * `make fork` does it a thousand times. */
#include "check.h"
#include "gc/sweep.h"
#include "gc/thread.h"

enum { OFF, MARK, MARK_END, SWEEP, PHASES };
static const char *const names[PHASES] = {"off", "marking", "the end of marking", "sweeping"};
enum { LIST = 20000, CHILDS = 2000, CHILD_SECONDS = 60 };

void __real_trix_world_stop(bool scan);
void __wrap_trix_world_stop(bool scan);
static int ending; /* atomic: last stops begun */

void __wrap_trix_world_stop(bool scan) {
    if (scan && gate_marking()) post(&ending);
    __real_trix_world_stop(scan);
}

static struct stamped *list; /* root */
static int stop;             /* atomic */

NO_INLINE static struct stamped *build(uint64_t n) {
    struct stamped *first = NULL;
    for (uint64_t i = 0; i < n; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, first);
        first = s;
    }
    return first;
}
static bool whole(const struct stamped *s, uint64_t n) {
    while (s && stamped_ok(s, n - 1)) s = s->next, n--;
    return !s && n == 0;
}

static void *allocate(void *arg) {
    while (!posted(&stop)) REQUIRE(whole(build(500), 500), "a list of a thread's own is broken");
    return arg;
}

static bool is_now(int phase, int endings) {
    switch (phase) {
    case OFF: return !gate_marking() && !trix_sweep_active();
    case MARK: return gate_marking();
    case MARK_END: return posted(&ending) != endings;
    default: return trix_sweep_active();
    }
}

static int in_child(void) {
    alarm(CHILD_SECONDS);
    if (!whole(list, LIST)) return 10;
    struct stamped *volatile own = build(CHILDS);
    tri_gc();
    if (!whole(list, LIST)) return 11;
    if (!whole(own, CHILDS)) return 12;
    own = build(CHILDS);
    tri_gc();
    return whole(list, LIST) && whole(own, CHILDS) ? 0 : 13;
}

static void fork_in(int phase, int i) {
    int status, endings = posted(&ending);
    while (!is_now(phase, endings)) {}
    pid_t child = fork();
    REQUIRE(child >= 0, "fork: %s", strerror(errno));
    if (child == 0) _exit(in_child());
    while (waitpid(child, &status, 0) < 0) REQUIRE(errno == EINTR, "waitpid: %s", strerror(errno));
    REQUIRE(status == 0, "fork %d in the phase '%s': the child's status is %x", i, names[phase], status);
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 6;
    pthread_t thread[2];
    struct gc_loop loop;
    list = build(LIST);
    for (int i = 0; i < 2; i++) REQUIRE(pthread_create(&thread[i], NULL, allocate, NULL) == 0, "no thread");
    gc_loop_start(&loop);
    for (int i = 0; i < n; i++)
        for (int phase = 0; phase < PHASES; phase++) {
            step(names[phase]);
            fork_in(phase, i);
        }
    step("end");
    post(&stop);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    gc_loop_stop(&loop);
    REQUIRE(whole(list, LIST), "the parent's list is broken");
    return 0;
}
