/* profile.c - a profile in memory, and its two forms: profile.proto for pprof, and Go's text.
 *
 * Samples of one stack and label are one; they are found by a hash table of indices.
 */
#include "debug.h"
#include "profile.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- samples ---- */

struct profile_index {
    size_t size; /* a power of two */
    uint32_t at[]; /* sample + 1; 0: none */
};

static uint64_t hash_of(const uintptr_t *pcs, uint32_t n, int64_t number) {
    uint64_t h = (uint64_t)number * 0x9e3779b97f4a7c15ull + n;
    for (uint32_t i = 0; i < n; i++) h = (h ^ pcs[i]) * 0xff51afd7ed558ccdull, h ^= h >> 32;
    return h;
}

static bool same(const struct profile_sample *s, const uintptr_t *pcs, uint32_t n, const char *key, int64_t number) {
    return s->npcs == n && s->number == number && !s->key == !key && memcmp(s->pcs, pcs, n * sizeof *pcs) == 0;
}

/* The place of the sample, or the empty one where it belongs. */
static uint32_t *place(const struct profile *p, const uintptr_t *pcs, uint32_t n, const char *key, int64_t number) {
    struct profile_index *x = p->index;
    for (uint64_t i = hash_of(pcs, n, number);; i++) {
        uint32_t *at = &x->at[i & (x->size - 1)];
        if (*at == 0 || same(&p->sample[*at - 1], pcs, n, key, number)) return at;
    }
}

static void grow_index(struct profile *p) {
    if (p->index && p->n * 2 < p->index->size) return;
    size_t size = p->index ? p->index->size * 2 : 256;
    free(p->index);
    p->index = trid_malloc(sizeof *p->index + size * sizeof p->index->at[0]);
    p->index->size = size;
    for (size_t i = 0; i < p->n; i++) {
        const struct profile_sample *s = &p->sample[i];
        *place(p, s->pcs, s->npcs, s->key, s->number) = (uint32_t)i + 1;
    }
}

void trid_profile_add(struct profile *p, const uintptr_t *pcs, uint32_t npcs, const int64_t *value, const char *key,
                      int64_t number, const char *unit) {
    grow_index(p);
    uint32_t *at = place(p, pcs, npcs, key, number);
    if (!*at) {
        p->sample = trid_grow(p->sample, p->n, &p->capacity, sizeof *p->sample);
        uintptr_t *copy = trid_malloc(npcs * sizeof *copy);
        memcpy(copy, pcs, npcs * sizeof *copy);
        p->sample[p->n++] = (struct profile_sample){.npcs = npcs, .pcs = copy, .key = key, .number = number, .unit = unit};
        *at = (uint32_t)p->n;
    }
    for (unsigned i = 0; i < p->nvalues; i++) p->sample[*at - 1].value[i] += value[i];
}

void trid_profile_subtract(struct profile *p, const struct profile *before) {
    for (size_t i = 0; i < before->n; i++) {
        const struct profile_sample *s = &before->sample[i];
        int64_t minus[PROFILE_VALUES];
        for (unsigned v = 0; v < PROFILE_VALUES; v++) minus[v] = -s->value[v];
        trid_profile_add(p, s->pcs, s->npcs, minus, s->key, s->number, s->unit);
    }
}

void trid_profile_free(struct profile *p) {
    for (size_t i = 0; i < p->n; i++) free((void *)(uintptr_t)p->sample[i].pcs);
    free(p->sample);
    free(p->index);
    *p = (struct profile){0};
}

/* ---- profile.proto ---- */

/* What is under construction. Few strings, and few locations: found by looking through them, or a hash of addresses. */
struct encoder {
    Trid__Profile out;
    char **text;
    size_t ntext, text_room;
    Trid__Location *location;
    size_t nlocation, location_room;
    uint32_t *by_address; /* hash table: location + 1 */
    size_t by_address_size;
    struct modules modules;
};

static int64_t text_of(struct encoder *e, const char *s) {
    for (size_t i = 0; i < e->ntext; i++)
        if (strcmp(e->text[i], s) == 0) return (int64_t)i;
    e->text = trid_grow(e->text, e->ntext, &e->text_room, sizeof *e->text);
    e->text[e->ntext] = strdup(s);
    return (int64_t)e->ntext++;
}

static Trid__Kind *kind_of(struct encoder *e, const char *type, const char *unit) {
    Trid__Kind *k = trid_malloc(sizeof *k);
    trid__kind__init(k);
    k->has_type = k->has_unit = 1;
    k->type = text_of(e, type);
    k->unit = text_of(e, unit);
    return k;
}

static uint32_t *address_place(struct encoder *e, uint64_t address) {
    for (uint64_t i = address * 0x9e3779b97f4a7c15ull >> 20;; i++) {
        uint32_t *at = &e->by_address[i & (e->by_address_size - 1)];
        if (!*at || e->location[*at - 1].address == address) return at;
    }
}

static void grow_addresses(struct encoder *e) {
    if (e->nlocation * 2 < e->by_address_size) return;
    free(e->by_address);
    e->by_address_size = e->by_address_size ? e->by_address_size * 2 : 256;
    e->by_address = trid_malloc(e->by_address_size * sizeof *e->by_address);
    for (size_t i = 0; i < e->nlocation; i++) *address_place(e, e->location[i].address) = (uint32_t)i + 1;
}

static uint64_t location_of(struct encoder *e, uint64_t address) {
    grow_addresses(e);
    uint32_t *at = address_place(e, address);
    if (*at) return *at;
    e->location = trid_grow(e->location, e->nlocation, &e->location_room, sizeof *e->location);
    Trid__Location *l = &e->location[e->nlocation++];
    trid__location__init(l);
    l->has_id = l->has_address = 1;
    l->id = e->nlocation;
    l->address = address;
    const struct module *m = trid_modules_find(&e->modules, address);
    if (m) l->has_mapping = 1, l->mapping = (uint64_t)(m - e->modules.module) + 1;
    *at = (uint32_t)e->nlocation;
    return l->id;
}

static Trid__Label *label_of(struct encoder *e, const struct profile_sample *s) {
    Trid__Label *l = trid_malloc(sizeof *l);
    trid__label__init(l);
    l->has_key = l->has_number = 1;
    l->key = text_of(e, s->key);
    l->number = s->number;
    if (s->unit) l->has_unit = 1, l->unit = text_of(e, s->unit);
    return l;
}

static Trid__Sample *sample_of(struct encoder *e, const struct profile *p, const struct profile_sample *s) {
    Trid__Sample *out = trid_malloc(sizeof *out);
    trid__sample__init(out);
    out->n_location = s->npcs;
    out->location = trid_malloc(s->npcs * sizeof *out->location);
    /* a call is in front of where it returns to */
    for (uint32_t i = 0; i < s->npcs; i++) out->location[i] = location_of(e, s->pcs[i] - (i || !p->interrupted));
    out->n_value = p->nvalues;
    out->value = trid_malloc(p->nvalues * sizeof *out->value);
    memcpy(out->value, s->value, p->nvalues * sizeof *out->value);
    if (s->key) {
        out->n_label = 1;
        out->label = trid_malloc(sizeof *out->label);
        out->label[0] = label_of(e, s);
    }
    return out;
}

static Trid__Mapping *mapping_of(struct encoder *e, size_t i) {
    const struct module *m = &e->modules.module[i];
    Trid__Mapping *out = trid_malloc(sizeof *out);
    trid__mapping__init(out);
    out->has_id = out->has_start = out->has_limit = out->has_offset = out->has_file = out->has_build_id = 1;
    out->id = i + 1;
    out->start = m->start;
    out->limit = m->limit;
    out->offset = m->offset;
    out->file = text_of(e, m->file);
    out->build_id = text_of(e, m->build_id);
    return out;
}

static void fill_header(struct encoder *e, const struct profile *p) {
    Trid__Profile *o = &e->out;
    o->n_sample_type = p->nvalues;
    o->sample_type = trid_malloc(p->nvalues * sizeof *o->sample_type);
    for (unsigned i = 0; i < p->nvalues; i++) o->sample_type[i] = kind_of(e, p->type[i], p->unit[i]);
    o->period_type = kind_of(e, p->period_type, p->period_unit);
    o->has_period = o->has_time_nanos = 1;
    o->period = p->period;
    o->time_nanos = p->time_ns;
    if (p->duration_ns) o->has_duration_nanos = 1, o->duration_nanos = p->duration_ns;
    if (p->default_type) o->has_default_sample_type = 1, o->default_sample_type = text_of(e, p->default_type);
    if (p->drop) o->has_drop_frames = 1, o->drop_frames = text_of(e, p->drop);
}

static void fill_body(struct encoder *e, const struct profile *p) {
    Trid__Profile *o = &e->out;
    o->sample = trid_malloc(p->n * sizeof *o->sample);
    for (size_t i = 0; i < p->n; i++) o->sample[o->n_sample++] = sample_of(e, p, &p->sample[i]);
    o->mapping = trid_malloc(e->modules.n * sizeof *o->mapping);
    for (size_t i = 0; i < e->modules.n; i++) o->mapping[o->n_mapping++] = mapping_of(e, i);
    o->location = trid_malloc(e->nlocation * sizeof *o->location);
    for (size_t i = 0; i < e->nlocation; i++) o->location[o->n_location++] = &e->location[i];
    o->n_text = e->ntext;
    o->text = e->text;
}

static void encoder_free(struct encoder *e) {
    Trid__Profile *o = &e->out;
    for (size_t i = 0; i < o->n_sample_type; i++) free(o->sample_type[i]);
    for (size_t i = 0; i < o->n_sample; i++) {
        Trid__Sample *s = o->sample[i];
        if (s->n_label) free(s->label[0]);
        free(s->label), free(s->location), free(s->value), free(s);
    }
    for (size_t i = 0; i < o->n_mapping; i++) free(o->mapping[i]);
    for (size_t i = 0; i < e->ntext; i++) free(e->text[i]);
    free(o->sample_type), free(o->sample), free(o->mapping), free(o->location), free(o->period_type);
    free(e->text), free(e->location), free(e->by_address);
    trid_modules_free(&e->modules);
}

static bool gzip(const void *from, size_t n, struct page *out) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)n};
    char buffer[16384];
    int got;
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    do {
        z.next_out = (Bytef *)buffer;
        z.avail_out = sizeof buffer;
        got = deflate(&z, Z_FINISH);
        trid_put_bytes(out, buffer, sizeof buffer - z.avail_out);
    } while (got == Z_OK);
    deflateEnd(&z);
    return got == Z_STREAM_END;
}

bool trid_profile_encode(const struct profile *p, struct page *out) {
    struct encoder e = {0};
    trid__profile__init(&e.out);
    text_of(&e, "");
    trid_modules_read(&e.modules);
    fill_header(&e, p);
    fill_body(&e, p);
    size_t n = trid__profile__get_packed_size(&e.out);
    uint8_t *packed = trid_malloc(n);
    trid__profile__pack(&e.out, packed);
    bool done = gzip(packed, n, out);
    free(packed);
    encoder_free(&e);
    return done;
}

/* ---- text ---- */

void trid_text_stack(struct page *out, struct symbols *s, const uintptr_t *pcs, uint32_t n, bool interrupted) {
    bool inside = true;
    for (uint32_t i = 0; i < n; i++) {
        struct symbol at = trid_symbol(s, pcs[i] - (i || !interrupted));
        bool ours = (at.name && strncmp(at.name, "tri_", 4) == 0) || trid_symbol_internal(&at, pcs[i]);
        if (inside && ours && i + 1 < n) continue; /* as Go leaves the runtime's own out */
        inside = false;
        trid_put(out, "#\t0x%lx\t%s+0x%lx\t\t%s:%d\n", pcs[i], at.name ? at.name : "?",
                 at.offset + (i || !interrupted), at.file ? at.file : "?", at.line);
    }
    trid_put(out, "\n");
}

static int by_value(const void *a, const void *b) {
    int64_t x = ((const struct profile_sample *)a)->value[0], y = ((const struct profile_sample *)b)->value[0];
    return (x < y) - (x > y);
}

void trid_profile_text(const struct profile *p, struct page *out) {
    int64_t total = 0;
    struct profile_sample *sorted = trid_malloc(p->n * sizeof *sorted);
    struct symbols *s = trid_symbols_open();
    if (p->n) memcpy(sorted, p->sample, p->n * sizeof *sorted);
    qsort(sorted, p->n, sizeof *sorted, by_value);
    for (size_t i = 0; i < p->n; i++) total += p->sample[i].value[0];
    trid_put(out, "%s profile: total %ld\n", p->name, total);
    for (size_t i = 0; i < p->n; i++) {
        trid_put(out, "%ld @", sorted[i].value[0]);
        for (uint32_t k = 0; k < sorted[i].npcs; k++) trid_put(out, " 0x%lx", sorted[i].pcs[k]);
        trid_put(out, "\n");
        trid_text_stack(out, s, sorted[i].pcs, sorted[i].npcs, p->interrupted);
    }
    trid_symbols_close(s);
    free(sorted);
}
