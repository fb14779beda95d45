/* map.c - see map.h. */
#include "map.h"
#include "pageheap.h"
#include "../base/fmt.h"
#include "../base/options.h"
#include "../os/os.h"
#include "../os/races.h"

struct heap_map trix_map;

/* Bytes of a table with `each` bytes for every page of `heap` bytes. */
static size_t table_bytes(uint64_t heap, size_t each) {
    return round_up((heap >> PAGE_SHIFT) * each, trix_os_page);
}

enum { HUGE_PAGE = HUGE_PAGES << PAGE_SHIFT, MAX_ARENAS = 1 << (40 - ARENA_SHIFT) };

struct table {
    void **where;
    size_t each; /* bytes a page */
    const char *name;
    bool huge; /* on huge pages where it serves a big heap: marking looks at it for each pointer */
    bool late; /* committed by who needs it: trix_map_wide */
};

enum { WIDE }; /* its number in `tables` */

static const struct table tables[] = {
    [WIDE] = {(void **)&trix_map.wide, sizeof(uint64_t) * MARK_WORDS, "tricolor: wide alloc bits", .late = true},
    {(void **)&trix_map.pages, sizeof(struct page), "tricolor: pages", .huge = true},
    {(void **)&trix_map.states, sizeof(struct page_state), "tricolor: page states", .huge = false},
    {(void **)&trix_map.specials, sizeof(void *), "tricolor: specials", .huge = false},
};

/* Tables by chunk are small: 36 MiB of address space for 1 TiB of heap, committed as one. */
static bool reserve_chunk_tables(uint64_t heap) {
    uint64_t chunks = heap >> CHUNK_SHIFT;
    trix_map.chunk_head = trix_os_map(chunks * sizeof(uint32_t));
    trix_map.chunks = trix_os_map(chunks * sizeof(struct chunk));
    return trix_map.chunk_head && trix_map.chunks;
}

static void unreserve(uint64_t heap) {
    if (trix_map.base) trix_os_unmap((void *)trix_map.base, heap);
    trix_map.base = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (*tables[i].where) trix_os_unmap(*tables[i].where, table_bytes(heap, tables[i].each));
        *tables[i].where = NULL;
    }
    uint64_t chunks = heap >> CHUNK_SHIFT;
    if (trix_map.chunk_head) trix_os_unmap(trix_map.chunk_head, chunks * sizeof(uint32_t));
    if (trix_map.chunks) trix_os_unmap(trix_map.chunks, chunks * sizeof(struct chunk));
    trix_map.chunk_head = NULL;
    trix_map.chunks = NULL;
}

static bool reserve(uint64_t heap) {
    trix_map.base = (uintptr_t)trix_os_reserve(heap, ARENA_SIZE);
    bool done = trix_map.base != 0;
    for (size_t i = 0; i < ARRAY_LEN(tables) && done; i++)
        done = (*tables[i].where = trix_os_reserve(table_bytes(heap, tables[i].each), HUGE_PAGE)) != NULL;
    if (done && reserve_chunk_tables(heap)) return true;
    unreserve(heap);
    return false;
}

void trix_map_init(void) {
    uint64_t heap = (uint64_t)MAX_ARENAS << ARENA_SHIFT;
    size_t room = trix_os_address_room();
    while (heap > ARENA_SIZE && heap > room / 2) heap >>= 1; /* leave half to stacks, libraries and malloc */
    while (!reserve(heap)) {
        if (heap <= ARENA_SIZE) {
            trix_print(2, "tricolor: cannot reserve %lu MiB of address space for the heap; raise ulimit -v\n",
                       heap >> 20);
            trix_fatal("out of memory");
        }
        heap >>= 1;
    }
    trix_map.reserved = heap;
    trix_os_not_leaked((void *)trix_map.base, heap);
    trix_races_heap((void *)trix_map.base, heap);
}

/* The first arena is taken by small programs too: only what lies behind its first 16 MiB is worth huge pages. */
static const uint64_t SMALL_HEAP = 16 << 20;

static bool wants_huge_pages(void) { return !trix_options.debug.disablethp && ARENA_SIZE > SMALL_HEAP; }

bool trix_map_huge(uint32_t page) { return (uint64_t)page << PAGE_SHIFT >= SMALL_HEAP && wants_huge_pages(); }

static void advise_arena(uint64_t at) {
    uint64_t skip = at == 0 ? SMALL_HEAP : 0;
    if (wants_huge_pages()) trix_os_huge((void *)(trix_map.base + at + skip), ARENA_SIZE - skip, true);
}

/* The table's first huge page's worth stays on small ones: small programs touch little of it. Beyond, a whole huge page is
 * made ready by the first arena that lies in it. */
static bool commit_table(const struct table *t, uint64_t at, uint64_t *metadata) {
    size_t from = round_down((at >> PAGE_SHIFT) * t->each, trix_os_page);
    size_t to = round_up(((at + ARENA_SIZE) >> PAGE_SHIFT) * t->each, trix_os_page);
    size_t bytes = to - from;
    bool huge = t->huge && wants_huge_pages() && from >= HUGE_PAGE;
    if (huge) to = min_u64(round_up(to, HUGE_PAGE), table_bytes(trix_map.reserved, t->each));
    char *table = *t->where;
    if (!trix_os_commit(table + from, to - from)) return false;
    *metadata += bytes;
    if (huge) trix_os_huge(table + from, to - from, true);
    trix_os_name(table + from, to - from, t->name);
    return true;
}

/* The tables first; when the rest is refused they are kept for the next attempt, and counted then. */
static bool commit_arena(uint64_t at) {
    uint64_t metadata = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (!tables[i].late && !commit_table(&tables[i], at, &metadata)) return false;
    if (!trix_os_commit((void *)(trix_map.base + at), ARENA_SIZE)) return false;
    trix_os_name((void *)(trix_map.base + at), ARENA_SIZE, "tricolor: heap");
    advise_arena(at);
    fetch_add_relaxed(&trix_map.metadata, metadata);
    return true;
}

static uint8_t wide_arenas[MAX_ARENAS]; /* whether the arena's part of the table is there; atomic */
NO_ROOTS(wide_arenas);

/* Of several threads that find it missing each commits it, to no harm, and one counts it. */
bool trix_map_wide(uint32_t page) {
    uint64_t arena = ((uint64_t)page << PAGE_SHIFT) / ARENA_SIZE, metadata = 0;
    if (LIKELY(load_acquire(&wide_arenas[arena]))) return true;
    if (!commit_table(&tables[WIDE], arena * ARENA_SIZE, &metadata)) return false;
    if (!swap_seq(&wide_arenas[arena], true)) fetch_add_relaxed(&trix_map.metadata, metadata);
    return true;
}

bool trix_map_commit(uint64_t extent) {
    if (extent > trix_map.reserved) return false;
    while (trix_map.committed < extent) {
        if (!commit_arena(trix_map.committed)) return false;
        trix_map.committed += ARENA_SIZE;
    }
    return true;
}

bool trix_map_restore(uint32_t page, uint64_t npages) {
    char *at = (char *)map_address(page);
    if (!trix_os_map_anew(at, npages << PAGE_SHIFT)) return false;
    trix_os_name(at, npages << PAGE_SHIFT, "tricolor: heap");
    for (uint64_t i = page, end = page + npages, next; i < end; i = next) {
        next = min_u64(round_down(i, HUGE_PAGES) + HUGE_PAGES, end);
        if (trix_pageheap_huge((uint32_t)i)) trix_os_huge((void *)map_address((uint32_t)i), (next - i) << PAGE_SHIFT, true);
    }
    return true;
}

uint32_t trix_map_span(uint32_t page) {
    const struct page *p = map_page(page);
    switch (load_acquire(&p->kind)) {
    case PAGE_SCAN:
    case PAGE_LEAF: return page;
    case PAGE_TAIL: return (uint32_t)p->size;
    default: return load_acquire(&trix_map.chunk_head[page / CHUNK_PAGES]);
    }
}
