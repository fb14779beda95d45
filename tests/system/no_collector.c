/* There is no thread to be had for the collector: tri_gc, and who fills the heap, run the cycle on the calling thread, whose own stack is
 * scanned like any other, in a cycle that runs beside the program and in one that stops the world. Handlers of the program that
 * allocate come meanwhile, handlers of tri_on_gc allocate on that thread, a thread that waits for a cycle while another one tries in
 * vain to make the collector's is not forgotten, and a fork waits until the cycle may be left. */
#include "check.h"
#include "gc/gc.h"

#include <sys/time.h>

int __real_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
static int ours;         /* the thread to be made is the program's; atomic */
static int wait_for_ask; /* the main thread's refusal comes when another one has asked for a cycle, and waits, or is through; atomic */
static int through;
static pthread_t main_thread;

int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg) {
    if (__atomic_exchange_n(&ours, 0, __ATOMIC_SEQ_CST)) return __real_trix_libc_pthread_create(thread, attributes, start, arg);
    if (pthread_equal(pthread_self(), main_thread) && __atomic_exchange_n(&wait_for_ask, 0, __ATOMIC_SEQ_CST))
        while (!load_seq(&through) && (int32_t)(load_seq(&trix_gc.wanted) - load_seq(&trix_gc.started)) <= 0) sched_yield();
    return EAGAIN;
}

static struct stamped *list; /* root */

NO_INLINE static hidden drop(void) { return tri_hide(stamped_new(99)); }

/* ---- the trigger ---- */

static void fill(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    uint32_t before = s.num_gc;
    for (int i = 0; i < (SANITIZED ? 640000 : 64000); i++) { /* a sanitizer's globals are tens of MB, and count in the goal */
        void *volatile p = tri_alloc_leaf(1000);
        (void)p;
    }
    tri_read_mem_stats(&s);
    REQUIRE(s.num_gc >= before + 3, "%u cycles in so much garbage", s.num_gc - before);
}

/* ---- handlers ---- */

static void *volatile handled;
static void on_alarm(int sig) {
    (void)sig;
    for (int i = 0; i < 50; i++) handled = tri_alloc(300);
}

static void collect_with_handlers(void) {
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 300; i++) tri_gc();
    setitimer(ITIMER_REAL, &never, NULL);
}

/* ---- two threads ---- */

static void *ask(void *arg) {
    tri_gc();
    store_seq(&through, 1);
    return arg;
}

/* This thread is making the collector's when the other one asks for a cycle. */
static void refuse_late(void) {
    pthread_t thread;
    for (int i = 0; i < 20; i++) {
        store_seq(&ours, 1);
        store_seq(&through, 0);
        REQUIRE(pthread_create(&thread, NULL, ask, NULL) == 0, "no thread");
        store_seq(&wait_for_ask, 1);
        while (load_seq(&wait_for_ask) && !load_seq(&through)) {
            void *volatile p = tri_alloc_leaf(20000);
            (void)p;
        }
        pthread_join(thread, NULL);
        store_seq(&wait_for_ask, 0);
    }
}

/* ---- a fork ---- */

static int enough; /* atomic */
static void *collect_for_long(void *arg) {
    while (!load_seq(&enough)) {
        for (int i = 0; i < 20000; i++) stamped_new(1ull << 60);
        for (size_t i = 0; i < 4000; i++) memset(tri_alloc(16 + i % 500), 0xee, 16);
        tri_gc();
    }
    return arg;
}

static void check_list(void) {
    uint64_t n = 1000;
    for (struct stamped *s = list; s; s = s->next) REQUIRE(stamped_ok(s, --n), "object %lu", n);
    REQUIRE(n == 0, "%lu objects are missing", n);
}

/* While another thread is anywhere in a cycle; the child collects, and what was swept by half is not waited for. */
static void fork_meanwhile(void) {
    pthread_t thread;
    store_seq(&ours, 1);
    REQUIRE(pthread_create(&thread, NULL, collect_for_long, NULL) == 0, "no thread");
    for (int i = 0; i < 100; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            tri_gc();
            churn();
            tri_gc();
            check_list();
            _exit(0);
        }
        REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child %d: status %d", i, status);
    }
    store_seq(&enough, 1);
    pthread_join(thread, NULL);
}

/* ---- the program's handlers of cycles ---- */

static void *volatile noted;
static void note(tri_gc_event event, void *arg) {
    (void)event;
    for (int i = 0; i < 100; i++) noted = tri_alloc(1000);
    ++*(int *)arg;
}

/* They are called on the thread that runs the cycle, and may allocate there. */
static void collect_with_listener(void) {
    static int notes;
    REQUIRE(tri_on_gc(note, &notes) == 0, "tri_on_gc");
    fill();
    tri_gc();
    REQUIRE(notes >= 3, "%d events", notes);
}

int main(void) {
    main_thread = pthread_self();
    struct stamped *volatile here = stamped_new(1);
    tri_set(here->next, stamped_new(2));
    hidden dropped = drop();
    for (uint64_t i = 0; i < 1000; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, list);
        list = s;
    }
    for (int i = 0; i < 10; i++) {
        collect();
        REQUIRE(stamped_ok(here, 1) && stamped_ok(here->next, 2), "cycle %d has lost what this stack points to", i);
    }
    check_list();
    REQUIRE(!stamped_lives(dropped, 99), "no cycle has run");
    step("fill the heap");
    fill();
    step("collect while handlers run");
    collect_with_handlers();
    step("ask while a collector is made in vain");
    refuse_late();
    if (!SANITIZED) { /* no forks: docs/design/sanitizers.md */
        step("fork while another thread collects");
        fork_meanwhile();
    }
    step("collect with a handler of cycles");
    collect_with_listener();
    return 0;
}
