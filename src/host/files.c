/* files.c - close: whoever waits for a descriptor has to know that its number means another one from now on. */
#include "host.h"

#include <sys/syscall.h>
#include <unistd.h>

const char trix_files_here = 1;

void (*trix_closing_hook)(int fd);

/* It is made once, also when it is interrupted: the descriptor is closed then. */
EXPORT int close(int fd) {
    __typeof__(close) *next = NEXT(close);
    void (*hook)(int) = load_acquire(&trix_closing_hook);
    if (hook) hook(fd);
    return next ? next(fd) : (int)CANCELLABLE(SYS_close, fd);
}
