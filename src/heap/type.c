/* type.c - from the program's TRI_TYPE declarations to layouts: see type.h and the public tricolor/type.h. */
#include "type.h"

#include <string.h>

/* ---- joining a use to its declaration ---- */

static struct lock join_lock = LOCK_INIT(MODULES);

static const char *skip_word(const char *name, const char *word) {
    size_t n = strlen(word);
    return strncmp(name, word, n) == 0 ? name + n : name;
}

/* "struct node", "const node" and "node" are one name: a program that has both means the same type. */
static const char *plain_name(const char *name) {
    static const char *const words[] = {"const ", "volatile ", "struct ", "union "};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) name = skip_word(name, words[i]);
    return name;
}

static const tri_type *find_declaration(const tri_type *site) {
    const char *name = plain_name(site->name);
    for (struct tri_type **t = site->module->types_begin; t < site->module->types_end; t++)
        if ((*t)->unit == site->unit && (*t)->size == site->size &&
            ((site->kind & TRI__KIND_TYPED) || strcmp(plain_name((*t)->name), name) == 0))
            return *t;
    return NULL;
}

/* Makes a use what its declaration says; without one it stays what the compiler could tell. */
static void type_join(tri_type *type) {
    if (!(load_acquire(&type->kind) & TRI__KIND_SITE)) return;
    lock_acquire(&join_lock);
    if (type->kind & TRI__KIND_SITE) {
        const tri_type *declared = find_declaration(type);
        uint32_t kind = type->kind & TRI__KIND_WHAT;
        if (declared) {
            type->fields = declared->fields;
            type->nfields = declared->nfields;
            kind = declared->kind;
        }
        store_release(&type->kind, kind);
    }
    lock_release(&join_lock);
}

/* ---- shapes ---- */

static void shape_mark_field(struct shape *s, const struct tri__field *f) {
    uint32_t from = (f->offset + 7) / 8, to = (f->offset + f->size) / 8;
    for (uint32_t w = from; w < to && w < s->size / 8; w++) bits_set(s->mask, w);
}

/* A mask of nothing is leaf, of everything is any: shapes are compared in this normal form. */
static void shape_normalise(struct shape *s) {
    if (s->kind != LAYOUT_MASK) return;
    size_t set = trix_bits_count_range(s->mask, 0, s->size / 8);
    if (set == 0) s->kind = LAYOUT_LEAF;
    else if (set == s->size / 8) s->kind = LAYOUT_ANY;
    if (s->kind != LAYOUT_MASK) memset(s->mask, 0, sizeof s->mask), s->mask_words = 0;
}

static void shape_of_type(struct shape *s, const tri_type *type, size_t size) {
    memset(s, 0, sizeof *s);
    s->size = (uint32_t)size;
    s->kind = type->kind == TRI__KIND_LEAF ? LAYOUT_LEAF : type->kind == TRI__KIND_ANY ? LAYOUT_ANY : LAYOUT_MASK;
    if (s->kind == LAYOUT_MASK) {
        s->mask_words = (unsigned)((size / 8 + 63) / 64);
        for (uint32_t i = 0; i < type->nfields; i++) shape_mark_field(s, &type->fields[i]);
        shape_normalise(s);
    }
}

/* What the tables hold for a type that is too large for a layout, or when they are full: any or leaf. */
static struct layout *plain_element(const tri_type *type) {
    return layout_by_id(type->kind == TRI__KIND_LEAF ? LAYOUT_ID_BYTES : LAYOUT_ID_WORDS);
}

struct layout *trix_layout_of_element(tri_type *type) {
    struct shape s;
    type_join(type);
    if (type->size > MAX_SMALL || type->size % 8 || type->kind != TRI__KIND_FIELDS) return plain_element(type);
    shape_of_type(&s, type, type->size);
    if (s.kind != LAYOUT_MASK) return layout_by_id(s.kind == LAYOUT_LEAF ? LAYOUT_ID_BYTES : LAYOUT_ID_WORDS);
    struct layout *l = trix_layout_intern(&s);
    return l ? l : plain_element(type);
}

struct layout *trix_layout_of_flex(tri_type *type, size_t head, bool tail_any) {
    struct shape s;
    type_join(type);
    if (type->kind == TRI__KIND_LEAF && !tail_any) return layout_by_id(LAYOUT_ID_BYTES);
    if (head > MAX_SMALL || type->kind == TRI__KIND_ANY) return layout_by_id(LAYOUT_ID_WORDS);
    shape_of_type(&s, type, head & ~(size_t)7);
    if (s.kind == LAYOUT_ANY) bits_fill(s.mask, 0, s.size / 8, true); /* the head's words and no more */
    s.mask_words = (s.size / 8 + 63) / 64;
    s.kind = tail_any ? LAYOUT_TAIL_ANY : LAYOUT_TAIL_LEAF;
    struct layout *l = trix_layout_intern(&s);
    return l ? l : layout_by_id(LAYOUT_ID_WORDS);
}

struct layout *trix_layout_of_type(tri_type *type) {
    struct layout *l = load_acquire(&type->resolved);
    if (l) return l;
    struct shape s;
    type_join(type);
    if (type->size < TINY_PIECE) {
        l = layout_by_id(LAYOUT_ID_TINY);
    } else if (type->size <= MAX_SMALL - 8) {
        shape_of_type(&s, type, TRI__EXACT(type->size));
        s.exact = 1;
        l = trix_layout_intern(&s);
    }
    if (!l) l = layout_by_id(LAYOUT_ID_LARGE);
    store_release(&type->resolved, l);
    return l;
}
