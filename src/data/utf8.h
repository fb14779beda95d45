/* utf8.h - one rune from and to UTF-8, as Go's unicode/utf8: what is not well formed is U+FFFD, one byte long. */
#ifndef TRIX_UTF8_H
#define TRIX_UTF8_H

#include "../base/attr.h"

enum { UTF8_MOST = 4, RUNE_ERROR = 0xfffd, RUNE_MOST = 0x10ffff };

INLINE bool rune_is_valid(int32_t r) { return r >= 0 && r <= RUNE_MOST && !(r >= 0xd800 && r < 0xe000); }

/* Bytes written. */
INLINE size_t utf8_encode(char *to, int32_t r) {
    if (!rune_is_valid(r)) r = RUNE_ERROR;
    if (r < 0x80) return to[0] = (char)r, 1;
    size_t n = r < 0x800 ? 2 : r < 0x10000 ? 3 : 4;
    for (size_t i = n; --i > 0; r >>= 6) to[i] = (char)(0x80 | (r & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    return to[0] = (char)(lead[n] | r), n;
}

/* The rune that begins at `from`, of n > 0 bytes, and how long it is. */
INLINE int32_t utf8_decode(const char *from, size_t n, size_t *length) {
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)from;
    *length = 1;
    if (p[0] < 0x80) return p[0];
    size_t want = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || want > n) return RUNE_ERROR;
    int32_t r = p[0] & (0x7f >> want);
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80) return RUNE_ERROR;
        r = r << 6 | (p[i] & 0x3f);
    }
    if (r < least[want] || !rune_is_valid(r)) return RUNE_ERROR;
    *length = want;
    return r;
}

#endif
