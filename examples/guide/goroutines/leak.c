/* A goroutine that waits for ever is never collected, and neither is what it holds. The cure is a context: whoever starts it can
 * tell it to end. */
#include <stdio.h>
#include <tricolor.h>

struct search {
    tri_chan *answer;
    tri_context *context; /* NULL: cannot be told */
    int number;
};
TRI_TYPE(struct search, answer, context)

static void work(void *arg) {
    struct search *s = arg;
    tri_case cases[] = {TRI_SEND(s->answer, &s->number), TRI_RECV(s->context ? tri_context_done(s->context) : NULL, NULL)};
    tri_select(cases, 2, false); /* until somebody takes the answer, or nobody wants it any more */
}

/* Asks ten, and is content with the first answer. */
static int first_of_ten(tri_context *context) {
    tri_chan *answer = tri_chan_new(int, 0);
    for (int i = 0; i < 10; i++) {
        struct search *s = tri_new(struct search);
        tri_set(s->answer, answer);
        tri_set(s->context, context);
        s->number = i;
        tri_go(work, s);
    }
    int n;
    tri_recv(answer, &n);
    return n >= 0;
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    first_of_ten(NULL);
    tri_sleep(20 * 1000000);
    printf("without a context: %d left\n", tri_num_goroutine() - 1);
    int before = tri_num_goroutine();

    tri_context *context = tri_context_with_cancel(tri_context_background());
    first_of_ten(context);
    tri_context_cancel(context);
    while (tri_num_goroutine() > before) tri_sleep(1000000);
    printf("with a context:    %d left\n", tri_num_goroutine() - before);
    return 0;
}
