/* event.c - see event.h. */
#include "event.h"
#include "../os/os.h"

struct event trix_event, trix_called, trix_rest;

void trix_event_post_to(struct event *e, int most) {
    fetch_add_seq(&e->seq, 1);
    if (load_seq(&e->waiters)) trix_os_futex_wake(&e->seq, most);
}

void trix_event_wait(struct event *e, uint32_t seen, uint64_t timeout_ns) {
    fetch_add_seq(&e->waiters, 1);
    if (load_seq(&e->seq) == seen) trix_os_futex_wait(&e->seq, seen, timeout_ns);
    fetch_sub_seq(&e->waiters, 1);
}

void trix_event_reset_after_fork(void) { trix_event.waiters = trix_called.waiters = trix_rest.waiters = 0; }
