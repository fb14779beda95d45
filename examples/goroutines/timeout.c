/* Waiting for an answer, but not for ever: select between the answer and tri_after. The channel has room for one, so that who
 * answers too late need not wait for somebody who has left. */
#include <stdio.h>
#include <tricolor.h>

struct question {
    tri_chan *answer;
    int64_t takes_ns;
};
TRI_TYPE(struct question, answer)

static void think(void *arg) {
    struct question *q = arg;
    tri_sleep(q->takes_ns);
    tri_send(q->answer, &(int){42});
}

static void ask(const char *how, int64_t takes_ns, int64_t patience_ns) {
    struct question *q = tri_new(struct question);
    tri_set(q->answer, tri_chan_new(int, 1));
    q->takes_ns = takes_ns;
    tri_go(think, q);
    int answer;
    tri_case cases[] = {TRI_RECV(q->answer, &answer), TRI_RECV(tri_after(patience_ns), NULL)};
    if (tri_select(cases, 2, false) == 0) printf("%s: %d\n", how, answer);
    else printf("%s: no answer in time\n", how);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    ask("quick", 1000000, 60ll * 1000000000);
    ask("slow", 3600ll * 1000000000, 1000000);
    return 0;
}
