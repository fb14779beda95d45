/* Memory is backed before it is taken, by a thread of the collector's, once the heap is large enough; what lives is not harmed by it, nor are
 * forks while it works, in which the child has such a thread of its own; and a limit does without. */
#include "limit_test.h"

#include <dirent.h>

static bool has_thread(const char *name) {
    bool found = false;
    DIR *threads = opendir("/proc/self/task");
    REQUIRE(threads, "no /proc/self/task");
    for (struct dirent *d; (d = readdir(threads));) {
        char path[300], comm[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", d->d_name);
        FILE *f = fopen(path, "r");
        if (!f) continue;
        if (fgets(comm, sizeof comm, f)) comm[strcspn(comm, "\n")] = 0;
        fclose(f);
        found |= strcmp(comm, name) == 0;
    }
    closedir(threads);
    return found;
}

/* Grows until the thread is there, at most to so many bytes more. */
static bool grow_until_backed(size_t most) {
    bool found = false;
    for (size_t bytes = 0; !found && bytes < most; bytes += 8 * MIB) {
        size_t slots;
        struct node **table = table_new(8 * MIB, &slots);
        struct node ***keep = tri_new_array(struct node **, 2);
        static struct node ***all;
        tri_set(keep[0], table);
        tri_set(keep[1], (struct node **)all);
        all = keep;
        table_check(table, slots);
        found = has_thread("tricolor-pages");
    }
    return found;
}

static int done;
static void *allocate(void *unused) {
    while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) churn(NULL, 0, MIB);
    return unused;
}

int main(int argc, char **argv) {
    bool limited = argc > 1 && strcmp(argv[1], "limited") == 0;
    size_t slots;
    if (limited) tri_set_memory_limit((int64_t)1 << 30);
    struct node **table = table_new(24 * MIB, &slots);
    REQUIRE(grow_until_backed(limited ? 96 * MIB : 400 * MIB) == !limited, "backed in advance");
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, allocate, NULL) == 0, "a thread");
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        REQUIRE(child >= 0, "fork");
        if (!child) {
            table_check(table, slots);
            _exit(grow_until_backed(limited ? 16 * MIB : 200 * MIB) == !limited ? 0 : 3);
        }
        int status;
        REQUIRE(waitpid(child, &status, 0) == child && status == 0, "child %d ended by %x", i, (unsigned)status);
        churn(table, slots, 4 * MIB);
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    table_check(table, slots);
    return 0;
}
