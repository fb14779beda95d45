/* Hazard 13. The only pointer to an object is where no scan looks: in libc's tables or in the kernel. */
#include "check.h"

#include <sys/epoll.h>
#include <threads.h>

enum { KEYS = 60, EVENTS = 200 };

static pthread_key_t key[KEYS];
static tss_t c11_key;
static hidden where[EVENTS], string, exit_argument, pinned, root, added;
static int pipes[EVENTS][2];
static int epoll_fd;
char *outside; /* malloc'ed: not scanned unless said so */

static void at_exit(int status, void *arg) {
    (void)status;
    if (!stamped_ok((struct stamped *)arg, 31)) _exit(1);
}

NO_INLINE static void hand_over(void) {
    for (uint64_t k = 0; k < KEYS; k++) {
        pthread_key_create(&key[k], NULL);
        pthread_setspecific(key[k], stamped_new(k));
    }
    tss_create(&c11_key, NULL);
    tss_set(c11_key, stamped_new(1000));
    for (uint64_t i = 0; i < EVENTS; i++) {
        REQUIRE(pipe(pipes[i]) == 0, "pipe");
        struct stamped *s = stamped_new(i);
        where[i] = tri_hide(s);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
        REQUIRE(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipes[i][0], &e) == 0, "epoll_ctl");
        if (i % 3 == 1) { /* another object instead */
            struct stamped *other = stamped_new(i);
            where[i] = tri_hide(other);
            e.data.ptr = other;
            REQUIRE(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, pipes[i][0], &e) == 0, "epoll_ctl");
        }
    }
    char *variable = tri_strdup("TRICOLOR_CHECK=a string on the heap");
    string = tri_hide(variable);
    putenv(variable);
    struct stamped *s = stamped_new(31);
    exit_argument = tri_hide(s);
    on_exit(at_exit, s);
    s = stamped_new(41);
    pinned = tri_hide(s);
    tri_pin(s);
    tri_pin(s);
    tri_unpin(s);
    struct stamped **r = (struct stamped **)tri_alloc_root(64);
    root = tri_hide(r);
    tri_set(r[3], stamped_new(42));
    outside = (char *)malloc(1000);
    tri_add_roots(outside, outside + 1000);
    s = stamped_new(43);
    added = tri_hide(s);
    memcpy(outside + 512, &s, sizeof s);
}

NO_INLINE static void look(void) {
    for (uint64_t k = 0; k < KEYS; k++)
        REQUIRE(stamped_ok((struct stamped *)pthread_getspecific(key[k]), k), "the value of key %d is lost",
                (int)k);
    REQUIRE(stamped_ok((struct stamped *)tss_get(c11_key), 1000), "the value of the C11 key is lost");
    for (uint64_t i = 0; i < EVENTS; i++) REQUIRE(write(pipes[i][1], "x", 1) == 1, "write");
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, 0);
    REQUIRE(n == EVENTS, "%d events", n);
    for (int i = 0; i < n; i++) {
        struct stamped *s = (struct stamped *)events[i].data.ptr;
        REQUIRE(s->number < EVENTS && s == tri_reveal(where[s->number]) && stamped_ok(s, s->number),
                "epoll data are lost");
    }
    REQUIRE(strcmp(getenv("TRICOLOR_CHECK"), "a string on the heap") == 0, "the variable is %s",
            getenv("TRICOLOR_CHECK"));
    REQUIRE(stamped_lives(exit_argument, 31), "on_exit's argument is lost");
    REQUIRE(stamped_lives(pinned, 41), "a pinned object is lost");
    REQUIRE(stamped_ok(((struct stamped **)tri_reveal(root))[3], 42), "what a root block holds is lost");
    REQUIRE(stamped_lives(added, 43), "an object in added roots is lost");
}

/* What is taken back goes. */
NO_INLINE static void take_back(void) {
    for (uint64_t i = 0; i < EVENTS; i++) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, pipes[i][0], NULL);
    for (int k = 0; k < KEYS; k++) pthread_setspecific(key[k], NULL);
    tri_unpin(tri_reveal(pinned));
    tri_remove_roots(outside, outside + 1000);
}

int main(void) {
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    step("hand over");
    hand_over();
    clear_stack();
    collect();
    collect();
    step("look");
    look();
    step("take back");
    take_back();
    clear_stack();
    collect();
    unsigned living = stamped_lives(pinned, 41) + stamped_lives(added, 43);
    for (uint64_t i = 0; i < EVENTS; i++) living += stamped_lives(where[i], i);
    REQUIRE(living < EVENTS / 20, "%u objects live that nobody keeps", living);
    return 0;
}
