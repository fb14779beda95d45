/* work.c - see work.h. */
#include "work.h"
#include "../os/os.h"

enum { SLAB_BYTES = 128 << 10, KEEP_SLABS = 4 };

/* ---- free buffers ---- */

struct slab { /* SLAB_BYTES, so aligned */
    struct slab *next;
    uint32_t nfree;
    bool drop; /* in trix_work_trim */
    struct workbuf buf[];
};
enum { SLAB_BUFS = (SLAB_BYTES - sizeof(struct slab)) / sizeof(struct workbuf) };

static struct {
    struct lock lock;
    struct workbuf *free; /* lock */
    struct slab *slabs;   /* lock */
    uint32_t nslabs;      /* lock */
    struct workbuf last;  /* for grey objects when the system gives no more: with one buffer marking goes on, without any it
                             would go over the heap for each object */
    bool last_out;        /* lock */
} pool = {.lock = LOCK_INIT(BUFFERS)};

static struct slab *slab_of(const struct workbuf *buf) {
    return (struct slab *)round_down((uintptr_t)buf, SLAB_BYTES);
}

static bool pool_grow(void) {
    struct slab *s = trix_os_reserve(SLAB_BYTES, SLAB_BYTES);
    if (!s) return false;
    if (!trix_os_commit(s, SLAB_BYTES)) {
        trix_os_unmap(s, SLAB_BYTES);
        return false;
    }
    trix_os_name(s, SLAB_BYTES, "tricolor: mark work");
    s->next = pool.slabs;
    s->nfree = SLAB_BUFS;
    pool.slabs = s;
    pool.nslabs++;
    for (unsigned i = 0; i < SLAB_BUFS; i++) {
        s->buf[i].next = pool.free;
        pool.free = &s->buf[i];
    }
    return true;
}

struct workbuf *trix_workbuf_get(enum workbuf_kind kind) {
    lock_acquire(&pool.lock);
    struct workbuf *buf = NULL;
    if (pool.free || pool_grow()) {
        buf = pool.free;
        pool.free = buf->next;
        slab_of(buf)->nfree--;
    } else if (kind == WORK_KIND_GREY && !pool.last_out) {
        buf = &pool.last;
        pool.last_out = true;
    }
    if (buf) {
        buf->next = NULL;
        buf->n = 0;
        buf->kind = kind;
    }
    lock_release(&pool.lock);
    return buf;
}

void trix_workbuf_put(struct workbuf *buf) {
    lock_acquire(&pool.lock);
    if (UNLIKELY(buf == &pool.last)) {
        pool.last_out = false;
    } else {
        buf->next = pool.free;
        pool.free = buf;
        slab_of(buf)->nfree++;
    }
    lock_release(&pool.lock);
}

void trix_work_ready(uint32_t buffers) {
    uint32_t free = 0;
    lock_acquire(&pool.lock);
    for (const struct slab *s = pool.slabs; s; s = s->next) free += s->nfree;
    for (; free < buffers && pool_grow(); free += SLAB_BUFS) {}
    lock_release(&pool.lock);
}

/* Takes the slabs that are wholly free, beyond a few, off the list; returns them linked. */
static struct slab *slabs_to_drop(void) {
    struct slab *dropped = NULL;
    uint32_t kept = 0;
    for (struct slab **link = &pool.slabs; *link;) {
        struct slab *s = *link;
        s->drop = s->nfree == SLAB_BUFS && kept++ >= KEEP_SLABS;
        if (s->drop) {
            *link = s->next;
            s->next = dropped;
            dropped = s;
            pool.nslabs--;
        } else {
            link = &s->next;
        }
    }
    return dropped;
}

void trix_work_trim(void) {
    lock_acquire(&pool.lock);
    struct slab *dropped = slabs_to_drop();
    for (struct workbuf **link = &pool.free; dropped && *link;)
        if (slab_of(*link)->drop) *link = (*link)->next;
        else link = &(*link)->next;
    lock_release(&pool.lock);
    while (dropped) {
        struct slab *next = dropped->next;
        trix_os_unmap(dropped, SLAB_BYTES);
        dropped = next;
    }
}

uint64_t trix_work_bytes(void) {
    lock_acquire(&pool.lock);
    uint64_t bytes = (uint64_t)pool.nslabs * SLAB_BYTES;
    lock_release(&pool.lock);
    return bytes;
}

/* ---- the shared list ---- */

static struct {
    struct lock lock;
    struct workbuf *full; /* lock */
    uint32_t queued;      /* buffers on `full`; written under lock; seq_cst where a helper decides to sleep or is woken */
    uint32_t active;      /* lock */
} work = {.lock = LOCK_INIT(WORK)};

uint32_t trix_work_overflow;
struct work_helpers trix_helpers;

void trix_work_push(struct workbuf *buf) {
    lock_acquire(&work.lock);
    buf->next = work.full;
    work.full = buf;
    store_seq(&work.queued, work.queued + 1);
    lock_release(&work.lock);
    if (event_waited(&trix_event)) trix_event_post();
    if (helpers_lack()) trix_event_post_to(&trix_helpers.event, 1);
}

struct workbuf *trix_work_pop(void) {
    if (!load_relaxed(&work.queued)) return NULL;
    lock_acquire(&work.lock);
    struct workbuf *buf = work.full;
    if (buf) {
        work.full = buf->next;
        store_relaxed(&work.queued, work.queued - 1);
        buf->next = NULL;
    }
    lock_release(&work.lock);
    return buf;
}

void trix_work_enter(void) {
    lock_acquire(&work.lock);
    work.active++;
    lock_release(&work.lock);
}

void trix_work_exit(void) {
    lock_acquire(&work.lock);
    bool last = --work.active == 0, drained = last && !work.full;
    lock_release(&work.lock);
    if (last) trix_event_post();
    if (drained) trix_event_post_to(&trix_rest, 1);
}

bool trix_work_drained(void) {
    lock_acquire(&work.lock);
    bool drained = work.active == 0 && !work.full;
    lock_release(&work.lock);
    return drained;
}

bool trix_work_wanted(void) { return !load_relaxed(&work.queued) && (event_waited(&trix_event) || helpers_lack()); }
uint32_t trix_work_queued(void) { return load_seq(&work.queued); }

/* Only the forking thread lives on: whatever was grey is dropped with the cycle. */
void trix_work_reset_after_fork(void) {
    lock_reset(&work.lock);
    lock_reset(&pool.lock);
    work.active = 0;
    for (struct workbuf *buf; (buf = trix_work_pop());) trix_workbuf_put(buf);
    pool.last_out = false; /* a thread that is no more may have held it */
    trix_work_overflow = 0;
}
