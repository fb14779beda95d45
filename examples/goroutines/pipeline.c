/* A pipeline: each stage is a goroutine that receives, works, and sends on, and closes its output when its input is closed. */
#include <stdio.h>
#include <tricolor.h>

struct stage {
    tri_chan *in, *out;
    int (*fn)(int);
};
TRI_TYPE(struct stage, in, out)

static int square(int n) { return n * n; }
static int plus_one(int n) { return n + 1; }

static void run_stage(void *arg) {
    struct stage *s = arg;
    for (int n; tri_recv(s->in, &n);) {
        n = s->fn(n);
        tri_send(s->out, &n);
    }
    tri_close(s->out);
}

static tri_chan *then(tri_chan *in, int (*fn)(int)) {
    struct stage *s = tri_new(struct stage);
    tri_set(s->in, in);
    tri_set(s->out, tri_chan_new(int, 4));
    s->fn = fn;
    tri_go(run_stage, s);
    return s->out;
}

static void count(void *out) {
    for (int n = 1; n <= 5; n++) tri_send(out, &n);
    tri_close(out);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_chan *numbers = tri_chan_new(int, 0);
    tri_go(count, numbers);
    tri_chan *out = then(then(numbers, square), plus_one);
    for (int n; tri_recv(out, &n);) printf("%d\n", n);
    return 0;
}
