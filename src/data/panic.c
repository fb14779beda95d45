/* panic.c - see panic.h. */
#include "panic.h"
#include "../base/fmt.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/defer.h"

#include <string.h>

void trix_panic_runtime(const char *format, ...) {
    char words[256];
    struct text t = text_over(words, sizeof words - 1);
    va_list args;
    va_start(args, format);
    trix_text_add(&t, "runtime error: ");
    trix_text_vadd(&t, format, args);
    va_end(args);
    *t.at = 0;
    tri_panic(tri_strdup(words));
    __builtin_unreachable();
}

void trix_panic_words(const char *words) {
    tri_panic(words);
    __builtin_unreachable();
}
