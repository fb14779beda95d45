/* A thread ends: the slots that it had claimed and not used become free. From that moment another thread may hand them out, so
 * from that moment no question about them may be answered by the run they were in ("is it an object?", tri_is_heap). The
 * moment is held here: within the call that frees them, right behind it. */
#include "check.h"
#include "heap/central.h"
#include "heap/gate.h"

void __real_trix_central_unclaim(struct layout *l, uint32_t page, const uint64_t *slots, unsigned handed);
void __wrap_trix_central_unclaim(struct layout *l, uint32_t page, const uint64_t *slots, unsigned handed);

static __thread bool ends; /* the calling thread is about to give its runs back */
static int looked, wrong;  /* atomic */

/* (The thread sanitizer thinks that the thread is no more.) */
__attribute__((no_sanitize("thread"))) void __wrap_trix_central_unclaim(struct layout *l, uint32_t page, const uint64_t *slots,
                                                                        unsigned handed) {
    uint64_t freed[SPAN_SLOTS / 64];
    unsigned id = l->id, n = l->slots;
    memcpy(freed, slots, sizeof freed);
    __real_trix_central_unclaim(l, page, slots, handed);
    if (!ends) return;
    for (unsigned slot = 0; slot < n; slot++)
        if (freed[slot / 64] >> (slot % 64) & 1) {
            __atomic_fetch_add(&looked, 1, __ATOMIC_SEQ_CST);
            if (trix_gate_slot_in_run(page, id, slot)) __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        }
}

static void *use_and_end(void *arg) {
    for (int i = 0; i < 10; i++) stamped_new((uint64_t)i);
    for (int i = 0; i < 10; i++) memset(tri_alloc(48), 1, 48);
    tri_alloc_leaf(200);
    ends = true;
    return arg;
}

int main(void) {
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, use_and_end, NULL) == 0, "no thread");
        pthread_join(thread, NULL);
    }
    REQUIRE(posted(&looked) > 50, "only %d slots were given back", posted(&looked));
    REQUIRE(posted(&wrong) == 0, "%d of %d slots that are free count as still in a run", posted(&wrong), posted(&looked));
    return 0;
}
