/* A library as others make them: it moves the pointers in structs it is handed, with no barrier. */
#include <stddef.h>

struct holder {
    void *place[64];
};

/* Takes the value out of one holder and puts it into another, one pair after the other. */
__attribute__((visibility("default"))) void relink(struct holder **holder, size_t n, unsigned seed) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        struct holder *a = holder[i], *b = holder[(seed >> 8) % n];
        for (size_t k = 0; k < 64; k++) {
            void *kept = a->place[k];
            a->place[k] = b->place[(k + seed) % 64];
            b->place[(k + seed) % 64] = kept;
        }
    }
}
