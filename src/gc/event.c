/* event.c - see event.h. */
#include "event.h"
#include "../os/os.h"

struct event trix_event;

void trix_event_post(void) {
    fetch_add_seq(&trix_event.seq, 1);
    if (load_seq(&trix_event.waiters)) trix_os_futex_wake(&trix_event.seq, INT32_MAX);
}

void trix_event_wait(uint32_t seen, uint64_t timeout_ns) {
    fetch_add_seq(&trix_event.waiters, 1);
    if (load_seq(&trix_event.seq) == seen) trix_os_futex_wait(&trix_event.seq, seen, timeout_ns);
    fetch_sub_seq(&trix_event.waiters, 1);
}

void trix_event_reset_after_fork(void) { trix_event.waiters = 0; }
