/* The collector finds goroutines that are blocked for ever: here three wait for a sender that has gone away. The fourth waits on a
 * channel that main still knows, and is none. tri_goroutine_leaks(2) would print where each of them stands. */
#include <stdio.h>
#include <tricolor.h>

static void wait_for(void *chan) { tri_recv(chan, NULL); }

/* In a goroutine of its own, whose stack is gone afterwards with all pointers to the channel. */
static void forget(void *done) {
    tri_chan *lost = tri_chan_new(int, 0);
    for (int i = 0; i < 3; i++) tri_go(wait_for, lost);
    tri_waitgroup_done(done);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_waitgroup done = {0};
    tri_chan *kept = tri_chan_new(int, 0);
    tri_waitgroup_add(&done, 1);
    tri_go(forget, &done);
    tri_go(wait_for, kept);
    tri_waitgroup_wait(&done);
    while (tri_goroutine_leaks(-1) < 3) tri_yield(); /* until they have come to where they stay */
    printf("%d of %d goroutines are leaked\n", tri_goroutine_leaks(-1), tri_num_goroutine());
    tri_close(kept);
    return 0;
}
