/* scavenge.c - gives memory of free pages back to the system; the mechanism. How much and when is not decided here
 * (gc/scavenger.c), but in what order is: highest addresses first, since allocation takes the lowest; whole units of 2 MiB
 * first, then pages where there are no huge pages, and last parts of units that may be huge pages (pageheap.h).
 *
 * Pages are taken out of the page heap while the kernel drops their memory, so nobody can get them meanwhile, and no lock
 * is held. Nothing marks, scans or sweeps free pages; a stale pointer into them ends at their entry in the page table.
 *
 * By MADV_DONTNEED what is given back reads zero afterwards, and is clean. With GODEBUG=madvdontneed=0 by MADV_FREE: cheaper,
 * but resident memory falls only when the kernel needs it, and the pages count as dirty.
 */
#include "scavenge.h"
#include "gate.h"
#include "../base/options.h"
#include "../os/os.h"

uint64_t trix_scavenged_bytes, trix_scavenged_eagerly, trix_scavenge_ns, trix_scavenge_background_ns;

enum {
    DENSE = CHUNK_PAGES / 32,       /* free pages: Go's 96.875 % */
    LEAST_BROKEN = HUGE_PAGES / 4   /* free pages: a unit is not broken for fewer */
};

/* Less than a huge page: khugepaged is told to leave the unit alone, else it would fill it in again. */
static bool advise(const struct release *r, bool huge) {
    uint32_t unit = (uint32_t)round_down(r->page, HUGE_PAGES);
    return trix_os_huge((void *)map_address(unit), HUGE_PAGES << PAGE_SHIFT, huge);
}

static enum release_result give_back(struct release *r) {
    void *at = (void *)map_address(r->page);
    size_t bytes = (size_t)r->npages << PAGE_SHIFT;
    if (r->kind == RELEASE_BROKEN && !advise(r, false)) return RELEASE_REFUSED;
    bool lazily = !trix_options.debug.madvdontneed && trix_os_release_lazily(at, bytes);
    if (!lazily && !trix_os_release(at, bytes)) return RELEASE_REFUSED;
    if (r->mend && !advise(r, true)) return RELEASE_REFUSED;
    return lazily ? RELEASE_LAZY : RELEASE_DONE;
}

struct giving { struct release *r; enum release_result result; };

static void give_back_blocked(void *at, size_t bytes) {
    struct giving *giving = at;
    (void)bytes;
    giving->result = give_back(giving->r);
}

/* Only the kernel is waited for as blocked: the page heap's lock must not be held then, a fork would copy it held. */
static enum release_result give_back_by(struct gate *g, struct release *r) {
    if (!g) return give_back(r);
    struct giving giving = {.r = r, .result = RELEASE_REFUSED};
    trix_gate_blocking(g, give_back_blocked, &giving, sizeof giving);
    return giving.result;
}

/* One piece, added to *done; false: there are none of the kind, or the system refuses. */
static bool scavenge_kind(struct gate *g, enum release_kind kind, enum scavenge_how how, struct release_cursor *from, uint64_t *done) {
    struct release r;
    bool gently = how == SCAVENGE_GENTLY;
    if (!trix_release_take(&r, kind, from, gently ? DENSE : 1, gently ? LEAST_BROKEN : 1)) return false;
    enum release_result result = give_back_by(g, &r);
    trix_release_done(&r, result);
    if (result == RELEASE_REFUSED) return false;
    fetch_add_relaxed(&trix_scavenged_bytes, (uint64_t)r.backed << PAGE_SHIFT);
    *done += r.backed;
    return true;
}

static uint64_t scavenge(struct gate *g, uint64_t npages, enum scavenge_how how, struct release_cursor *from) {
    uint64_t done = 0;
    for (int kind = 0; kind < RELEASE_KINDS && done < npages;)
        if (!scavenge_kind(g, kind, how, from, &done)) kind++;
        else if (kind == RELEASE_BROKEN) kind = RELEASE_PAGES; /* the rest of the unit */
    return done;
}

uint64_t trix_scavenge(uint64_t npages, enum scavenge_how how, struct release_cursor *from) {
    return scavenge(NULL, npages, how, from);
}

void trix_scavenge_over(struct gate *g) {
    uint64_t over = trix_pageheap_over();
    trix_pageheap_settle();
    if (LIKELY(over == 0)) return;
    struct release_cursor from = SCAVENGE_FROM_TOP;
    uint64_t began = trix_os_now();
    uint64_t done = scavenge(g, over, SCAVENGE_ALL, &from);
    fetch_add_relaxed(&trix_scavenged_eagerly, done << PAGE_SHIFT);
    fetch_add_relaxed(&trix_scavenge_ns, trix_os_now() - began);
}
