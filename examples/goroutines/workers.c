/* A pool of workers: they take jobs from one channel; a wait group says when all have ended; a mutex guards the total. */
#include <stdio.h>
#include <tricolor.h>

enum { WORKERS = 4, JOBS = 100 };

static struct {
    tri_mutex lock;
    long total; /* lock */
} sum;

static void work(void *jobs) {
    long mine = 0;
    for (int job; tri_recv(jobs, &job);) mine += job;
    tri_mutex_lock(&sum.lock);
    sum.total += mine;
    tri_mutex_unlock(&sum.lock);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    tri_chan *jobs = tri_chan_new(int, 10);
    tri_waitgroup workers = {0};
    for (int i = 0; i < WORKERS; i++) tri_waitgroup_go(&workers, work, jobs);
    for (int job = 1; job <= JOBS; job++) tri_send(jobs, &job);
    tri_close(jobs);
    tri_waitgroup_wait(&workers);
    printf("the sum of 1 to %d is %ld\n", JOBS, sum.total);
    return 0;
}
