/* A generator: a goroutine that sends what it makes, and closes the channel when there is no more. The receiver may stop early
 * by cancelling, so that the generator does not wait for ever. */
#include <stdio.h>
#include <tricolor.h>

struct primes {
    tri_chan *out;
    tri_context *context;
    int below;
};
TRI_TYPE(struct primes, out, context)

static bool is_prime(int n) {
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0) return false;
    return n > 1;
}

static void generate(void *arg) {
    struct primes *p = arg;
    int n = 0;
    tri_case cases[] = {TRI_SEND(p->out, &n), TRI_RECV(tri_context_done(p->context), NULL)};
    while (++n < p->below)
        if (is_prime(n) && tri_select(cases, 2, false) == 1) return; /* nobody wants more */
    tri_close(p->out);
}

static tri_chan *primes_below(tri_context *context, int n) {
    struct primes *p = tri_new(struct primes);
    tri_set(p->out, tri_chan_new(int, 0));
    tri_set(p->context, context);
    p->below = n;
    tri_go(generate, p);
    return p->out;
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_context *context = tri_context_with_cancel(tri_context_background());
    int n;
    for (tri_chan *c = primes_below(context, 30); tri_recv(c, &n);) printf("%d ", n);
    printf("- all\n");
    tri_chan *c = primes_below(context, 1000000000);
    for (int i = 0; i < 5 && tri_recv(c, &n); i++) printf("%d ", n);
    tri_context_cancel(context);
    while (tri_num_goroutine() > 1) tri_sleep(1000000);
    printf("- enough\n");
    return 0;
}
