/* service.c - a request looks a user up in a cache that forgets the least recently used, loads it if it is not there, and renders
 * it as text. What lives is the cache; all else is garbage with the next request. */
#include "service.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS = 40, VALUE = 24, LESS_KNOWN = 4 /* so many times as many users as the cache holds */ };

struct field {
    struct field *next;
    char *name, *value;
};
TRI_TYPE(struct field, next, name, value)

struct user {
    struct user *newer, *older; /* by use */
    struct user *chain;         /* of a bucket */
    struct field *fields;
    uint64_t id;
};
TRI_TYPE(struct user, newer, older, chain, fields)

struct service {
    struct user **bucket;
    struct user *newest, *oldest;
    size_t count, entries;
    uint64_t random;
};
TRI_TYPE(struct service, bucket, newest, oldest)

/* A piece of the page, rendered. */
struct piece {
    struct piece *next;
    char *text;
    size_t bytes;
};
TRI_TYPE(struct piece, next, text)

static uint64_t random_next(uint64_t *state) { /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- users ---- */

static struct user *user_load(uint64_t id) {
    struct user *u = tri_new(struct user);
    char text[64];
    u->id = id;
    for (int i = 0; i < FIELDS; i++) {
        struct field *f = tri_new(struct field);
        snprintf(text, sizeof text, "field-%d", i);
        tri_set(f->name, tri_strdup(text));
        snprintf(text, sizeof text, "%0*llx", VALUE, (unsigned long long)(id * 31 + (uint64_t)i));
        tri_set(f->value, tri_strdup(text));
        tri_set(f->next, u->fields);
        tri_set(u->fields, f);
    }
    return u;
}

/* ---- the cache ---- */

static struct user **bucket_of(struct service *s, uint64_t id) { return &s->bucket[id * 2654435761u % s->entries]; }

static void list_remove(struct service *s, struct user *u) {
    if (u->newer) tri_set(u->newer->older, u->older);
    else tri_set(s->newest, u->older);
    if (u->older) tri_set(u->older->newer, u->newer);
    else tri_set(s->oldest, u->newer);
}

static void list_add(struct service *s, struct user *u) {
    tri_set(u->newer, NULL);
    tri_set(u->older, s->newest);
    if (s->newest) tri_set(s->newest->newer, u);
    else tri_set(s->oldest, u);
    tri_set(s->newest, u);
}

static struct user *cache_find(struct service *s, uint64_t id) {
    struct user *u = *bucket_of(s, id);
    while (u && u->id != id) u = u->chain;
    return u;
}

static void cache_forget(struct service *s, struct user *u) {
    struct user *before = *bucket_of(s, u->id);
    list_remove(s, u);
    if (before == u) {
        tri_set(*bucket_of(s, u->id), u->chain);
    } else {
        while (before->chain != u) before = before->chain;
        tri_set(before->chain, u->chain);
    }
    s->count--;
}

static struct user *cache_get(struct service *s, uint64_t id) {
    struct user *u = cache_find(s, id);
    if (u) {
        list_remove(s, u);
    } else {
        if (s->count == s->entries) cache_forget(s, s->oldest);
        u = user_load(id);
        tri_set(u->chain, *bucket_of(s, id));
        tri_set(*bucket_of(s, id), u);
        s->count++;
    }
    list_add(s, u);
    return u;
}

/* ---- a request ---- */

static struct piece *render_field(const struct field *f, struct piece *next) {
    struct piece *p = tri_new(struct piece);
    size_t room = strlen(f->name) + strlen(f->value) + 8;
    tri_set(p->text, (char *)tri_alloc_leaf(room));
    p->bytes = (size_t)snprintf(p->text, room, "\"%s\":\"%s\",", f->name, f->value);
    tri_set(p->next, next);
    return p;
}

static char *join(const struct piece *pieces, size_t *bytes) {
    *bytes = 0;
    for (const struct piece *p = pieces; p; p = p->next) *bytes += p->bytes;
    char *page = tri_alloc_leaf(*bytes + 1), *to = page;
    for (const struct piece *p = pieces; p; to += p->bytes, p = p->next) memcpy(to, p->text, p->bytes);
    return page;
}

uint64_t service_request(struct service *s) {
    uint64_t r = random_next(&s->random), users = s->entries * (r & 7 ? 1 : LESS_KNOWN); /* one in eight asks for anybody */
    const struct user *u = cache_get(s, (r >> 8) % users);
    struct piece *pieces = NULL;
    size_t bytes;
    for (const struct field *f = u->fields; f; f = f->next) pieces = render_field(f, pieces);
    const char *page = join(pieces, &bytes);
    return bytes + (uint64_t)page[bytes / 2];
}

struct service *service_new(size_t entries, uint64_t seed) {
    struct service *s = tri_new(struct service);
    s->entries = entries;
    s->random = seed;
    tri_set(s->bucket, tri_new_array(struct user *, entries));
    return s;
}
