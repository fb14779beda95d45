/* Escape: a local whose address a goroutine is given outlives the function that starts it. */
#include <stdio.h>
#include <tricolor.h>

struct job {
    int n;
    tri_chan *done;
};

static void work(void *arg) {
    struct job *j = arg;
    j->n *= 2;
    tri_send(j->done, &j->n);
}

static tri_chan *begin(int n) {
    struct job j = {n, tri_chan_new(int, 0)};
    tri_go(work, &j);
    return j.done;
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    int n;
    tri_recv(begin(21), &n);
    printf("%d\n", n);
    return 0;
}
