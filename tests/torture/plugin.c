/* plugin.c - a module that is loaded, given a pointer to keep in a global, and unloaded again. It stores and
 * allocates with barriers and restartable ranges of its own. */
#include <tricolor.h>

struct piece {
    struct piece *next;
    void *kept;
    uint64_t mark;
};
TRI_TYPE(struct piece, next, kept)

static struct piece *pieces; /* a root that comes and goes */
static void *kept;

/* Keeps the pointer n times over; the pieces hang from this module's globals. */
void plugin_keep(void *pointer, unsigned n);
void plugin_keep(void *pointer, unsigned n) {
    kept = pointer;
    for (unsigned i = 0; i < n; i++) {
        struct piece *p = tri_new(struct piece);
        p->mark = 0xE000000000000000ull + i;
        tri_set(p->kept, pointer);
        tri_set(p->next, pieces);
        pieces = p;
    }
}

/* Gives it back; NULL when the pieces are not what they were. */
void *plugin_release(unsigned n);
void *plugin_release(unsigned n) {
    void *pointer = kept;
    for (; n--; pieces = pieces->next)
        if (pieces->mark != 0xE000000000000000ull + n || pieces->kept != pointer) return NULL;
    if (pieces) return NULL;
    kept = NULL;
    return pointer;
}
