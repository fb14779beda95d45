/* A program whose file has been removed or replaced while it runs still has names and lines in its profiles. */
#include "../require.h"

#include <fcntl.h>
#include <sys/stat.h>

static void *volatile kept[100];
__attribute__((noinline)) void *allocates_here(void) {
    void *p = tri_alloc(100);
    __asm__ volatile("" : "+r"(p));
    return p;
}

/* Runs a copy of itself. */
static void run_copy(char *self) {
    char copy[4096], buffer[65536];
    ssize_t n;
    REQUIRE(snprintf(copy, sizeof copy, "%s.copy", self) < (int)sizeof copy, "a long name");
    int from = open("/proc/self/exe", O_RDONLY), to = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    REQUIRE(from >= 0 && to >= 0, "no copy at %s", copy);
    while ((n = read(from, buffer, sizeof buffer)) > 0) REQUIRE(write(to, buffer, (size_t)n) == n, "no copy");
    close(from), close(to);
    execv(copy, (char *[]){copy, (char *)"copied", NULL});
    REQUIRE(false, "%s does not run", copy);
}

int main(int argc, char **argv) {
    static char text[1 << 20];
    if (argc == 1) run_copy(argv[0]);
    unlink(argv[0]);
    tri_mem_profile_rate = 1;
    for (int i = 0; i < 100; i++) kept[i] = allocates_here();
    tri_gc();
    FILE *to = tmpfile();
    REQUIRE(tri_profile_write("heap", to, 1) == 0, "no profile");
    rewind(to);
    text[fread(text, 1, sizeof text - 1, to)] = 0;
    REQUIRE(strstr(text, "allocates_here+0x") && strstr(text, "main+0x"), "the names are missing: %.2000s", text);
    return 0;
}
