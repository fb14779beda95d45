/* json.h - a JSON document as a tree whose nodes lie on the collected heap or in an arena. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <tricolor.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value; members of arrays and objects are linked in order. Strings end in 0 and may hold others, see length. */
struct json {
    struct json *next;  /* in the same array or object */
    struct json *child; /* arrays and objects: the first member */
    const char *name;   /* members of objects */
    const char *text;   /* strings */
    double number;
    unsigned kind;      /* enum json_kind */
    unsigned length;    /* bytes of a string, members of an array or object */
};

/* Parses bytes of text, into the arena, or onto the heap where that is NULL. NULL: the text is no JSON, and *error points to
 * where. */
struct json *json_parse(const char *text, size_t bytes, tri_arena *arena, const char **error);

/* A figure over all of a tree: equal trees have equal ones. */
unsigned long json_digest(const struct json *tree);

/* A document of about so many bytes; malloc'ed. */
char *json_sample(size_t bytes, size_t *length);

#endif
