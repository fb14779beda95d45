/* The child of a fork is not served and not profiled, begins its own, and leaves its parent's alone. */
#include "../require.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Whether the port answers, with the process' number. */
static int who_serves(int port) {
    static const char request[] = "GET /debug/tricolor/data HTTP/1.0\r\n\r\n";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static char answer[1 << 20];
    size_t n = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0 || write(fd, request, sizeof request - 1) < 0) return close(fd), -1;
    while ((got = read(fd, answer + n, sizeof answer - 1 - n)) > 0) n += (size_t)got;
    answer[n] = 0;
    close(fd);
    const char *pid = strstr(answer, "\"pid\":");
    return pid ? atoi(pid + 6) : -1;
}

static long bytes_of(FILE *f) {
    fseek(f, 0, SEEK_END);
    return ftell(f);
}

static void work(void) {
    for (volatile long i = 0; i < 50000000; i++) {}
}

static void child(int parents_port, FILE *parents, FILE *own) {
    REQUIRE(tri_debug_port() == 0, "the child has port %d", tri_debug_port());
    tri_debug_stop();
    REQUIRE(tri_debug_serve("127.0.0.1:0") == 0, "%s", strerror(errno));
    REQUIRE(who_serves(tri_debug_port()) == getpid(), "the child is not served");
    tri_debug_stop();
    REQUIRE(who_serves(parents_port) == getppid(), "the parent is not served any more");
    REQUIRE(tri_cpu_profile_stop() == -1 && errno == EINVAL, "the child has stopped its parent's profile");
    REQUIRE(bytes_of(parents) == 0, "and written it");
    REQUIRE(tri_cpu_profile_start(own) == 0, "%s", strerror(errno));
    work();
    REQUIRE(tri_cpu_profile_stop() == 0 && bytes_of(own) > 0, "%s", strerror(errno));
    REQUIRE(tri_profile_write("heap", own, 0) == 0, "%s", strerror(errno));
}

int main(void) {
    FILE *parents = tmpfile(), *own = tmpfile();
    int status;
    REQUIRE(tri_cpu_profile_start(NULL) == -1 && errno == EINVAL, "a profile without a file");
    REQUIRE(tri_profile_write("heap", NULL, 0) == -1 && errno == EINVAL, "a profile without a file");
    REQUIRE(tri_debug_serve("127.0.0.1:0") == 0, "%s", strerror(errno));
    REQUIRE(tri_cpu_profile_start(parents) == 0, "%s", strerror(errno));
    int port = tri_debug_port();
    REQUIRE(who_serves(port) == getpid(), "the parent is not served");
    work();
    pid_t pid = fork();
    if (pid == 0) {
        child(port, parents, own);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    REQUIRE(status == 0, "the child ended with %x", status);
    REQUIRE(who_serves(port) == getpid(), "the parent is not served any more");
    REQUIRE(tri_cpu_profile_stop() == 0 && bytes_of(parents) > 0, "%s", strerror(errno));
    tri_debug_stop();
    return 0;
}
