/* fmt.h - formatting without malloc, locks or locale: usable in signal handlers and with the world stopped. */
#ifndef TRIX_FMT_H
#define TRIX_FMT_H

#include "attr.h"
#include <stdarg.h>

/* A text under construction in the caller's memory; what does not fit is dropped. */
struct text {
    char *at, *end;
    char *begin;
};

INLINE struct text text_over(char *buffer, size_t size) {
    return (struct text){.at = buffer, .end = buffer + size, .begin = buffer};
}

/* Understands %s %c %d %u %x %p %% with the lengths none, l, ll and z, no flags or widths. */
void trix_text_vadd(struct text *t, const char *format, va_list args);
void trix_text_add(struct text *t, const char *format, ...) PRINTF(2, 3);

/* Nanoseconds as Go's trace prints milliseconds: whole from 10 ms on, below that two significant digits and at most
 * three decimals (runtime.fmtNSAsMS). */
void trix_text_ms(struct text *t, uint64_t ns);

/* Formats one message of up to 1,024 bytes and writes it by a single write(2). errno is left alone. */
void trix_print(int fd, const char *format, ...) PRINTF(2, 3);
void trix_text_write(const struct text *t, int fd);

#endif
