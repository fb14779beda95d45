/* races.c - the parts of the library that threads share without the world being stopped, compiled for the thread sanitizer
 * together with this test: the list and pool of mark buffers, the count of active markers, locks and events. (The library as a
 * whole is not instrumented: docs/design/sanitizers.md.) Each buffer's items are plain memory, so the sanitizer sees whether
 * who pops is ordered behind who pushed. */
#include "gc/work.h"
#include "base/atomic.h"
#include "base/check.h"
#include "os/os.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 20000 };

static uint64_t pushed, popped; /* atomic: sums of the items */
static uint64_t guarded;        /* lock */
static struct lock lock = LOCK_INIT(CYCLE);
static uint32_t done;           /* threads that push no more; seq_cst */

static void take(struct workbuf *buf) {
    for (uint32_t i = 0; i < buf->n; i++) fetch_add_relaxed(&popped, buf->item[i]);
    trix_workbuf_put(buf);
}

/* As a marker does: counted while it holds something, asleep while there is nothing. */
static void *run(void *arg) {
    uint64_t id = (uint64_t)(uintptr_t)arg;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        trix_work_enter();
        struct workbuf *buf = trix_work_pop();
        if (buf) take(buf);
        if ((buf = trix_workbuf_get(round % 2 ? WORK_KIND_RAW : WORK_KIND_GREY))) {
            for (uint64_t i = 0; i < 1 + round % 5; i++) {
                buf->item[buf->n++] = id * ROUNDS + round + i;
                fetch_add_relaxed(&pushed, id * ROUNDS + round + i);
            }
            trix_work_push(buf);
        }
        trix_work_exit();
        lock_acquire(&lock);
        guarded++;
        lock_release(&lock);
    }
    fetch_add_seq(&done, 1);
    trix_event_post();
    return NULL;
}

int main(void) {
    pthread_t thread[THREADS];
    trix_os_init();
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, run, (void *)i) != 0) return 77;
    for (;;) {
        uint32_t seen = event_seen(&trix_event);
        struct workbuf *buf = trix_work_pop();
        if (buf) take(buf);
        else if (load_seq(&done) == THREADS && trix_work_drained()) break;
        else trix_event_wait(&trix_event, seen, 1000 * 1000);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    trix_work_trim();
    if (pushed != popped || guarded != (uint64_t)THREADS * ROUNDS) {
        fprintf(stderr, "pushed %lu, popped %lu, %lu rounds\n", pushed, popped, guarded);
        return 1;
    }
    return 0;
}
