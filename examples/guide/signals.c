/* signals.c - a handler may allocate and store pointers. */
#include "expect.h"
#include <signal.h>
#include <sys/time.h>
#include <tricolor.h>

struct tick {
    struct tick *next;
    long number;
};
TRI_TYPE(struct tick, next)

static struct tick *ticks;

static void on_tick(int sig) {
    (void)sig;
    struct tick *t = tri_new(struct tick);
    t->number = ticks ? ticks->number + 1 : 1;
    tri_set(t->next, ticks);
    ticks = t;
}

int main(void) {
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_interval = {0, 500}, .it_value = {0, 500}}, NULL);
    for (volatile long i = 0; !ticks || ticks->number < 100; i++) tri_alloc(64);
    signal(SIGALRM, SIG_IGN);
    tri_gc();
    long number = ticks->number;
    for (struct tick *t = ticks; t; t = t->next) expect(t->number == number--);
    expect(number == 0);
    return 0;
}
