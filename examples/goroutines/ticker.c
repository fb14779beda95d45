/* Something done at intervals until it is told to end: a ticker and a context in one select. */
#include <stdio.h>
#include <tricolor.h>

struct beat {
    tri_context *context;
    tri_chan *ended;
    int ticks;
};
TRI_TYPE(struct beat, context, ended)

static void beat(void *arg) {
    struct beat *b = arg;
    tri_ticker *ticker = tri_ticker_new(1000000);
    tri_case cases[] = {TRI_RECV(tri_ticker_chan(ticker), NULL), TRI_RECV(tri_context_done(b->context), NULL)};
    while (tri_select(cases, 2, false) == 0) b->ticks++;
    tri_ticker_stop(ticker);
    tri_close(b->ended);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    struct beat *b = tri_new(struct beat);
    tri_set(b->context, tri_context_with_timeout(tri_context_background(), 50 * 1000000));
    tri_set(b->ended, tri_chan_new(char, 0));
    tri_go(beat, b);
    tri_recv(b->ended, NULL);
    printf("%s, after %s ticks\n", tri_context_err(b->context), b->ticks > 0 ? "some" : "no");
    return 0;
}
