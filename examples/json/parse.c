/* parse.c - a parser of JSON (RFC 8259) by recursive descent. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

TRI_TYPE(struct json, next, child, name, text)

enum { DEEPEST = 1000 };

struct parser {
    const char *at, *end;
    tri_arena *arena;
    int depth;
};

/* ---- where things are allocated ---- */

static struct json *node_new(struct parser *p, enum json_kind kind) {
    struct json *n = p->arena ? tri_arena_make(p->arena, struct json) : tri_new(struct json);
    n->kind = kind;
    return n;
}

static char *bytes_new(struct parser *p, size_t n) {
    return p->arena ? tri_arena_make_slice(p->arena, char, n, n) : (char *)tri_alloc_leaf(n);
}

/* ---- words ---- */

static void skip_space(struct parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

static bool take(struct parser *p, char c) {
    skip_space(p);
    if (p->at == p->end || *p->at != c) return false;
    p->at++;
    return true;
}

static struct json *word(struct parser *p, const char *expected, enum json_kind kind) {
    size_t n = strlen(expected);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, expected, n) != 0) return NULL;
    p->at += n;
    return node_new(p, kind);
}

static struct json *number(struct parser *p) {
    char copy[64];
    size_t n = 0;
    while (p->at + n < p->end && n < sizeof copy - 1 && strchr("+-.eE0123456789", p->at[n])) {
        copy[n] = p->at[n];
        n++;
    }
    copy[n] = 0;
    char *stop;
    double value = strtod(copy, &stop);
    if (stop == copy) return NULL;
    p->at += stop - copy;
    struct json *v = node_new(p, JSON_NUMBER);
    v->number = value;
    return v;
}

/* ---- strings ---- */

static int hex4(const char *s) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *d = s[i] ? strchr(digits, s[i] | 32) : NULL;
        if (!d) return -1;
        value = value * 16 + (int)(d - digits);
    }
    return value;
}

static char *put_utf8(char *to, unsigned c) {
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* \uXXXX, of which two may make one character; `s` is behind the u. Bytes read, 0: wrong. */
static size_t put_unicode(char **to, const char *s, const char *end) {
    if (end - s < 4) return 0;
    int c = hex4(s);
    size_t n = 4;
    if (c >= 0xd800 && c < 0xdc00 && end - s >= 10 && s[4] == '\\' && s[5] == 'u') {
        int low = hex4(s + 6);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            n = 10;
        }
    }
    if (c < 0) return 0;
    *to = put_utf8(*to, (unsigned)c);
    return n;
}

/* Copies up to the closing quote, without escapes; bytes written, or SIZE_MAX when it is wrong. */
static size_t unescape(char *to, const char *s, const char *stop) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char *begin = to;
    while (s < stop) {
        if (*s != '\\') {
            *to++ = *s++;
            continue;
        }
        const char *known = s[1] ? strchr(from, s[1]) : NULL;
        if (known) {
            *to++ = into[known - from];
            s += 2;
        } else {
            size_t n = s[1] == 'u' ? put_unicode(&to, s + 2, stop) : 0;
            if (!n) return SIZE_MAX;
            s += 2 + n;
        }
    }
    *to = 0;
    return (size_t)(to - begin);
}

/* After the opening quote. NULL: wrong. */
static const char *string(struct parser *p, unsigned *length) {
    const char *stop = p->at;
    while (stop < p->end && *stop != '"') stop += *stop == '\\' && stop + 1 < p->end ? 2 : 1;
    if (stop >= p->end) return NULL;
    char *s = bytes_new(p, (size_t)(stop - p->at) + 1);
    size_t n = unescape(s, p->at, stop);
    if (n == SIZE_MAX) return NULL;
    p->at = stop + 1;
    *length = (unsigned)n;
    return s;
}

/* ---- values ---- */

static struct json *value(struct parser *p);

static struct json *string_value(struct parser *p) {
    unsigned length;
    const char *s = string(p, &length);
    if (!s) return NULL;
    struct json *v = node_new(p, JSON_STRING);
    tri_set(v->text, s);
    v->length = length;
    return v;
}

/* A member of an array, or with its name of an object. */
static struct json *member(struct parser *p, enum json_kind of) {
    const char *name = NULL;
    unsigned length;
    if (of == JSON_OBJECT && !(take(p, '"') && (name = string(p, &length)) && take(p, ':'))) return NULL;
    struct json *v = value(p);
    if (v && name) tri_set(v->name, name);
    return v;
}

static struct json *members(struct parser *p, enum json_kind kind) {
    char close = kind == JSON_ARRAY ? ']' : '}';
    struct json *v = node_new(p, kind), *last = NULL;
    if (++p->depth > DEEPEST) return NULL;
    if (!take(p, close)) {
        do {
            struct json *m = member(p, kind);
            if (!m) return NULL;
            if (last) tri_set(last->next, m);
            else tri_set(v->child, m);
            last = m;
            v->length++;
        } while (take(p, ','));
        if (!take(p, close)) return NULL;
    }
    p->depth--;
    return v;
}

static struct json *value(struct parser *p) {
    skip_space(p);
    if (p->at == p->end) return NULL;
    switch (*p->at) {
    case '{': return p->at++, members(p, JSON_OBJECT);
    case '[': return p->at++, members(p, JSON_ARRAY);
    case '"': return p->at++, string_value(p);
    case 't': return word(p, "true", JSON_TRUE);
    case 'f': return word(p, "false", JSON_FALSE);
    case 'n': return word(p, "null", JSON_NULL);
    default: return number(p);
    }
}

struct json *json_parse(const char *text, size_t bytes, tri_arena *arena, const char **error) {
    struct parser p = {.at = text, .end = text + bytes, .arena = arena};
    struct json *v = value(&p);
    skip_space(&p);
    if (v && p.at == p.end) return v;
    *error = p.at;
    return NULL;
}

/* ---- a figure ---- */

static unsigned long mix(unsigned long h, unsigned long x) { return (h ^ x) * 0x9e3779b97f4a7c15ul; }

static unsigned long mix_text(unsigned long h, const char *s) {
    while (s && *s) h = mix(h, (unsigned char)*s++);
    return h;
}

unsigned long json_digest(const struct json *tree) {
    unsigned long h = 1;
    for (const struct json *v = tree; v; v = v->next) {
        unsigned long bits;
        memcpy(&bits, &v->number, sizeof bits);
        h = mix(mix(mix(h, v->kind), v->length), bits);
        h = mix_text(mix_text(h, v->name), v->text);
        if (v->child) h = mix(h, json_digest(v->child));
    }
    return h;
}
