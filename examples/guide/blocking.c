/* blocking.c - a call that blocks and that the library does not know: waiting for a lock on a file. */
#include "expect.h"
#include <fcntl.h>
#include <pthread.h>
#include <tricolor.h>
#include <unistd.h>

struct lock_wait {
    int fd;
    struct flock lock;
};

static void *lock_wait(void *arg) {
    struct lock_wait *w = arg;
    while (fcntl(w->fd, F_OFD_SETLKW, &w->lock) != 0) continue;
    return NULL;
}

/* Collections neither signal the calling thread meanwhile nor wait for it. */
static void lock_file(int fd) {
    struct lock_wait w = {.fd = fd, .lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}};
    tri_blocking_call(lock_wait, &w);
}

static void unlock_file(int fd) {
    fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET});
}

static char path[] = "/tmp/tricolor-guide-XXXXXX";

static void *waiter(void *arg) {
    int fd = open(path, O_RDWR);
    char *text = tri_strdup("alive");
    lock_file(fd);
    unlock_file(fd);
    expect(text[0] == 'a');
    return arg;
}

int main(void) {
    int fd = mkstemp(path);
    pthread_t thread;
    expect(fd >= 0);
    lock_file(fd);
    pthread_create(&thread, NULL, waiter, NULL);
    for (int i = 0; i < 5; i++) {
        usleep(2000);
        tri_gc();
    }
    unlock_file(fd);
    pthread_join(thread, NULL);
    unlink(path);
    return 0;
}
