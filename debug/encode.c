/* encode.c - a profile as gzip'ed profile.proto, as Go's own are: addresses, and the functions and lines they stand for, so
 * that pprof needs no program file, names what is inlined (the pprof in the Go toolchain cannot find that out for C), and
 * lists lines of the functions that the program wrote.
 *
 * Functions and addresses are found again by one kind of table: indices by hash.
 */
#include "debug.h"
#include "profile.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- tables ---- */

struct table {
    uint32_t *at; /* index + 1; 0: free */
    size_t size;  /* a power of two */
};

/* Room for one more behind n. The hashes of those that are in it must be asked for again. */
static bool table_is_full(const struct table *t, size_t n) { return n * 2 >= t->size; }

static void table_empty(struct table *t) {
    free(t->at);
    t->size = t->size ? t->size * 2 : 256;
    t->at = trid_malloc(t->size * sizeof *t->at);
}

/* ---- what is under construction ---- */

struct encoder {
    Trid__Profile out;
    struct texts texts;
    Trid__Location *location;
    size_t nlocation, location_room;
    Trid__Function *function;
    size_t nfunction, function_room;
    struct table by_address, by_function;
    struct modules modules;
    Trid__Mapping **mapping; /* of each module */
    struct symbols *symbols;
};

static uint64_t hash_of_number(uint64_t n) { return n * 0x9e3779b97f4a7c15ull >> 20; }
static uint64_t hash_of_function(int64_t name, int64_t file) { return hash_of_number((uint64_t)name << 32 ^ (uint64_t)file); }

static int64_t text_of(struct encoder *e, const char *s) { return (int64_t)trid_texts_index(&e->texts, s); }

static Trid__Kind *kind_of(struct encoder *e, const char *type, const char *unit) {
    Trid__Kind *k = trid_malloc(sizeof *k);
    trid__kind__init(k);
    k->has_type = k->has_unit = 1;
    k->type = text_of(e, type);
    k->unit = text_of(e, unit);
    return k;
}

/* ---- functions and locations ---- */

static uint32_t *function_place(const struct encoder *e, int64_t name, int64_t file) {
    for (uint64_t i = hash_of_function(name, file);; i++) {
        uint32_t *at = &e->by_function.at[i & (e->by_function.size - 1)];
        if (!*at || (e->function[*at - 1].name == name && e->function[*at - 1].file == file)) return at;
    }
}

static uint64_t function_of(struct encoder *e, const struct symbol *s) {
    int64_t name = text_of(e, s->name), file = text_of(e, s->file ? s->file : "");
    if (table_is_full(&e->by_function, e->nfunction)) {
        table_empty(&e->by_function);
        for (size_t i = 0; i < e->nfunction; i++) *function_place(e, e->function[i].name, e->function[i].file) = (uint32_t)i + 1;
    }
    uint32_t *at = function_place(e, name, file);
    if (!*at) {
        e->function = trid_grow(e->function, e->nfunction, &e->function_room, sizeof *e->function);
        Trid__Function *f = &e->function[e->nfunction++];
        trid__function__init(f);
        f->has_id = f->has_name = f->has_system_name = f->has_file = 1;
        f->id = *at = (uint32_t)e->nfunction;
        f->name = f->system_name = name;
        f->file = file;
    }
    return *at;
}

static Trid__Line *line_of(struct encoder *e, const struct symbol *s) {
    Trid__Line *l = trid_malloc(sizeof *l);
    trid__line__init(l);
    l->has_function = 1;
    l->function = function_of(e, s);
    if (s->line > 0) l->has_line = 1, l->line = s->line;
    return l;
}

/* What is not known here pprof looks for in the files itself: it does so where a mapping says that something is missing. */
static void add_lines(struct encoder *e, Trid__Location *l, Trid__Mapping *m) {
    unsigned n;
    const struct symbol *s = trid_symbol_frames(e->symbols, l->address, &n);
    if (!s[n - 1].name) return;
    l->line = trid_malloc(n * sizeof *l->line);
    for (unsigned i = 0; i < n; i++) l->line[l->n_line++] = line_of(e, &s[i]);
    if (!m) return;
    m->has_has_functions = m->has_functions = 1;
    if (s[n - 1].file) m->has_has_files = m->has_files = m->has_has_lines = m->has_lines = m->has_has_inlined = m->has_inlined = 1;
}

static uint32_t *address_place(const struct encoder *e, uint64_t address) {
    for (uint64_t i = hash_of_number(address);; i++) {
        uint32_t *at = &e->by_address.at[i & (e->by_address.size - 1)];
        if (!*at || e->location[*at - 1].address == address) return at;
    }
}

static uint64_t location_of(struct encoder *e, uint64_t address) {
    if (table_is_full(&e->by_address, e->nlocation)) {
        table_empty(&e->by_address);
        for (size_t i = 0; i < e->nlocation; i++) *address_place(e, e->location[i].address) = (uint32_t)i + 1;
    }
    uint32_t *at = address_place(e, address);
    if (*at) return *at;
    e->location = trid_grow(e->location, e->nlocation, &e->location_room, sizeof *e->location);
    Trid__Location *l = &e->location[e->nlocation++];
    trid__location__init(l);
    l->has_id = l->has_address = 1;
    l->id = *at = (uint32_t)e->nlocation;
    l->address = address;
    const struct module *m = trid_modules_find(&e->modules, address);
    if (m) l->has_mapping = 1, l->mapping = (uint64_t)(m - e->modules.module) + 1;
    add_lines(e, l, m ? e->mapping[m - e->modules.module] : NULL);
    return l->id;
}

/* ---- samples and mappings ---- */

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
    o->mapping = e->mapping;
    o->n_mapping = e->modules.n;
    o->location = trid_malloc(e->nlocation * sizeof *o->location);
    for (size_t i = 0; i < e->nlocation; i++) o->location[o->n_location++] = &e->location[i];
    o->function = trid_malloc(e->nfunction * sizeof *o->function);
    for (size_t i = 0; i < e->nfunction; i++) o->function[o->n_function++] = &e->function[i];
    o->n_text = e->texts.n;
    o->text = e->texts.text;
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
    for (size_t i = 0; i < e->nlocation; i++) {
        for (size_t k = 0; k < e->location[i].n_line; k++) free(e->location[i].line[k]);
        free(e->location[i].line);
    }
    free(o->sample_type), free(o->sample), free(o->mapping), free(o->location), free(o->period_type);
    free(o->function), free(e->location), free(e->function);
    free(e->by_address.at), free(e->by_function.at);
    trid_texts_free(&e->texts);
    trid_symbols_close(e->symbols);
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
    e.symbols = trid_symbols_open();
    trid_modules_read(&e.modules);
    e.mapping = trid_malloc(e.modules.n * sizeof *e.mapping);
    for (size_t i = 0; i < e.modules.n; i++) e.mapping[i] = mapping_of(&e, i);
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
