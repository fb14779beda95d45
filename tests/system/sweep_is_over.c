/* sweep_is_over - no cycle begins while a span is still being swept, by whoever it may be. A thread that looks at an object sweeps its
 * span first; here it is held in the middle of that. Where marking stops the world throughout, threads scan themselves as
 * they stop, and the marks of the last cycle would still be there: what is only on a stack would be taken as marked, and then,
 * once the span has been swept, as dead. */
#include "check.h"
#include "gc/sweep.h"
#include "gc/thread.h"
#include "heap/gate.h"
#include "heap/map.h"

struct item {
    struct item *other;
    long number;
};
TRI_TYPE(struct item, other)

enum { NUMBER = 4711 };

static uintptr_t neighbour; /* hidden: what the looker looks at, in the same span, or its own stack would keep the item */
static uint32_t page;
static struct thread *keeper_thread;
static int kept, ready, looked, over; /* posted */
/* Posted: the looker is to sweep the span; sweeping has begun; the looker is in the span; somebody waits for the end of that. */
static int armed, go_on, held, yielded;
static __thread bool looks;
static int gone;

static void on_gone(void *arg) {
    (void)arg;
    post(&gone);
}

/* The only pointer is in this thread's registers or on its stack. */
static void *keeper(void *arg) {
    struct item *next = tri_new(struct item), *item = tri_new(struct item); /* in this order: a root keeps the slot before it too */
    neighbour = tri_hide(next);
    item->number = NUMBER;
    tri_add_cleanup(item, on_gone, NULL); /* so that sweeping the span takes a call */
    page = map_page_of((uintptr_t)item);
    REQUIRE(map_page_of((uintptr_t)next) == page, "two objects in two spans");
    keeper_thread = thread_self();
    post(&kept);
    while (!posted(&over)) __asm__ volatile("" : "+r"(item), "+r"(next) : : "memory");
    REQUIRE(item->number == NUMBER && !posted(&gone), "number %ld", item->number);
    return arg;
}

static void *looker(void *arg) {
    looks = true;
    post(&ready);
    while (!posted(&go_on)) __asm__ volatile("" : : : "memory");
    REQUIRE(tri_size(tri_reveal(neighbour)) >= sizeof(struct item), "the object is not there");
    post(&looked);
    return arg;
}

/* By the collector, the world running: before it sweeps anything itself, the looker is in the span. */
void __real_trix_sweep_begin(void);
void __wrap_trix_sweep_begin(void);
void __wrap_trix_sweep_begin(void) {
    __real_trix_sweep_begin();
    if (!posted(&armed) || posted(&go_on)) return;
    post(&go_on);
    uint8_t unswept = sweep_parity() ^ 1;
    while (!posted(&held) && load_acquire(&trix_map.states[page].swept) == unswept) sched_yield(); /* else another was faster */
}

static bool keeper_has_stopped(void) {
    return load_seq(&trix_threads.stopping) && load_seq(&keeper_thread->state) == THREAD_STOPPED;
}

void __real_trix_life_sweep(uint32_t page);
void __wrap_trix_life_sweep(uint32_t at);
void __wrap_trix_life_sweep(uint32_t at) {
    if (looks && at == page && !posted(&held)) {
        post(&held);
        while (!posted(&yielded) && !keeper_has_stopped()) sched_yield();
    }
    __real_trix_life_sweep(at);
}

void __real_trix_os_yield(void);
void __wrap_trix_os_yield(void);
void __wrap_trix_os_yield(void) {
    if (posted(&held) && !looks) post(&yielded);
    __real_trix_os_yield();
}

int main(void) {
    pthread_t keeping, looking;
    step("make");
    REQUIRE(!tri_set_tracking(TRI_TRACK_NONE), "TRITRACK cannot be set any more");
    pthread_create(&keeping, NULL, keeper, NULL);
    pthread_create(&looking, NULL, looker, NULL);
    await(&kept, 1);
    await(&ready, 1); /* a thread cannot begin while the collector is held */
    step("collect");
    tri_gc();
    post(&armed);
    tri_gc(); /* the looker sweeps */
    tri_gc();
    step("look");
    await(&looked, 1);
    tri_gc();
    post(&over);
    pthread_join(keeping, NULL);
    pthread_join(looking, NULL);
    return 0;
}
