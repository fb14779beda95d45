/* options.h - options as text, on their way to the plugin through the environment: a letter for each that is set, a digit for how
 * often -m was given, a space, and the preludes' folder. */
#ifndef TRICC_PASSES_OPTIONS_H
#define TRICC_PASSES_OPTIONS_H

#include "../tricc.h"

#include <stdio.h>

#define TRICC_OPTION_LETTERS(X)                                                                                 \
    X('j', m_json) X('l', no_inline) X('N', no_opt) X('M', managed_malloc) X('t', trust_calls)                    \
    X('T', trust_calls_said) X('u', untyped_malloc) X('s', stats) X('a', warn_asm) X('p', no_packed_warning) X('g', keep_debug)

/* `text` has room for `room` bytes; false: not enough. */
static inline bool options_write(const struct tricc_options *o, char *text, size_t room) {
    char letters[32];
    size_t n = 0;
    letters[n++] = (char)('0' + (o->m > 9 ? 9 : o->m));
#define X(letter, member) if (o->member) letters[n++] = letter;
    TRICC_OPTION_LETTERS(X)
#undef X
    int length = snprintf(text, room, "%.*s %s", (int)n, letters, o->prelude_dir);
    return length > 0 && (size_t)length < room;
}

/* The folder's name stays in `text`. */
static inline bool options_read(struct tricc_options *o, const char *text) {
    if (*text < '0' || *text > '9') return false;
    *o = (struct tricc_options){.m = (unsigned)(*text++ - '0')};
    for (; *text && *text != ' '; text++) {
        switch (*text) {
#define X(letter, member) case letter: o->member = true; break;
            TRICC_OPTION_LETTERS(X)
#undef X
        default: return false;
        }
    }
    o->prelude_dir = text + 1;
    return *text == ' ';
}

#endif
