/* specific.c - see specific.h. */
#include "specific.h"
#include "barrier.h"
#include "../heap/gate.h"
#include "../os/os.h"

#include <limits.h>

enum { SPECIFIC_KEYS = PTHREAD_KEYS_MAX };

struct specific {
    const void *value[SPECIFIC_KEYS];
    unsigned used; /* keys below this were set */
};

void trix_specific_set(struct thread *t, unsigned key, const void *value) {
    if (key >= SPECIFIC_KEYS) return;
    if (!t->specifics) {
        if (!value) return;
        t->specifics = trix_os_map(sizeof(struct specific));
        if (!t->specifics) trix_fatal("out of memory");
    }
    struct specific *s = t->specifics;
    if (gate_marking()) trix_shade(t, (uintptr_t)s->value[key], 0), trix_shade(t, (uintptr_t)value, 0);
    s->value[key] = value;
    if (key >= s->used) s->used = key + 1;
}

void trix_specific_ranges(struct specific *s, trix_range_visitor *visit, void *arg) {
    if (s) visit(s->value, s->value + s->used, true, arg);
}

bool trix_specific_left(const struct thread *t) {
    const struct specific *s = t->specifics;
    for (unsigned key = 0; s && key < s->used; key++)
        if (s->value[key] && pthread_getspecific(key)) return true;
    return false;
}

void trix_specific_drop(struct thread *t) {
    if (t->specifics) trix_os_unmap(t->specifics, sizeof(struct specific));
    t->specifics = NULL;
}
