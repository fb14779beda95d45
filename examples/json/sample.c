/* sample.c - a made-up catalogue: always the same one for a size. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned long long state;

static unsigned any(unsigned below) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % below;
}

static int item(char *to, size_t room, unsigned number) {
    static const char *const words[] = {"lamp", "chair", "caf\\u00e9 table", "shelf", "desk \\\"classic\\\"", "sofa", "rug"};
    static const char *const tags[] = {"new", "sale", "outdoor", "kids", "wood", "steel"};
    return snprintf(to, room,
                    "%s\n  {\"id\": %u, \"name\": \"%s %u\", \"price\": %u.%02u, \"stock\": %s, \"size\": [%u, %u, %u], "
                    "\"tags\": [\"%s\", \"%s\"], \"maker\": {\"name\": \"maker %u\", \"since\": %u, \"site\": null}}",
                    number ? "," : "", number, words[any(7)], any(1000), any(900), any(100), any(4) ? "true" : "false",
                    any(300), any(300), any(300), tags[any(6)], tags[any(6)], any(50), 1900 + any(120));
}

char *json_sample(size_t bytes, size_t *length) {
    enum { ITEM = 512 };
    char *text = malloc(bytes + 2 * ITEM);
    size_t n = 0;
    if (!text) return NULL;
    state = 1;
    text[n++] = '[';
    for (unsigned i = 0; n < bytes; i++) n += (size_t)item(text + n, ITEM, i);
    text[n++] = ']';
    *length = n;
    return text;
}
