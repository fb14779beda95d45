/* modules.c - see modules.h.
 *
 * Handlers look ranges up while other threads may register modules, so the list is only ever prepended to, with a
 * release store, and a record is taken out only with the world stopped. Each record keeps its ranges sorted.
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
    struct module *first; /* release; written under lock */
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
        store_release(&modules.first, m);
        of->registered = 1;
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

bool trix_modules_rewind(void *context) {
    uintptr_t pc = trix_os_context_pc(context);
    for (const struct module *m = load_acquire(&modules.first); m; m = load_acquire(&m->next)) {
        const struct ras_range *r = find_range(m, pc);
        if (!r) continue;
        trix_os_context_set_pc(context, r->start);
        fetch_add_relaxed(&trix_modules_rewinds, 1);
        return true;
    }
    return false;
}

void trix_modules_forget(struct tri__module *of) {
    lock_acquire(&modules.lock);
    for (struct module **link = &modules.first; *link;) {
        struct module *m = *link;
        if (m->of == of) {
            store_release(link, m->next);
            trix_os_unmap(m, m->mapped);
            of->registered = 0;
        } else {
            link = &m->next;
        }
    }
    lock_release(&modules.lock);
}
