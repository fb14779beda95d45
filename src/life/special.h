/* special.h - what hangs on an object: see special.c. */
#ifndef TRIX_SPECIAL_H
#define TRIX_SPECIAL_H

#include "life.h"

enum special_kind {
    SPECIAL_FINALIZER,
    SPECIAL_CLEANUP,
    SPECIAL_WEAK,
    SPECIAL_EPHEMERON, /* the object is a key */
    SPECIAL_TABLE,     /* the object is the face of a table of ephemerons */
    SPECIAL_RC,        /* the object is a counted handle */
    SPECIAL_SAMPLE     /* the heap profile has seen it being made */
};

struct tri__weak;
struct tri_rc;

/* Lives outside the heap. Under the lock of its object's span while it hangs there, of `due` while it is due. */
struct special {
    struct special *next; /* on the same object, or due after it */
    uintptr_t object;     /* as the program named it; never a root */
    uint64_t id;          /* cleanups: which */
    uint32_t kind;        /* enum special_kind */
    union {
        struct {
            void (*fn)(void *);
            void *arg; /* cleanups; a root */
        } call;
        struct {
            struct tri__weak *handle; /* a heap object; a root */
        } weak;
        struct {
            struct table *table;
            uintptr_t value; /* relaxed; 0: taken out */
        } ephemeron;
        struct {
            struct table *table;
        } table;
        struct {
            struct tri_rc *handle; /* the object itself */
        } rc;
        struct {
            void *site; /* the profile's */
        } sample;
    };
};

/* An object's place in the table, the lock of its span held. */
struct special_place {
    struct shard *shard;
    struct special_span *span; /* NULL: no object of the span has specials */
    uint32_t page, slot;
};

/* Finds the object that p points into and locks its span. The span is swept, so the object is not a dead one. Inside. False,
 * and no lock: p points into no object, or into an arena. */
bool trix_special_lock(struct special_place *place, uintptr_t p);
void trix_special_unlock(struct special_place *place);

/* Locks the place, or ends the program: the call was given no such pointer. */
void trix_special_demand(struct special_place *place, const char *call, const void *p);

/* Whether q is in the same object as p, which is at the place: a block of tiny ones has several. */
bool trix_special_same_object(const struct special_place *place, uintptr_t p, uintptr_t q);

/* The object's first special, or NULL; follow `next`. Of a block of tiny objects: those of all of them. */
struct special *trix_special_first(const struct special_place *place);

/* Hangs a new one on the object, last. Its id is set. */
struct special *trix_special_add(struct special_place *place, enum special_kind kind, uintptr_t object);

/* Takes one off the object; it is the caller's then. */
void trix_special_remove(struct special_place *place, struct special *s);

/* Gives its memory back; no lock held. */
void trix_special_free(struct special *s);

/* The same with the lock of the place held. */
void trix_special_discard(struct special_place *place, struct special *s);

/* The object is dead: weak pointers to it read NULL from here on, even if a finalizer revives it. */
void trix_special_clear_weak(struct special_place *place);

/* ---- the heap profile ---- */

/* Notes that the profile has seen the object being made; inside. */
void trix_special_sample(uintptr_t object, void *site);
/* An arena's chunk, which has no other specials, is being freed by hand; inside. */
void trix_special_unsample(uintptr_t chunk);
/* Such an object has been freed, by sweeping or by hand; under the lock of its span. */
extern void (*trix_special_sample_freed)(void *site, uintptr_t object, bool by_hand);

/* ---- growing lists outside the heap ---- */
struct vector {
    struct special **item;
    size_t n, capacity;
};
void trix_vector_push(struct vector *v, struct special *s); /* ends the program when there is no memory */

/* ---- to the others, while marking ---- */
void trix_ephemeron_seen(struct special *s); /* each, while trix_life_mark goes over them */
bool trix_ephemeron_dropped(const struct special *s);
void trix_ephemeron_release(struct special *s); /* its key is dead, or its table */
void trix_ephemerons_forget(void);
bool trix_ephemerons_mark(struct marker *m); /* true: something was shaded */
void trix_table_dead(struct table *table);

void trix_rc_seen(struct special *s);
void trix_rc_forget(void);
void trix_rc_narrow(void); /* nothing is grey, the world runs */
bool trix_rc_mark_dead(struct marker *m);
extern bool trix_rc_used; /* there has been a handle, ever; atomic */

void trix_weak_seen(struct special *s);
void trix_weak_forget(void);
void trix_weak_narrow(void);    /* nothing is grey, the world runs */
void trix_weak_end_white(void); /* world stopped, nothing is grey: weak pointers to white objects read NULL from here on */
void trix_weak_clear(struct tri__weak *handle);

#endif
