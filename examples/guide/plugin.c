/* plugin.c - a shared object that uses the heap, for dlopen.c. */
#include <tricolor.h>

struct link {
    struct link *next;
};
TRI_TYPE(struct link, next)

static struct link *links; /* a root for as long as the plugin is loaded */

int plugin_add(void);
int plugin_add(void) {
    struct link *l = tri_new(struct link);
    tri_set(l->next, links);
    links = l;
    int n = 0;
    for (l = links; l; l = l->next) n++;
    return n;
}
