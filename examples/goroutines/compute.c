/* A goroutine that computes without ever calling the library does not keep the others from running, even on one processor: after
 * 10 ms it loses the processor. So the timer below goes off, and ends the loop. */
#include <stdatomic.h>
#include <stdio.h>
#include <tricolor.h>

static atomic_bool enough;

static void say_stop(void *unused) {
    (void)unused;
    atomic_store(&enough, true);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_gomaxprocs(1);
    tri_after_func(1000000, say_stop, NULL);
    unsigned long rounds = 0;
    do rounds++; /* no call in sight */
    while (!atomic_load(&enough));
    printf("%s\n", rounds > 0 ? "stopped by a timer" : "?");
    return 0;
}
