/* The handler of tri_set_oom_handler: what it drops is collected before the allocation is tried once more, however often; and on a goroutine
 * it may wait for another one, as for a lock: it comes back on the thread it was called on, to which the allocation under way belongs. */
#define TRIX_FAULTS
#include "check.h"
#include "os/os.h"

enum { BLOCK = 100 << 10, BLOCKS = 1700, TIMES = 2, FILLERS = 3 };

static void *cache[BLOCKS]; /* roots; no list, which one stale pointer would keep */
static tri_mutex lock;
static int handled, moved; /* atomic */
static tri_chan *asked, *answered;

static void drop(size_t wanted) {
    REQUIRE(wanted >= BLOCK || wanted <= 4096, "%zu bytes wanted", wanted);
    memset(cache, 0, sizeof cache);
    post(&handled);
}

NO_INLINE static void fill(void) {
    for (int i = 0; i < BLOCKS; i++) cache[i] = tri_alloc(BLOCK);
}

/* ---- goroutines ---- */

static void answer(void *arg) {
    char c;
    (void)arg;
    while (tri_recv(asked, &c)) {
        for (int i = 0; i < 10; i++) tri_yield();
        tri_send(answered, &c);
    }
}

static void drop_and_wait(size_t wanted) {
    char c = 0;
    pthread_t here = pthread_self();
    tri_mutex_lock(&lock);
    drop(wanted);
    tri_send(asked, &c);
    tri_recv(answered, &c);
    tri_mutex_unlock(&lock);
    if (!pthread_equal(here, pthread_self())) post(&moved);
}

static int stop; /* atomic */
static void keep_busy(void *arg) {
    (void)arg;
    while (!posted(&stop)) tri_sleep(20000);
}

static void nothing(void *arg) { (void)arg; }

static void fill_on_goroutines(void *arg) {
    (void)arg;
    asked = tri_chan_new(char, 0);
    answered = tri_chan_new(char, 0);
    tri_go(answer, NULL);
    for (int i = 0; i < FILLERS; i++) tri_go(keep_busy, NULL);
    tri_set_oom_handler(drop_and_wait);
    fill();
    tri_close(asked);
    post(&stop);
}

/* With memory refused there is one buffer for grey objects: more large blocks than it holds, and objects with finalizers, whose
 * fields are marked again and again, still come to an end. */
enum { FINALIZED = 2000 };
static struct stamped *finalized[FINALIZED];
static void never(void *object) { REQUIRE(!object, "a finalizer of an object that lives"); }
static void make_finalized(void) {
    for (int i = 0; i < FINALIZED; i++) {
        finalized[i] = stamped_new((uint64_t)i);
        tri_set(finalized[i]->next, stamped_new((uint64_t)i));
        tri_set_finalizer(finalized[i], never);
    }
}

int main(void) {
    make_finalized();
    tri_alloc(BLOCK);
    tri_run(nothing, NULL); /* threads and their tables are there */
    step("drop what is kept");
    trix_os_fault(OS_FAULT_COMMIT, 1, true); /* the heap remains as large as it is */
    tri_set_oom_handler(drop);
    fill();
    REQUIRE(posted(&handled) >= TIMES, "the handler has been called %d times", posted(&handled));
    step("wait in the handler, on a goroutine");
    handled = 0;
    tri_run(fill_on_goroutines, NULL);
    REQUIRE(posted(&handled) >= TIMES, "the handler has been called %d times", posted(&handled));
    REQUIRE(posted(&moved) == 0, "the handler has come back on another thread");
    tri_gc();
    for (int i = 0; i < FINALIZED; i++)
        REQUIRE(stamped_ok(finalized[i], (uint64_t)i) && stamped_ok(finalized[i]->next, (uint64_t)i), "object %d", i);
    return 0;
}
