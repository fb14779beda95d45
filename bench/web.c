/* web - an HTTP server that says hello, loaded over loopback with wrk: web [seconds] [connections]. The Go program is net/http's
 * server; ours is examples/hello's, which reads a request to its empty line and answers: it does less than net/http.
 *
 * Figure: requests a second. wrk runs on the same machine and shares its cores. Without wrk (Debian: wrk) there is no figure.
 */
#include "bench.h"

#include "../examples/hello/server.h"

static int seconds, connections, port;

/* Runs wrk; requests a second, or 0. */
static double load_with_wrk(void) {
    char command[200], line[200];
    double rate = 0;
    snprintf(command, sizeof command, "wrk -t1 -c%d -d%ds --latency http://127.0.0.1:%d/ 2>/dev/null", connections, seconds, port);
    FILE *out = popen(command, "r");
    while (out && fgets(line, sizeof line, out)) sscanf(line, "Requests/sec: %lf", &rate);
    if (out) pclose(out);
    return rate;
}

static void *blocking_load(void *rate) {
    *(double *)rate = load_with_wrk();
    return NULL;
}

static void run(void *arg) {
    double rate = 0;
    int listener = listen_on(0);
    struct sockaddr_in at;
    socklen_t length = sizeof at;
    (void)arg;
    if (getsockname(listener, (struct sockaddr *)&at, &length) == 0) port = ntohs(at.sin_port);
    tri_go(accept_all, (void *)(intptr_t)listener);
    tri_blocking_call(blocking_load, &rate);
    if (rate > 0) result("rate", rate, "1/s");
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "web");
    seconds = (int)arg_number(0, 5);
    connections = (int)arg_number(1, 64);
    tri_run(run, NULL);
    return bench_finish((uint64_t)connections);
}
