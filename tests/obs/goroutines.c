/* Goroutine profiles: who waits at the end of its function, where the compiler has made the call a jump, is told by that function,
 * all in one line however they came to park; and the goroutine that asks is there with its whole stack. */
#include "../system/check.h"

enum { EACH = 300 };

static tri_chan *gate;
static tri_mutex mutex;
static tri_waitgroup through;

static void receives(void *unused) {
    (void)unused;
    tri_recv(gate, NULL);
}
static void sleeps(void *unused) {
    (void)unused;
    tri_sleep(3600ll * 1000000000);
}
static void locks(void *unused) {
    (void)unused;
    tri_mutex_lock(&mutex);
}
static void goes_on(void *unused) {
    (void)unused;
    tri_recv(gate, NULL);
    tri_waitgroup_done(&through);
}

NO_INLINE static char *profile(int debug) {
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    REQUIRE(tri_profile_write("goroutine", f, debug) == 0, "errno %d", errno);
    fclose(f);
    return text;
}
NO_INLINE static char *writes(int debug) {
    char *text = profile(debug);
    __asm__ volatile("" : : "r"(text) : "memory"); /* no jump */
    return text;
}

/* The stack that names the function, from its first line on; none of the others does. */
static char *one_stack(char *text, const char *function) {
    char *at = strstr(text, function);
    REQUIRE(at, "no %s in\n%s", function, text);
    REQUIRE(!strstr(at + 1, function), "%s more than once in\n%s", function, text);
    while (at > text && strncmp(at, "\n\n", 2) != 0) at--;
    return at + strspn(at, "\n");
}

static void lines(void) {
    step("by stack");
    static const char *const functions[] = {"\treceives+", "\tsleeps+", "\tlocks+", "\tgoes_on+"};
    char *text = writes(1);
    for (int i = 0; i < 4; i++) {
        char *stack = one_stack(text, functions[i]);
        if (strncmp(stack, "goroutine profile", 17) == 0) stack = strchr(stack, '\n') + 1;
        REQUIRE(atoi(stack) == EACH, "%d of %s in\n%s", atoi(stack), functions[i], text);
    }
    char *own = one_stack(text, "\twrites+");
    REQUIRE(strstr(own, "\tprofile+") && strstr(own, "\tprofile+") < strstr(own, "\twrites+"), "own stack in\n%s", text);
    free(text);
}

static void stacks(void) {
    step("one by one");
    char *text = writes(2);
    char *own = one_stack(text, "\nwrites(...)");
    REQUIRE(strncmp(own, "goroutine 1 [running]:\ntri_profile_write(...)\n", 46) == 0, "%.1000s", own);
    char *profile = strstr(own, "\nprofile(...)"), *writes = strstr(own, "\nwrites(...)"), *all = strstr(own, "\nall(...)");
    REQUIRE(profile && all && profile < writes && writes < all, "%.1000s", own);
    int n = 0;
    for (char *at = text; (at = strstr(at, "\nreceives(...)")); at++) n++;
    REQUIRE(n == EACH, "%d receive in\n%s", n, text);
    free(text);
}

NO_INLINE static void all(void) {
    gate = tri_chan_new(char, 0);
    tri_mutex_lock(&mutex);
    tri_waitgroup_add(&through, EACH);
    for (int i = 0; i < EACH; i++) tri_go(receives, NULL), tri_go(sleeps, NULL), tri_go(locks, NULL), tri_go(goes_on, NULL);
    tri_metric waiting = {.name = "/sched/goroutines/waiting:goroutines"};
    do {
        tri_yield();
        tri_read_metrics(&waiting, 1);
    } while (waiting.uint64 < 4 * EACH);
    lines();
    stacks();
    tri_close(gate);
    tri_waitgroup_wait(&through);
}

/* The program's own, whatever its name. */
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    REQUIRE(tri_profile_write("goroutine", f, 1) == 0, "errno %d", errno);
    fclose(f);
    REQUIRE(strstr(text, "\ttri_main+"), "%s", text);
    free(text);
    all();
    return 0;
}
TRI_MAIN
