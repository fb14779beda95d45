/* files.c - close and kin: whoever waits for a descriptor has to know that its number means another one from now on; and programs that
 * close all descriptors there are, as daemons do, must not close the library's own, whose numbers would then be the program's next ones.
 */
#include "host.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

const char trix_files_here = 1;

unsigned (*trix_closing_hook)(unsigned lo, unsigned hi, unsigned own[OWN_DESCRIPTORS]);

static NOINLINE unsigned closing(unsigned lo, unsigned hi, unsigned own[OWN_DESCRIPTORS]) {
    unsigned (*hook)(unsigned, unsigned, unsigned *) = load_acquire(&trix_closing_hook);
    return hook ? hook(lo, hi, own) : 0;
}

/* It is made once, also when it is interrupted: the descriptor is closed then. */
INTERPOSE int close(int fd) {
    __typeof__(close) *next = NEXT(close);
    unsigned own[OWN_DESCRIPTORS];
    if (UNLIKELY(closing((unsigned)fd, (unsigned)fd, own))) {
        errno = EBADF; /* to the program it is not open */
        return -1;
    }
    return next ? next(fd) : (int)CANCELLABLE(SYS_close, fd);
}

COLD INTERPOSE int close_range(unsigned lo, unsigned hi, int flags) {
    enum { ON_EXEC = 4 }; /* CLOSE_RANGE_CLOEXEC: the library's are closed then anyway */
    unsigned own[OWN_DESCRIPTORS];
    unsigned n = flags & ON_EXEC || lo > hi ? 0 : closing(lo, hi, own);
    for (unsigned i = 0; i < n; i++) {
        if (own[i] > lo && syscall(SYS_close_range, lo, own[i] - 1, flags) != 0) return -1;
        lo = own[i] + 1;
    }
    return n && lo > hi ? 0 : (int)syscall(SYS_close_range, lo, hi, flags);
}

COLD INTERPOSE void closefrom(int lo) {
    if (lo < 0) lo = 0;
    if (close_range((unsigned)lo, ~0u, 0) == 0) return;
    for (long fd = lo, end = sysconf(_SC_OPEN_MAX); fd < end; fd++) close((int)fd); /* Linux before 5.9 */
}
