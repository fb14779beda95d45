/* GODEBUG=gccheckmark=1 raises no false alarm when the kernel writes a pointer into the frame of a blocked thread after the last
 * stop has looked at it: to an object that is alive, whose start is also the end of a dead one. */
#include "hold.h"

enum { OBJECTS = 4000 };

static struct stamped *kept; /* root */
static int fd[2], ready;

static void *wait_for_pointer(void *tid) {
    struct stamped *from_kernel = NULL;
    __atomic_store_n((int *)tid, own_tid(), __ATOMIC_SEQ_CST);
    post(&ready);
    REQUIRE(read(fd[0], &from_kernel, sizeof from_kernel) == sizeof from_kernel, "read");
    return from_kernel;
}

/* Keeps one object whose neighbour below dies. */
NO_INLINE static void make(void) {
    struct stamped *last = NULL;
    for (uint64_t i = 0; i < OBJECTS; i++) {
        struct stamped *s = stamped_new(i);
        if (last && s == last + 1) kept = s;
        last = s;
    }
    REQUIRE(kept, "no two objects lie side by side");
}

static int written; /* atomic; in the stop, the collector's thread may only ask the kernel */
static void write_pointer(void *arg) {
    (void)arg;
    if (syscall(SYS_write, fd[1], &kept, sizeof kept) == sizeof kept) post(&written);
}

int main(void) {
    pthread_t reader;
    int tid = 0;
    void *result;
    make();
    clear_stack();
    REQUIRE(pipe(fd) == 0, "pipe");
    REQUIRE(pthread_create(&reader, NULL, wait_for_pointer, &tid) == 0, "no thread");
    await(&ready, 1);
    await_asleep(tid);
    step("a cycle with a check mark");
    hold_run(HOLD_STOP, write_pointer, NULL);
    REQUIRE(posted(&written), "write");
    pthread_join(reader, &result);
    REQUIRE(result == kept && stamped_ok(kept, kept->number), "the object has not come through");
    return 0;
}
