/* fmt.c - see fmt.h. */
#include "fmt.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void text_bytes(struct text *t, const char *bytes, size_t n) {
    size_t room = (size_t)(t->end - t->at);
    if (n > room) n = room;
    memcpy(t->at, bytes, n);
    t->at += n;
}

static void text_number(struct text *t, uint64_t n, unsigned base) {
    char digits[24];
    char *p = digits + sizeof digits;
    do {
        *--p = "0123456789abcdef"[n % base];
        n /= base;
    } while (n);
    text_bytes(t, p, (size_t)(digits + sizeof digits - p));
}

static void text_signed(struct text *t, int64_t n) {
    if (n < 0) text_bytes(t, "-", 1);
    text_number(t, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
}

/* One conversion: `format` points behind the percent sign; returns the place behind the conversion. */
static const char *text_convert(struct text *t, const char *format, va_list *args) {
    unsigned longs = 0;
    while (*format == 'l' || *format == 'z') longs++, format++;
    switch (*format) {
    case 's': {
        const char *s = va_arg(*args, const char *);
        if (!s) s = "(null)";
        text_bytes(t, s, strlen(s));
        break;
    }
    case 'c': text_bytes(t, &(char){(char)va_arg(*args, int)}, 1); break;
    case 'd': text_signed(t, longs ? va_arg(*args, int64_t) : va_arg(*args, int)); break;
    case 'u': text_number(t, longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned), 10); break;
    case 'x': text_number(t, longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned), 16); break;
    case 'p':
        text_bytes(t, "0x", 2);
        text_number(t, (uintptr_t)va_arg(*args, void *), 16);
        break;
    default: text_bytes(t, format, 1);
    }
    return format + 1;
}

void trix_text_vadd(struct text *t, const char *format, va_list args) {
    va_list copy;
    va_copy(copy, args);
    while (*format) {
        const char *percent = strchr(format, '%');
        if (!percent) percent = format + strlen(format);
        text_bytes(t, format, (size_t)(percent - format));
        format = *percent ? text_convert(t, percent + 1, &copy) : percent;
    }
    va_end(copy);
}

void trix_text_add(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    trix_text_vadd(t, format, args);
    va_end(args);
}

void trix_text_ms(struct text *t, uint64_t ns) {
    if (ns >= 10000000) {
        trix_text_add(t, "%lu", ns / 1000000);
        return;
    }
    uint64_t us = ns / 1000;
    if (us == 0) {
        trix_text_add(t, "0");
        return;
    }
    unsigned decimals = 3;
    while (us >= 100) us /= 10, decimals--; /* two significant digits */
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) unit *= 10;
    trix_text_add(t, "%lu.", us / unit);
    for (uint64_t rest = us % unit, place = unit / 10; place; rest %= place, place /= 10)
        trix_text_add(t, "%lu", rest / place);
}

void trix_text_write(const struct text *t, int fd) {
    int saved = errno;
    const char *p = t->begin;
    while (p < t->at) {
        long n = syscall(SYS_write, fd, p, t->at - p); /* write() itself is interposed */
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        p += n;
    }
    errno = saved;
}

void trix_print(int fd, const char *format, ...) {
    char buffer[1024];
    struct text t = text_over(buffer, sizeof buffer);
    va_list args;
    va_start(args, format);
    trix_text_vadd(&t, format, args);
    va_end(args);
    trix_text_write(&t, fd);
}
