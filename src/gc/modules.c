/* modules.c - see modules.h.
 *
 * Handlers look ranges up while other threads may register and forget modules, so the list is prepended to with a release
 * store, and a record that has been taken out goes only when no handler is looking any more. (Stopping the world would not
 * do: a signal may meet a thread that is blocked, and counts as stopped.) Each record keeps its ranges sorted.
 */
#include "modules.h"
#include "../heap/gate.h"
#include "../heap/metadata.h"
#include "../os/os.h"
#include "../../include/tricolor/abi.h"
#include "../base/fmt.h"

#include <stdlib.h>

struct ras_range {
    uintptr_t start, end;
};

struct module {
    struct module *next;
    struct tri__module *of; /* lives in the module itself */
    size_t nranges;
    size_t mapped; /* bytes */
    uintptr_t lo, hi; /* covers all ranges */
    struct ras_range range[];
};

static struct {
    struct lock lock;
    struct module *first; /* seq_cst; written under lock, as are the links */
    uint32_t readers;     /* handlers that look through the list; seq_cst */
} modules = {.lock = LOCK_INIT(MODULES)};

uint64_t trix_modules_rewinds;

static int compare_ranges(const void *a, const void *b) {
    uintptr_t x = ((const struct ras_range *)a)->start, y = ((const struct ras_range *)b)->start;
    return x < y ? -1 : x > y;
}

/* Heap sort, in place and without malloc: registration may happen in a signal handler. */
static void sort_ranges(struct ras_range *r, size_t n) {
    for (size_t size = n, root = n / 2; size > 1;) {
        struct ras_range moved;
        if (root > 0) {
            moved = r[--root];
        } else {
            moved = r[--size];
            r[size] = r[0];
        }
        size_t hole = root;
        for (size_t child; (child = 2 * hole + 1) < size; hole = child) {
            if (child + 1 < size && compare_ranges(&r[child], &r[child + 1]) < 0) child++;
            if (compare_ranges(&moved, &r[child]) >= 0) break;
            r[hole] = r[child];
        }
        r[hole] = moved;
    }
}

static struct module *module_make(struct tri__module *of) {
    size_t n = (size_t)(of->ras_end - of->ras_begin);
    size_t bytes = sizeof(struct module) + n * sizeof(struct ras_range);
    struct module *m = trix_os_map(bytes);
    if (!m) trix_fatal("out of memory");
    m->of = of;
    m->nranges = n;
    m->mapped = bytes;
    for (size_t i = 0; i < n; i++) {
        const struct tri__ras *r = &of->ras_begin[i];
        m->range[i].start = (uintptr_t)&r->start + (uintptr_t)(intptr_t)r->start;
        m->range[i].end = (uintptr_t)&r->end + (uintptr_t)(intptr_t)r->end;
    }
    sort_ranges(m->range, n);
    m->lo = n ? m->range[0].start : 0;
    m->hi = n ? m->range[n - 1].end : 0;
    return m;
}

EXPORT void tri__module_register(struct tri__module *of) {
    if (of->abi != TRI__ABI)
        trix_misuse("tri__module_register", "a module was compiled against header version %u, the library is %u; "
                                            "recompile it", of->abi, TRI__ABI);
    struct gate *g = gate_enter();
    lock_acquire(&modules.lock);
    if (!of->registered) {
        struct module *m = module_make(of);
        m->next = modules.first;
        store_seq(&modules.first, m);
        of->registered = MODULE_REGISTERED;
        *of->barrier_flag = gate_marking();
    }
    lock_release(&modules.lock);
    gate_leave(g);
}

void trix_modules_set_barrier(bool on) {
    lock_acquire(&modules.lock);
    for (struct module *m = modules.first; m; m = m->next) *(volatile unsigned char *)m->of->barrier_flag = on;
    lock_release(&modules.lock);
}

bool trix_modules_within(uintptr_t lo, uintptr_t hi) {
    bool found = false;
    lock_acquire(&modules.lock);
    for (struct module *m = modules.first; m && !found; m = m->next) found = (uintptr_t)m->of >= lo && (uintptr_t)m->of < hi;
    lock_release(&modules.lock);
    return found;
}

static const struct ras_range *find_range(const struct module *m, uintptr_t pc) {
    if (pc <= m->lo || pc >= m->hi) return NULL;
    size_t low = 0, high = m->nranges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->range[middle].end <= pc) low = middle + 1;
        else high = middle;
    }
    return low < m->nranges && m->range[low].start < pc && pc < m->range[low].end ? &m->range[low] : NULL;
}

static const struct ras_range *find_in_list(uintptr_t pc) {
    for (const struct module *m = load_seq(&modules.first); m; m = load_seq(&m->next)) {
        const struct ras_range *r = find_range(m, pc);
        if (r) return r;
    }
    return NULL;
}

bool trix_modules_rewind(void *context) {
    fetch_add_seq(&modules.readers, 1);
    const struct ras_range *r = find_in_list(trix_os_context_pc(context));
    if (UNLIKELY(r)) {
        trix_os_context_set_pc(context, r->start);
        fetch_add_relaxed(&trix_modules_rewinds, 1);
    }
    fetch_sub_seq(&modules.readers, 1);
    return r != NULL;
}

static struct module *unlink_module(struct tri__module *of) {
    for (struct module **link = &modules.first; *link; link = &(*link)->next) {
        struct module *m = *link;
        if (m->of != of) continue;
        store_seq(link, m->next);
        return m;
    }
    return NULL;
}

/* Whatever code of the module still runs, in later destructors, stores the slow way, which is always right. */
void trix_modules_forget(struct tri__module *of) {
    lock_acquire(&modules.lock);
    struct module *m = unlink_module(of);
    if (m) {
        of->registered = MODULE_GONE;
        *(volatile unsigned char *)of->barrier_flag = 1;
    }
    lock_release(&modules.lock);
    if (!m) return;
    while (load_seq(&modules.readers)) trix_os_yield();
    trix_os_unmap(m, m->mapped);
}

void trix_modules_reset_after_fork(void) { modules.readers = 0; }
