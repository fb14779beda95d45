/* A map of sessions that nobody ever deletes from is a leak that no collector can see: everything in it is reachable. The cure is
 * a ticker that sweeps out what is old. */
#include <stdio.h>
#include <tricolor.h>

struct session {
    int user;
    int64_t last_used; /* in requests: a clock that stands still when nothing happens */
};
TRI_TYPE_LEAF(struct session)
TRI_MAP(sessions, int, struct session *)

enum { REQUESTS = 20000, MOST_AGE = 500 };

static sessions all;
static tri_mutex lock; /* maps are not for two at a time */
static int64_t now;

static void request(int user) {
    tri_mutex_lock(&lock);
    struct session *s = tri_new(struct session);
    s->user = user;
    s->last_used = ++now;
    tri_map_put(all, user, s);
    tri_mutex_unlock(&lock);
}

static void sweep(void) {
    int user;
    struct session *s;
    tri_mutex_lock(&lock);
    tri_map_each(all, &user, &s)
        if (s->last_used < now - MOST_AGE) tri_map_delete(all, user); /* deleting while going round is fine */
    tri_mutex_unlock(&lock);
}

static void sweep_now_and_then(void *done) {
    tri_ticker *ticker = tri_ticker_new(1000 * 1000);
    int64_t when;
    bool stop = false;
    tri_case cases[] = {TRI_RECV(done, &stop), TRI_RECV(tri_ticker_chan(ticker), &when)};
    while (tri_select(cases, 2, false) != 0) sweep();
    tri_ticker_stop(ticker);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    all = tri_map_new(sessions);
    for (int i = 0; i < REQUESTS; i++) request(i);
    printf("without the ticker: %zu sessions\n", tri_map_len(all));

    tri_chan *done = tri_chan_new(bool, 0);
    tri_go(sweep_now_and_then, done);
    for (int i = 0; i < REQUESTS; i++) request(i);
    while (tri_map_len(all) > MOST_AGE + 1) tri_sleep(1000 * 1000); /* a look without the lock: good enough to wait */
    tri_close(done);
    printf("with it:            %zu sessions\n", tri_map_len(all));
    return 0;
}
