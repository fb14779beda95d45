/* server.h - the parts of the hello server: listening, accepting, and a goroutine for each connection. */
#ifndef HELLO_SERVER_H
#define HELLO_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tricolor.h>

enum { REQUEST_BYTES = 4096 };

static const char reply[] = "HTTP/1.1 200 OK\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Length: 13\r\n"
                            "\r\n"
                            "Hello, world\n";

/* Bytes of the first request in the buffer, its end included; 0: there is more to come. */
static size_t request_length(const char *text, size_t bytes) {
    const char *end = memmem(text, bytes, "\r\n\r\n", 4);
    return end ? (size_t)(end - text) + 4 : 0;
}

static bool wants_close(const char *text, size_t bytes) { return memmem(text, bytes, "Connection: close", 17) != NULL; }

static void close_connection(void *fd) { close((int)(intptr_t)fd); }

static void serve(void *arg) {
    TRI_FUNC;
    int fd = (int)(intptr_t)arg;
    tri_defer(close_connection, arg);
    char *buffer = tri_alloc_leaf(REQUEST_BYTES);
    size_t have = 0;
    for (;;) {
        ssize_t got = tri_read(fd, buffer + have, REQUEST_BYTES - have);
        if (got <= 0) return;
        have += (size_t)got;
        for (size_t n; (n = request_length(buffer, have)) > 0;) {
            bool last = wants_close(buffer, n);
            if (tri_write(fd, reply, sizeof reply - 1) < 0 || last) return;
            have -= n;
            memmove(buffer, buffer + n, have);
        }
        if (have == REQUEST_BYTES) return; /* too long for us */
    }
}

static int listen_on(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1024) != 0) {
        perror("hello");
        exit(1);
    }
    return fd;
}

/* Accepts for ever. */
static void accept_all(void *listener) {
    int yes = 1;
    for (;;) {
        int fd = tri_accept((int)(intptr_t)listener, NULL, NULL);
        if (fd < 0) {
            perror("hello: accept");
            tri_sleep(10 * 1000 * 1000); /* out of descriptors, perhaps: others will close theirs */
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        tri_go(serve, (void *)(intptr_t)fd);
    }
}

#endif
