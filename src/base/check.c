/* check.c - see check.h. */
#include "check.h"
#include "fmt.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static NORETURN void end_program(void) {
    const char *traceback = getenv("GOTRACEBACK");
    if (traceback && strcmp(traceback, "crash") == 0) abort();
    _exit(2);
}

void trix_bug(const char *phrase, const char *file, int line) {
    const char *name = strrchr(file, '/');
    trix_print(2, "fatal error: tricolor: %s (%s:%d)\n", phrase, name ? name + 1 : file, line);
    abort();
}

void trix_misuse(const char *call, const char *format, ...) {
    char buffer[512];
    struct text t = text_over(buffer, sizeof buffer);
    va_list args;
    va_start(args, format);
    trix_text_vadd(&t, format, args);
    va_end(args);
    trix_print(2, "tricolor: %s: ", call);
    trix_text_write(&t, 2);
    trix_print(2, "\nfatal error: %s\n", call);
    end_program();
}

void trix_fatal(const char *phrase) {
    trix_print(2, "fatal error: %s\n", phrase);
    end_program();
}
