/* A server and its clients in one program: a goroutine for each connection, which reads and writes as if it were alone. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <tricolor.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};
static tri_waitgroup clients;

static void echo(void *arg) {
    int fd = (int)(intptr_t)arg;
    char text[100];
    for (ssize_t n; (n = tri_read(fd, text, sizeof text)) > 0;) tri_write(fd, text, (size_t)n);
    close(fd);
}

static void serve(void *listener) {
    for (int fd; (fd = tri_accept((int)(intptr_t)listener, NULL, NULL)) >= 0;) tri_go(echo, (void *)(intptr_t)fd);
}

static void call(void *number) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char sent[100], got[100];
    size_t length = (size_t)snprintf(sent, sizeof sent, "hello, I am %d", (int)(intptr_t)number), have = 0;
    if (tri_connect(fd, (struct sockaddr *)&address, sizeof address) != 0) perror("connect");
    tri_write(fd, sent, length);
    for (ssize_t n; have < length && (n = tri_read(fd, got + have, length - have)) > 0;) have += (size_t)n;
    if (have != length || memcmp(sent, got, length) != 0) printf("%d heard something else\n", (int)(intptr_t)number);
    close(fd);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 128) != 0) return perror("listen"), 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    tri_go(serve, (void *)(intptr_t)listener);
    for (intptr_t i = 0; i < 50; i++) tri_waitgroup_go(&clients, call, (void *)i);
    tri_waitgroup_wait(&clients);
    printf("50 clients have heard their echo\n");
    return 0;
}
