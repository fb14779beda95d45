/* init.c - the host layer's start. */
#include "../gc/init.h"
#include "host.h"

/* A linker takes from the archive what is still missing when it comes to it. With a sanitizer's library before it, or with a library that
 * uses a name while the program itself does not, none of the interposed names is: so the members are asked for by names of their own. */
static const char *const members[] KEPT_IN("trix_members") = {&trix_blocking_here, &trix_files_here, &trix_kept_here, &trix_masks_here};

void trix_host_init(void) {
    trix_libc_init();
    trix_signals_init();
    trix_host_threads_init();
    trix_fork_init();
    trix_dl_init();
}
