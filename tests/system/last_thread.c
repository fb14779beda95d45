/* A program whose main ends by pthread_exit goes on until its last thread has ended, and then ends by exit(0), with what atexit and
 * the threads' destructors have to do: the library's own threads do not keep it alive. What main returns this way lives. Each way there
 * is a process of its own. */
#include "check.h"

#include <sys/wait.h>

enum { THREADS = 8, TIMES = 20 };

static pthread_key_t key;
static int ended; /* atomic */
static bool forked;

static void count_end(void *arg) {
    (void)arg;
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}
static void at_exit(void) {
    if (forked) return;
    tri_gc();
    _exit(100 + __atomic_load_n(&ended, __ATOMIC_SEQ_CST)); /* tells the parent that this has run, and what had before */
}

static void *worker(void *wait) {
    struct stamped *s = stamped_new(1);
    pthread_setspecific(key, s);
    for (int i = 0; i < 2000; i++) stamped_new(2);
    if (wait) usleep(2000);
    return s;
}

static void goroutine(void *arg) {
    tri_close(arg);
    tri_sleep(3000000); /* ends later than the last thread */
}
static void goroutines(void *arg) {
    tri_chan *done = tri_chan_new(int, 0);
    (void)arg;
    tri_go(goroutine, done);
    tri_recv(done, NULL);
}

static void start(int threads, bool wait) {
    for (int i = 0; i < threads; i++) {
        pthread_t t;
        REQUIRE(pthread_create(&t, NULL, worker, wait ? &key : NULL) == 0, "no thread");
        pthread_detach(t);
    }
}

static pthread_t main_thread;
static hidden main_result;
NO_INLINE static void *result_of_main(void) {
    struct stamped *s = stamped_new(77);
    main_result = tri_hide(s);
    return s;
}
static void *joins_main(void *late) {
    char state[32] = "";
    void *result;
    pthread_setspecific(key, &key);
    while (late && state[0] != 'Z') {
        sched_yield();
        task_status(getpid(), "State:", state, sizeof state);
    }
    if (late) collect();
    REQUIRE(pthread_join(main_thread, &result) == 0, "main cannot be joined");
    collect();
    REQUIRE(result == tri_reveal(main_result) && stamped_ok(result, 77), "main's result: %p", result);
    return NULL;
}

static void *starter(void *arg) {
    start(THREADS - 1, arg != NULL);
    return worker(NULL);
}

/* Runs `way` in a child, whose main thread then ends; it must have seen `threads` and its own end. */
static void in_child(const char *name, int way, int threads) {
    for (int i = 0; i < TIMES; i++) {
        pid_t child = fork();
        REQUIRE(child >= 0, "fork");
        if (child == 0) {
            pthread_t t;
            forked = false;
            pthread_setspecific(key, &key);
            alarm(60); /* kills who does not end */
            if (way == 1) start(threads, false);
            if (way == 2) start(threads, true);
            if (way == 3) REQUIRE(pthread_create(&t, NULL, starter, &key) == 0, "no thread");
            if (way == 4) tri_run(goroutines, NULL);
            main_thread = pthread_self();
            if (way >= 5) REQUIRE(pthread_create(&t, NULL, joins_main, way == 6 ? &key : NULL) == 0, "no thread");
            clear_stack();
            pthread_exit(way >= 5 ? result_of_main() : NULL);
        }
        int status;
        REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 100 + threads + 1, "%s: status %#x, %d ends wanted", name, status, threads + 1);
    }
}

int main(void) {
    forked = true; /* the parent's own end says nothing */
    pthread_key_create(&key, count_end);
    atexit(at_exit);
    in_child("main alone", 0, 0);
    in_child("threads end at once", 1, THREADS);
    in_child("threads end later", 2, THREADS);
    in_child("threads that others start", 3, THREADS);
    in_child("goroutines have been", 4, 0);
    in_child("a thread waits for main's result", 5, 1);
    in_child("a thread asks for main's result later", 6, 1);
    return 0;
}
