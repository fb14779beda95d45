/* text.c - see text.h. The table is the one place that says which bytes make words. */
#include "text.h"
#include "index.h"

#include <string.h>

#define SAME(c)   [c] = (c)
#define SAME4(c)  SAME(c), SAME((c) + 1), SAME((c) + 2), SAME((c) + 3)
#define SAME16(c) SAME4(c), SAME4((c) + 4), SAME4((c) + 8), SAME4((c) + 12)
#define LOW(c)    [c] = (c) | 0x20
#define LOW4(c)   LOW(c), LOW((c) + 1), LOW((c) + 2), LOW((c) + 3)

const unsigned char text_fold[256] = {
    SAME4('0'),   SAME4('4'),   SAME('8'),    SAME('9'),    SAME('_'),    SAME4('a'),
    SAME4('e'),   SAME4('i'),   SAME4('m'),   SAME4('q'),   SAME4('u'),   SAME('y'),
    SAME('z'),    LOW4('A'),    LOW4('E'),    LOW4('I'),    LOW4('M'),    LOW4('Q'),
    LOW4('U'),    LOW('Y'),     LOW('Z'),     SAME16(0x80), SAME16(0x90), SAME16(0xa0),
    SAME16(0xb0), SAME16(0xc0), SAME16(0xd0), SAME16(0xe0), SAME16(0xf0),
};

struct tokens tokens_of(const char *text, uint32_t len) {
    return (struct tokens){text, text + len, 1};
}

static inline bool in_word(char c) { return text_fold[(unsigned char)c] != 0; }

bool token_next(struct tokens *all, struct token *token) {
    for (;;) {
        while (all->at < all->end && !in_word(*all->at)) all->line += *all->at++ == '\n';
        const char *start = all->at;
        while (all->at < all->end && in_word(*all->at)) all->at++;
        size_t len = (size_t)(all->at - start);
        if (len == 0) return false;
        if (len < WORD_MIN || len > WORD_MAX) continue;
        *token = (struct token){start, (uint32_t)len, all->line};
        return true;
    }
}

void token_fold(const struct token *token, char *to) {
    for (uint32_t i = 0; i < token->len; i++) to[i] = (char)text_fold[(unsigned char)token->start[i]];
}

const char *text_line(const char *text, uint32_t size, uint32_t n, uint32_t *len) {
    const char *at = text, *end = text + size;
    while (n > 1 && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        at = stop ? stop + 1 : end;
        n--;
    }
    const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    *len = (uint32_t)((stop ? stop : end) - at);
    return at;
}
