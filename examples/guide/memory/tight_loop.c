/* A loop without calls does not hold up the collector: threads are stopped by a signal, wherever they are, and goroutines that
 * compute for long lose their processor to others. (Go hung in such loops until 1.14.) */
#include <stdio.h>
#include <tricolor.h>

static volatile long done;

static void spin(void *unused) {
    (void)unused;
    while (!done) {} /* no call, no allocation */
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_gomaxprocs(1); /* one processor for both */
    tri_go(spin, NULL);
    tri_sleep(20 * 1000000); /* by now the other one spins */
    printf("the main goroutine runs again\n");
    tri_gc();
    printf("a cycle has ended while the loop runs\n");
    done = 1;
    return 0;
}
