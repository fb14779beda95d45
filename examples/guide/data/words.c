/* Counting words with a map. Maps have no order: sort what is shown. */
#include <stdio.h>
#include <stdlib.h>
#include <tricolor.h>

TRI_MAP(counts, tri_string, int)

static const char text[] = "the quick brown fox jumps over the lazy dog and the quick cat";

static int by_text(const void *a, const void *b) { return tri_string_compare(*(const tri_string *)a, *(const tri_string *)b); }

int main(void) {
    counts seen = tri_map_new(counts);
    tri_strings words = tri_string_fields(tri_string_view(text)); /* windows on the literal: no copies */
    for (size_t i = 0; i < words.len; i++) ++*tri_map_slot(seen, words.data[i]);

    tri_string w, keys[20];
    size_t n = 0;
    tri_map_each(seen, &w, NULL) keys[n++] = w;
    qsort(keys, n, sizeof keys[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (tri_map_value(seen, keys[i]) > 1) printf(TRI_FMT ": %d\n", TRI_ARG(keys[i]), tri_map_value(seen, keys[i]));
    printf("%zu different words, unicorns: %d\n", tri_map_len(seen), tri_map_value(seen, TRI_STR("unicorn")));
    return 0;
}
