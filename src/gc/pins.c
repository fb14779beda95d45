/* pins.c - objects kept alive by count: tri_pin, tri_alloc_root. An open hash table (linear probing, backward-shift
 * deletion) in memory of its own, under the lock SPECIALS. */
#include "pins.h"
#include "barrier.h"
#include "roots.h"
#include "../heap/gate.h"
#include "../heap/object.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/control.h"

struct pin {
    uintptr_t object; /* 0: empty */
    uint64_t count;
};

static struct {
    struct lock lock;
    struct pin *slot;        /* lock */
    size_t capacity, used;   /* lock; capacity a power of two */
} pins = {.lock = LOCK_INIT(SPECIALS)};

static size_t pin_hash(uintptr_t object) { return (object >> 3) * 0x9e3779b97f4a7c15ull >> 20 & (pins.capacity - 1); }

/* The object's slot, or the empty one where it would go. */
static size_t pin_find(uintptr_t object) {
    size_t i = pin_hash(object);
    while (pins.slot[i].object && pins.slot[i].object != object) i = (i + 1) & (pins.capacity - 1);
    return i;
}

static void pins_grow(void) {
    struct pin *old = pins.slot;
    size_t old_capacity = pins.capacity, capacity = old_capacity ? old_capacity * 2 : 256;
    struct pin *fresh = trix_os_map(capacity * sizeof(struct pin));
    if (!fresh) trix_fatal("out of memory");
    pins.slot = fresh;
    pins.capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].object) pins.slot[pin_find(old[i].object)] = old[i];
    if (old) trix_os_unmap(old, old_capacity * sizeof(struct pin));
}

void trix_pin_add(uintptr_t object) {
    lock_acquire(&pins.lock);
    if (pins.used * 2 >= pins.capacity) pins_grow();
    struct pin *p = &pins.slot[pin_find(object)];
    if (!p->object) {
        pins.used++;
        p->object = object;
    }
    p->count++;
    lock_release(&pins.lock);
}

/* Empties slot i and moves back what had probed past it. */
static void pin_remove(size_t i) {
    size_t mask = pins.capacity - 1;
    pins.used--;
    for (size_t j = i;;) {
        pins.slot[i] = (struct pin){0};
        size_t home;
        do {
            j = (j + 1) & mask;
            if (!pins.slot[j].object) return;
            home = pin_hash(pins.slot[j].object);
        } while (((j - home) & mask) < ((j - i) & mask));
        pins.slot[i] = pins.slot[j];
        i = j;
    }
}

bool trix_pin_drop(uintptr_t object, bool all) {
    lock_acquire(&pins.lock);
    bool found = false;
    if (pins.used) {
        size_t i = pin_find(object);
        found = pins.slot[i].object != 0;
        if (found && (all || --pins.slot[i].count == 0)) pin_remove(i);
    }
    lock_release(&pins.lock);
    return found;
}

void trix_pins_scan(struct marker *m) {
    lock_acquire(&pins.lock);
    for (size_t i = 0; i < pins.capacity; i++)
        if (pins.slot[i].object) trix_marker_shade(m, pins.slot[i].object);
    lock_release(&pins.lock);
}

/* ---- the public calls ---- */

static struct object pin_demand(const char *call, const void *p) {
    struct object o;
    if (!trix_object_find((uintptr_t)p, &o))
        trix_misuse(call, "%p is not in a live object of the collected heap", p);
    return o;
}

EXPORT void tri_pin(const void *p) {
    struct gate *g = gate_enter();
    trix_pin_add(pin_demand("tri_pin", p).start);
    gate_leave(g);
}

EXPORT void tri_unpin(const void *p) {
    struct gate *g = gate_enter();
    struct object o = pin_demand("tri_unpin", p);
    if (gate_marking()) trix_shade((struct thread *)g, o.start, 0); /* the pin may have been the last root */
    if (!trix_pin_drop(o.start, false)) trix_misuse("tri_unpin", "%p is not pinned; unpin as often as you pin", p);
    gate_leave(g);
}

EXPORT void *tri_alloc_root(size_t size) {
    void *p = tri_alloc(size);
    tri_pin(p);
    return p;
}

void trix_gate_unpin_all(const struct object *o) { trix_pin_drop(o->start, true); }
