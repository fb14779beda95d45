/* signals.c - a signal handler of plain C stores pointers into the heap, allocates, and now and then leaves by siglongjmp, while the
 * thread it interrupts does the same and collections go on: the barriers are async-signal-safe, and no store is cut in half.
 */
#define _GNU_SOURCE
#include "rules.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

enum { TICKS = 3000 };

static struct thing *volatile current;
static struct thing *ring[64];
static volatile sig_atomic_t ticks, may_jump;
static sigjmp_buf out;

static void handler(int number) { //=> 4 stores barriered
    (void)number;
    struct thing *t = thing_new((uint64_t)ticks);
    t->next = current;
    if (t->next) t->next->next = NULL;
    current = t;
    ring[ticks & 63] = t;
    ticks++;
    if (may_jump && ticks % 5 == 0) siglongjmp(out, 1);
}

static void work(void) {
    static volatile uint64_t i;
    sigsetjmp(out, 1);
    may_jump = 1;
    for (; ticks < TICKS; i++) {
        struct thing *t = thing_new(i);
        t->next = ring[i & 63];
        if (t->next) t->next->next = NULL;
        ring[i & 63] = t;
        if ((i & 0x3ff) == 0) tri_gc();
    }
    may_jump = 0;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    rules_load();
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    work();
    setitimer(ITIMER_REAL, &never, NULL);
    thing_check(current, (uint64_t)ticks - 1, "the handler's last");
    for (int i = 0; i < 64; i++)
        if (!ring[i] || ring[i]->seal < SEAL || (ring[i]->next && ring[i]->next->seal < SEAL)) abort();
    return 0;
}
