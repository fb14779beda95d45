/* serve.c - the HTTP server (libmicrohttpd), and which page is where.
 *
 * A few threads of its own wait for connections and make pages; the program is not stopped for any of it but the stacks of
 * goroutines. What may take seconds (a CPU profile, a profile of some seconds, a cycle, all goroutines) runs on a thread made for it,
 * while the connection is set aside; what waits ends when the client goes. Slow and silent clients are dropped after half a minute, there are at most MOST_CONNECTIONS, a
 * request may be so large, and only so many long ones run at a time; all signals are blocked on these threads, so no
 * handler of the program runs there.
 *
 * Pages that change something want a POST with a header that no other web site can make a browser send, and a Host that is
 * a number or localhost, so that a page from elsewhere cannot reach them by a name of its own.
 */
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 2, MOST_CONNECTIONS = 1500, TIMEOUT_SECONDS = 30, MOST_BODY = 1 << 20, MOST_JOBS = 16 };

static struct {
    pthread_mutex_t lock;
    struct MHD_Daemon *daemon; /* lock */
    int port, socket;          /* lock */
    uint32_t jobs;             /* seq_cst */
    uint32_t stopping;         /* seq_cst */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- what a page says ---- */

const char *trid_parameter(const struct request *r, const char *name) {
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *trid_header(const struct request *r, const char *name) {
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

bool trid_number(const char *text, long least, long most, long *value) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < least || n > most) return false;
    *value = n;
    return true;
}

void trid_fail(struct request *r, unsigned status, const char *why) {
    r->page.n = 0;
    r->status = status;
    r->type = "text/plain; charset=utf-8";
    r->attachment = NULL;
    r->failed = true;
    trid_put(&r->page, "%s\n", why);
}

/* While its connection is set aside nobody else looks at the socket. One closed for writing only counts as gone, as in Go. */
bool trid_wait_seconds(struct request *r, long seconds) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd client = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};
    for (long i = 0; i < seconds * 20; i++)
        if (__atomic_load_n(&server.stopping, __ATOMIC_SEQ_CST) || poll(&client, 1, 50) > 0) return false;
    return true;
}

/* ---- sending ---- */

static bool takes_posts(const char *path);

static void free_page(void *text) { free(text); }

static enum MHD_Result reply(struct request *r) {
    struct MHD_Response *out = MHD_create_response_from_buffer_with_free_callback(r->page.n, r->page.text, free_page);
    if (!out) return MHD_NO;
    r->page = (struct page){0};
    MHD_add_response_header(out, "Content-Type", r->type);
    MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(out, "Cache-Control", "no-store");
    if (r->failed) MHD_add_response_header(out, "X-Go-Pprof", "1");
    if (r->location) MHD_add_response_header(out, "Location", r->location);
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(out, "Allow", takes_posts(r->path) ? "GET, HEAD, POST" : "GET, HEAD");
    if (r->page_policy) MHD_add_response_header(out, "Content-Security-Policy", r->page_policy);
    if (r->attachment) {
        char text[100];
        snprintf(text, sizeof text, "attachment; filename=\"%s%s\"", r->attachment, r->delta ? "-delta" : "");
        MHD_add_response_header(out, "Content-Disposition", text);
    }
    enum MHD_Result result = MHD_queue_response(r->connection, r->status, out);
    MHD_destroy_response(out);
    return result;
}

/* ---- which page ---- */

static void front(struct request *r) {
    r->status = MHD_HTTP_FOUND;
    r->location = "/debug/tricolor/";
    trid_put(&r->page, "see /debug/tricolor/, /debug/pprof/, /metrics, /debug/vars\n");
}

static void add_slash(struct request *r) {
    r->status = MHD_HTTP_TEMPORARY_REDIRECT;
    r->location = strcmp(r->path, "/debug/pprof") == 0 ? "/debug/pprof/" : "/debug/tricolor/";
    trid_put(&r->page, "see %s\n", r->location);
}

static void vars(struct request *r) {
    r->type = "application/json; charset=utf-8";
    trid_vars_page(&r->page);
}

static void metrics(struct request *r) {
    const char *accept = trid_header(r, "Accept");
    bool open = accept && strstr(accept, "application/openmetrics-text");
    r->type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
    trid_metrics_page(&r->page, open);
}

static const struct route {
    const char *path;
    bool below; /* and all paths that begin so */
    bool posts;
    void (*make)(struct request *r);
} routes[] = {
    {"/", false, false, front},
    {"/metrics", false, false, metrics},
    {"/debug/vars", false, false, vars},
    {"/debug/pprof/symbol", false, true, trid_pprof_symbol},
    {"/debug/pprof", false, false, add_slash},
    {"/debug/pprof/", true, false, trid_pprof_page},
    {"/debug/tricolor/control", false, true, trid_live_control},
    {"/debug/tricolor", false, false, add_slash},
    {"/debug/tricolor/", true, false, trid_live_page},
};

static const struct route *find_route(const char *path) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t n = strlen(routes[i].path);
        if (strcmp(routes[i].path, path) == 0 || (routes[i].below && strncmp(routes[i].path, path, n) == 0)) return &routes[i];
    }
    return NULL;
}

static bool takes_posts(const char *path) { return find_route(path)->posts; }

static void make_page(struct request *r) {
    const struct route *route = find_route(r->path);
    bool get = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
    if (!route) trid_fail(r, MHD_HTTP_NOT_FOUND, "404 page not found");
    else if (!get && !(route->posts && strcmp(r->method, "POST") == 0))
        trid_fail(r, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
    else route->make(r);
}

/* ---- long ones ---- */

static void end_job(struct request *r) {
    r->done = true;
    MHD_resume_connection(r->connection);
    __atomic_fetch_sub(&server.jobs, 1, __ATOMIC_SEQ_CST);
}

static void *run_job(void *arg) {
    struct request *r = arg;
    make_page(r);
    end_job(r);
    return NULL;
}

/* True: a thread makes the page, and the connection waits. */
static bool begin_job(struct request *r) {
    bool many = __atomic_fetch_add(&server.jobs, 1, __ATOMIC_SEQ_CST) >= MOST_JOBS;
    /* After it is counted: who stops the server waits for those counted, and then no connection may be suspended. */
    bool stopping = __atomic_load_n(&server.stopping, __ATOMIC_SEQ_CST);
    if (many || stopping) {
        __atomic_fetch_sub(&server.jobs, 1, __ATOMIC_SEQ_CST);
        trid_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE,
                  stopping ? "the server is being stopped" : "too many profiles are being made; try again");
        return false;
    }
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    MHD_suspend_connection(r->connection);
    int error = pthread_create(&thread, &attributes, run_job, r);
    pthread_attr_destroy(&attributes);
    if (!error) return true;
    trid_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE, "no thread for this profile");
    end_job(r);
    return true;
}

/* ---- one request ---- */

static void *request_begins(void *unused, const char *uri, struct MHD_Connection *connection) {
    (void)unused;
    struct request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    const char *query = strchr(uri, '?');
    r->query = query ? strdup(query + 1) : NULL;
    r->connection = connection;
    r->status = MHD_HTTP_OK;
    r->type = "text/plain; charset=utf-8";
    return r;
}

static void request_ends(void *unused, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode how) {
    (void)unused, (void)connection, (void)how;
    struct request *r = *state;
    if (!r) return;
    free(r->page.text);
    free(r->body.text);
    free(r->path);
    free(r->query);
    free(r);
    *state = NULL;
}

/* Called when the head has come, for each part of the body, at the end, and once more after a wait. */
static enum MHD_Result on_request(void *unused, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
    (void)unused, (void)version, (void)connection;
    struct request *r = *state;
    if (!r) return MHD_NO;
    if (!r->path) {
        r->path = strdup(path);
        snprintf(r->method, sizeof r->method, "%s", method);
        return r->path ? MHD_YES : MHD_NO;
    }
    if (*size) {
        if (r->body.n + *size > MOST_BODY) return MHD_NO;
        trid_put_bytes(&r->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (r->done) return reply(r);
    if (trid_pprof_is_long(r) || trid_live_is_long(r)) {
        if (begin_job(r)) return MHD_YES;
    } else {
        make_page(r);
    }
    return reply(r);
}

/* ---- starting ---- */

static void quiet(void *unused, const char *format, va_list args) { (void)unused, (void)format, (void)args; }

/* "host:port", "[host]:port", ":port", "port". */
static bool split(const char *addr, char *host, size_t room, char *port, size_t port_room) {
    const char *colon = strrchr(addr, ':');
    size_t n = colon ? (size_t)(colon - addr) : 0;
    const char *digits = colon ? colon + 1 : addr;
    if (n && addr[0] == '[' && addr[n - 1] == ']') addr++, n -= 2;
    else if (memchr(addr, ':', n)) return false;
    if (n >= room || strlen(digits) >= port_room || !*digits || strspn(digits, "0123456789") != strlen(digits)) return false;
    memcpy(host, addr, n);
    host[n] = 0;
    if (atol(digits) > 65535) return false;
    strcpy(port, digits);
    return true;
}

static int listen_on(const char *addr, int *port) {
    char host[256], digits[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    if (!addr || !split(addr, host, sizeof host, digits, sizeof digits)) return errno = EINVAL, -1;
    int error = getaddrinfo(*host ? host : "127.0.0.1", digits, &hints, &found);
    if (error) return errno = error == EAI_SYSTEM ? errno : EINVAL, -1;
    const struct addrinfo *a = found; /* the first of IPv4 if there is one, as in Go: localhost may have both */
    while (a && a->ai_family != AF_INET) a = a->ai_next;
    if (!a) a = found;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        error = errno;
        if (fd >= 0) close(fd);
        freeaddrinfo(found);
        return errno = error, -1;
    }
    freeaddrinfo(found);
    *port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port : ((struct sockaddr_in *)&at)->sin_port);
    return fd;
}

static int start(const char *addr) {
    int port, fd;
    if (server.daemon) return EBUSY;
    if ((fd = listen_on(addr, &port)) < 0) return errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    server.stopping = 0;
    server.daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        NULL, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, request_begins, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, request_ends, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SECONDS, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_END);
    int error = errno ? errno : ENOMEM;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!server.daemon) {
        close(fd);
        return error;
    }
    server.port = port;
    server.socket = fd;
    return 0;
}

/* The child has none of the threads: it is not served. */
static void after_fork(void) {
    if (server.daemon) close(server.socket);
    memset(&server, 0, sizeof server);
    pthread_mutex_init(&server.lock, NULL);
}
static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

EXPORT int tri_debug_serve(const char *addr) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&server.lock);
    int error = start(addr);
    pthread_mutex_unlock(&server.lock);
    if (!error) return 0;
    errno = error;
    return -1;
}

EXPORT int tri_debug_port(void) {
    pthread_mutex_lock(&server.lock);
    int port = server.daemon ? server.port : 0;
    pthread_mutex_unlock(&server.lock);
    return port;
}

EXPORT void tri_debug_stop(void) {
    pthread_mutex_lock(&server.lock);
    if (server.daemon) {
        __atomic_store_n(&server.stopping, 1, __ATOMIC_SEQ_CST);
        /* Not MHD_quiesce_daemon first: it and a worker that is just awake both take the socket out of the worker's epoll set, and it ends
         * the program when it comes second. */
        while (__atomic_load_n(&server.jobs, __ATOMIC_SEQ_CST)) usleep(10000);
        MHD_stop_daemon(server.daemon); /* closes the socket */
        server.daemon = NULL;
    }
    pthread_mutex_unlock(&server.lock);
}
