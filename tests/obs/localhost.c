/* Where a name has addresses of both kinds, as localhost has on many machines, IPv4 is served, as in Go. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tricolor.h>

/* In the place of libc's: ::1 comes first. */
static struct sockaddr_in6 six = {.sin6_family = AF_INET6};
static struct sockaddr_in four = {.sin_family = AF_INET};
static struct addrinfo second = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addr = (void *)&four, .ai_addrlen = sizeof four};
static struct addrinfo first = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_addr = (void *)&six, .ai_addrlen = sizeof six, .ai_next = &second};
static int asked;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)name, (void)service, (void)hints;
    six.sin6_addr = in6addr_loopback;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *found = &first;
    asked++;
    return 0;
}
void freeaddrinfo(struct addrinfo *a) { (void)a; }

int main(void) {
    if (tri_debug_serve("localhost:0") != 0) return fprintf(stderr, "not served: %s\n", strerror(errno)), 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    four.sin_port = htons((uint16_t)tri_debug_port());
    if (!asked || connect(fd, (struct sockaddr *)&four, sizeof four) != 0) return fprintf(stderr, "127.0.0.1 is not served: %s\n", strerror(errno)), 1;
    tri_debug_stop();
    return 0;
}
