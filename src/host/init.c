/* init.c - the host layer's start. */
#include "../gc/init.h"
#include "host.h"

void trix_host_init(void) {
    trix_libc_init();
    trix_signals_init();
    trix_host_threads_init();
    trix_fork_init();
    trix_dl_init();
}
