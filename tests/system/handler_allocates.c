/* Hazards 7 and 21. Handlers interrupt a thread thousands of times a second in the middle of allocating and
 * storing; they allocate objects of the same kinds, store pointers, and some leave by siglongjmp. No slot is
 * handed out twice, no store is lost. */
#include "check.h"

#include <setjmp.h>

enum { RING = 512 };

struct stamped *by_handler[RING]; /* roots */
struct stamped *by_thread[RING];
struct {
    struct stamped *head;
} * heads[8];

static volatile uint64_t handler_number, thread_number, jumps;
static sigjmp_buf out;
static volatile sig_atomic_t may_jump;

static void on_timer(int sig) {
    int saved = errno;
    (void)sig;
    uint64_t n = ++handler_number;
    struct stamped *s = stamped_new(n);
    unsigned slot = n % RING;
    if (by_handler[slot])
        REQUIRE(stamped_ok(by_handler[slot], n - RING), "object %lu of the handler", (long)(n - RING));
    by_handler[slot] = s;
    tri_set(s->next, by_handler[(n * 7) % RING]);
    tri_set(s->next, NULL);
    memset(tri_alloc(40), 0xff, 40);
    tri_set(heads[n % 8]->head, s);
    errno = saved;
    if (may_jump && n % 16 == 0) {
        jumps++;
        siglongjmp(out, 1);
    }
}

/* A fresh object each time, checked when its place in the ring is needed again. */
static void allocate(void) {
    for (int i = 0; i < 1000; i++) {
        uint64_t n = ++thread_number;
        struct stamped *s = stamped_new(n | 1ull << 40), *old = by_thread[n % RING];
        if (old)
            REQUIRE(stamped_ok(old, old->number) && old->number >> 40 == 1,
                    "an object of the thread is lost");
        by_thread[n % RING] = s;
        if (old) tri_set(s->next, NULL);
        char *block = (char *)tri_alloc(40);
        for (int b = 0; b < 40; b++) REQUIRE(!block[b], "a block was handed out twice");
    }
}

int main(void) {
    struct gc_loop loop;
    timer_t timer;
    for (int i = 0; i < 8; i++) heads[i] = tri_alloc(16);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event._sigev_un._tid = own_tid();
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_timer, .sa_flags = SA_RESTART}, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    gc_loop_start(&loop);
    timer_settime(timer, 0, &(struct itimerspec){{0, 30000}, {0, 30000}}, NULL);
    step("handlers that return");
    while (handler_number < 8000) allocate();
    step("handlers that jump");
    sigsetjmp(out, 1);
    while (jumps < 600) {
        may_jump = 1;
        allocate();
        may_jump = 0;
    }
    may_jump = 0;
    timer_delete(timer);
    REQUIRE(gc_loop_stop(&loop) > 0, "no collection");
    for (int i = 0; i < 8; i++)
        REQUIRE(stamped_ok(heads[i]->head, heads[i]->head->number), "head %d is lost", i);
    return 0;
}
