/* Profiles over HTTP: the program serves itself, and whoever wants to know asks, with Go's tools:
 *
 *     go tool pprof http://localhost:6060/debug/pprof/heap
 *
 * Here the program asks itself for the text form of its goroutines, and for the counters that Prometheus would fetch. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tricolor.h>
#include <unistd.h>

static tri_string fetch(int port, const char *path) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    tri_builder all = {0};
    char part[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return (tri_string){0};
    int n = snprintf(part, sizeof part, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    for (ssize_t got = write(fd, part, (size_t)n); got > 0;) {
        got = read(fd, part, sizeof part);
        if (got > 0) tri_builder_write(&all, part, (size_t)got);
    }
    close(fd);
    return tri_builder_string(&all);
}

static void show(int port, const char *path, const char *wanted) {
    tri_string page = fetch(port, path);
    printf("%-34s %s: %s\n", path, wanted, tri_string_index(page, tri_string_view(wanted)) >= 0 ? "there" : "missing");
}

int main(void) {
    if (tri_debug_serve("localhost:0") != 0) return perror("tri_debug_serve"), 1;
    int port = tri_debug_port();
    show(port, "/debug/pprof/", "goroutine");
    show(port, "/debug/pprof/goroutine?debug=1", "goroutine profile: total");
    show(port, "/debug/pprof/heap?debug=1", "heap profile:");
    show(port, "/metrics", "go_gc_duration_seconds");
    tri_debug_stop();
    return 0;
}
