/* site.c - the search box: the index asked over HTTP while it changes, one thread a connection. A small server of its own, for
 * GET / and GET /?q=...; with the debug library it links to the live page, which that library serves.
 */
#include "demo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES = 4096, PATIENCE_SECONDS = 5, MOST_VISITORS = 100 };

static struct index *site_index; /* a root; constant once the site is open */
static int site_fd = -1, site_port;
static unsigned visitors; /* atomic */

/* ---- text ---- */

struct out {
    char text[64 << 10];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->text + o->n, sizeof o->text - o->n, format, args);
    va_end(args);
    if (n > 0) o->n += (size_t)n < sizeof o->text - o->n ? (size_t)n : sizeof o->text - o->n - 1;
}

static void put_escaped(struct out *o, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr("<>&\"'", c)) put(o, "&#%d;", c);
        else put(o, "%c", c >= 32 || c == '\t' ? c : '?');
    }
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* "a+b%2a" up to '&' or ' ' as "a b*". */
static void decode(char *to, size_t room, const char *from) {
    size_t n = 0;
    for (; *from && *from != '&' && *from != ' ' && n + 1 < room; from++) {
        char c = *from == '+' ? ' ' : *from;
        if (c == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) c = (char)(hex(from[1]) * 16 + hex(from[2])), from += 2;
        if (c) to[n++] = c;
    }
    to[n] = 0;
}

/* ---- the page ---- */

static void put_live_link(struct out *o) {
#ifdef SEARCH_DEBUG
    if (tri_debug_port())
        put(o, "<p><a href=\"http://127.0.0.1:%d/debug/tricolor/\">The heap of this program, live</a></p>", tri_debug_port());
#else
    (void)o;
#endif
}

static void put_answer(struct out *o, const char *text) {
    struct query q;
    if (!query_parse(&q, text)) {
        put(o, "<p>Not a word, a prefix* or two words.</p>");
        return;
    }
    uint64_t start = now_ns();
    struct answer *a = query_answer(site_index, &q);
    put(o, "<p>%s documents, %s lines, %.0f µs</p><pre>", commas(a->docs), commas(a->lines), (double)(now_ns() - start) / 1e3);
    for (uint32_t i = 0; i < a->nbest; i++) {
        put_escaped(o, a->shown[i]);
        put(o, "\n");
    }
    put(o, "</pre>");
}

static void put_page(struct out *o, const char *text) {
    put(o, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">"
           "<title>search</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
           "input,button{font:inherit;padding:.3em .6em}input{width:24em;max-width:70%%}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
           "</style></head><body><h1>search</h1><form><input name=\"q\" autofocus aria-label=\"query\" value=\"");
    put_escaped(o, text);
    put(o, "\"> <button>Search</button></form><p>A word, a prefix*, or two words on the same document. The index of %s documents "
           "changes all the time.</p>", commas(__atomic_load_n(&site_index->docs, __ATOMIC_RELAXED)));
    if (*text) put_answer(o, text);
    put_live_link(o);
    put(o, "</body></html>\n");
}

/* ---- one connection ---- */

/* The first line of the request; false: there is none. */
static bool read_request(int fd, char *to, size_t room) {
    size_t n = 0;
    while (n + 1 < room) {
        ssize_t got = read(fd, to + n, room - 1 - n);
        if (got <= 0) return false;
        n += (size_t)got;
        to[n] = 0;
        if (strstr(to, "\r\n\r\n") || strstr(to, "\n\n")) return true;
    }
    return false;
}

static void send_all(int fd, const char *text, size_t n) {
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        text += sent;
        n -= (size_t)sent;
    }
}

static void answer_request(int fd, const char *request) {
    struct out *page = calloc(1, sizeof *page);
    char head[200], text[256] = "";
    bool found = strncmp(request, "GET / ", 6) == 0 || strncmp(request, "GET /?", 6) == 0;
    const char *q = found ? strstr(request, "q=") : NULL;
    if (!page) return;
    if (q && q < strchr(request, '\n')) decode(text, sizeof text, q + 2);
    if (found) put_page(page, text);
    else put(page, "not found\n");
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     found ? "200 OK" : "404 Not Found", found ? "html" : "plain", page->n);
    send_all(fd, head, (size_t)n);
    send_all(fd, page->text, page->n);
    free(page);
}

static void *visit(void *arg) {
    int fd = (int)(intptr_t)arg;
    char request[REQUEST_BYTES];
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (read_request(fd, request, sizeof request)) answer_request(fd, request);
    close(fd);
    __atomic_fetch_sub(&visitors, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void *site_run(void *unused) {
    for (;;) {
        int fd = accept(site_fd, NULL, NULL);
        pthread_t thread;
        if (fd < 0 && (errno == EBADF || errno == EINVAL)) return unused;
        if (fd < 0) {
            sleep_ns(10000000); /* no descriptor, no memory: later */
            continue;
        }
        if (__atomic_fetch_add(&visitors, 1, __ATOMIC_RELAXED) < MOST_VISITORS &&
            pthread_create(&thread, NULL, visit, (void *)(intptr_t)fd) == 0) {
            pthread_detach(thread);
            continue;
        }
        __atomic_fetch_sub(&visitors, 1, __ATOMIC_RELAXED);
        close(fd);
    }
}

/* ---- opening and closing ---- */

static bool site_listen(const char *addr) {
    char host[256];
    const char *colon = strrchr(addr, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    int yes = 1;
    if (!colon || (size_t)(colon - addr) >= sizeof host) return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - addr), addr);
    if (getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found) != 0) return false;
    site_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(site_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool open = site_fd >= 0 && bind(site_fd, found->ai_addr, found->ai_addrlen) == 0 && listen(site_fd, 64) == 0 &&
                getsockname(site_fd, (struct sockaddr *)&at, &size) == 0;
    freeaddrinfo(found);
    if (open) site_port = ntohs(((struct sockaddr_in *)&at)->sin_port); /* at the same place in both families */
    else if (site_fd >= 0) close(site_fd);
    return open;
}

void site_open(struct index *index, const struct options *opt) {
    pthread_t thread;
    if (!opt->site || opt->quiet) return;
    site_index = index;
    if (!site_listen(opt->site)) {
        fprintf(stderr, "search: cannot serve on %s: %s\n", opt->site, strerror(errno));
        return;
    }
    start_thread(&thread, site_run, NULL);
    pthread_detach(thread);
    printf("search box: http://127.0.0.1:%d/\n", site_port);
#ifdef SEARCH_DEBUG
    if (tri_debug_serve("127.0.0.1:0") == 0)
        printf("live page:  http://127.0.0.1:%d/debug/tricolor/\n", tri_debug_port());
    else fprintf(stderr, "search: no live page: %s\n", strerror(errno));
#endif
    fflush(stdout);
}

void site_close(const struct options *opt) {
    if (!site_port || !opt->stay) return;
    printf("serving until interrupted: http://127.0.0.1:%d/\n", site_port);
    fflush(stdout);
    while (!__atomic_load_n(&interrupted, __ATOMIC_RELAXED)) sleep_ns(100000000);
}
