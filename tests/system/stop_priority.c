/* The collector's thread has real-time priority while the world is stopped, if the process may, and GODEBUG=gcrealtime=0
 * or a stop without bound (gcstoptheworld) does not forbid it; never when the world runs. The program's threads and those
 * they make keep theirs. */
#include "hold.h"

static int in_stops, stops, ordinary_outside, calls; /* atomic */

static int policy(void) { return (int)syscall(SYS_sched_getscheduler, 0); }

static void look_in_stop(void) {
    if (policy() == SCHED_FIFO) post(&in_stops);
    post(&stops);
}
static void look_outside(tri_gc_event event, void *arg) {
    (void)event;
    (void)arg;
    if (policy() == SCHED_OTHER) post(&ordinary_outside);
    post(&calls);
}

/* Whether the process may; the calling thread's own priority stays. */
static bool permitted(void) {
    struct sched_param fifo = {.sched_priority = 1}, ordinary = {.sched_priority = 0};
    if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &fifo) != 0) return false;
    REQUIRE(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary) == 0, "no way back");
    return true;
}

static void *own_policy(void *arg) {
    stamped_new(1);
    *(int *)arg = policy();
    return NULL;
}

int main(void) {
    const char *debug = getenv("GODEBUG");
    bool wanted = !strstr(debug, "gcrealtime=0") && !strstr(debug, "gcstoptheworld") && permitted();
    pthread_t thread;
    int of_thread = -1;
    REQUIRE(policy() == SCHED_OTHER, "the test itself has another policy, %d", policy());
    REQUIRE(tri_on_gc(look_outside, NULL) == 0, "tri_on_gc");
    hold_on_resume(look_in_stop);
    for (int i = 0; i < 20; i++) collect();
    hold_on_resume(NULL);
    REQUIRE(pthread_create(&thread, NULL, own_policy, &of_thread) == 0, "no thread");
    pthread_join(thread, NULL);
    int in = posted(&stops), fifo = posted(&in_stops), out = posted(&calls), ordinary = posted(&ordinary_outside);
    REQUIRE(in >= 40 && out >= 100, "%d stops, %d calls", in, out);
    REQUIRE(fifo == (wanted ? in : 0), "of %d stops %d at real-time priority", in, fifo);
    REQUIRE(ordinary == out, "%d calls out of %d at an ordinary priority", ordinary, out);
    REQUIRE(policy() == SCHED_OTHER && of_thread == SCHED_OTHER, "threads of the program: %d and %d", policy(), of_thread);
    return 0;
}
