/* work.h - the grey set: buffers of work, shared between markers, and the test for its end.
 *
 * A marker fills and empties a buffer of its own, and passes whole buffers over the shared list. Two kinds:
 *
 *   grey   objects marked and not yet scanned: offset from map.base in bits 0-39, the layout's id in bits 40-55
 *   raw    words that may be pointers, from barriers and stacks: offset, and RAW_ROOT for those from stacks
 *
 * Termination: a marker that holds work is counted in `active`. Marking is drained when active == 0 and the list is
 * empty, both read under the lock. (Barrier buffers that threads still fill are not counted: the cycle flushes them.)
 *
 * When there is no memory for a buffer, a grey object is dropped: it is marked, and `overflow` tells the cycle to
 * go over all marked objects once more. Nothing is lost, only time.
 */
#ifndef TRIX_WORK_H
#define TRIX_WORK_H

#include "event.h"
#include "../base/bits.h"
#include "../base/lock.h"

enum {
#ifdef TRIX_TORTURE
    WORKBUF_ITEMS = 14,
#else
    WORKBUF_ITEMS = 510,
#endif
};

#define RAW_ROOT        (1ull << 63)
#define WORK_OFFSET(w)  ((w) & bits_below(40))
#define WORK_LAYOUT(w)  ((unsigned)((w) >> 40 & 0xffff))
#define WORK_GREY(o, l) ((o) | (uint64_t)(l) << 40)

enum workbuf_kind { WORK_KIND_GREY, WORK_KIND_RAW };

struct workbuf {
    struct workbuf *next;
    uint32_t n;
    uint32_t kind;
    uint64_t item[WORKBUF_ITEMS];
};

/* An empty buffer, or NULL when there is no memory for one. */
struct workbuf *trix_workbuf_get(enum workbuf_kind kind);
void trix_workbuf_put(struct workbuf *buf);

/* Before the world is stopped: sees to it that about so many buffers can be had without new memory, whose first touch
 * would be part of the stop. */
void trix_work_ready(uint32_t buffers);

/* Hands a buffer that is not empty to whichever marker comes first. */
void trix_work_push(struct workbuf *buf);

/* Takes one, or returns NULL. */
struct workbuf *trix_work_pop(void);

/* Helpers: threads that only mark. As many as are wanted take part while there is work. */
extern struct work_helpers {
    struct event event; /* work pushed while fewer are busy than wanted */
    uint32_t wanted;    /* written by the collector's thread; seq_cst */
    uint32_t busy;      /* how many take part; seq_cst */
} trix_helpers;
INLINE bool helpers_lack(void) { return load_seq(&trix_helpers.busy) < load_seq(&trix_helpers.wanted); }

/* A marker that holds, or may come to hold, work in private counts as active. */
void trix_work_enter(void);
void trix_work_exit(void); /* posts the event when this was the last active one */

bool trix_work_drained(void);
bool trix_work_wanted(void);     /* the list is empty and some marker waits: share */
uint32_t trix_work_queued(void); /* buffers on the list */

extern uint32_t trix_work_overflow; /* a grey object was dropped; relaxed */

/* After a cycle: gives most free buffers back to the system. Bytes held now are in the figures. */
void trix_work_trim(void);
uint64_t trix_work_bytes(void);
void trix_work_reset_after_fork(void);

#endif
