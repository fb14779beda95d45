/* main.c - tricc: a compiler driver over clang that gives C programs Go's memory management. See driver.h for the parts. */
#include "driver.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder `from/relative`, links resolved. */
static char *resolve(const char *from, const char *relative) {
    char *joined = text("%s/%s", from, relative), *real = realpath(joined, NULL);
    return real ? real : joined;
}

void places_find(struct places *p) {
    static char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) fail("cannot find where tricc is installed: /proc is not mounted");
    *strrchr(self, '/') = 0;
    p->include = resolve(self, TRICC_INCLUDE_FROM_BIN);
    p->lib = resolve(self, TRICC_LIB_FROM_BIN);
    p->prelude = text("%s/tricc", p->lib);
    const char *clang = getenv("TRICC_CLANG");
    p->other_clang = clang && *clang;
    p->clang = p->other_clang ? clang : TRICC_CLANG;
}

static const char help[] =
    "\nOPTIONS OF TRICC:\n"
    "  -m, -m -m, -m=json      Print what moves to the heap or stays on the stack; why; for editors\n"
    "  -l                      No inlining\n"
    "  -N                      No optimising\n"
    "  -gcflags=<flags>        The above, as for go build\n"
    "  -fmanaged-malloc        malloc, calloc, realloc, free and kin use the collected heap\n"
    "  -fno-typed-malloc       With it: no block is laid out as the struct that it is for\n"
    "  -ftrust-calls           Functions out of sight move no variables; implied by -fmanaged-malloc\n"
    "  -fstats                 Count barriers, promotions and moves, by function\n"
    "  -Wtri-asm               Warn of assembly that may store pointers unseen\n"
    "  -Wtri-plain             Name what is linked and was not compiled by tricc\n"
    "  -static-libtricolor     Link libtricolor statically\n"
    "TRICC_CLANG names the clang 19 to use.\n";

int main(int argc, char **argv) {
    struct command c = {0};
    struct places p;
    struct jobs jobs = {0};
    command_parse(&c, argc, argv);
    places_find(&p);
    c.options.prelude_dir = p.prelude;
    passes_place(p.prelude);
    spawn_start();
    temp_start();
    struct list direct;
    if (direct_command(&direct, &c, &p)) return jobs_code(spawn(p.clang, &direct, NULL), p.clang);
    int code = jobs_plan(&jobs, &c, &p);
    if (c.version) printf("tricc: tricolor %s\n", TRICC_VERSION);
    if (c.help) fputs(help, stdout);
    if (code) return code;
    if (c.show) {
        for (size_t i = 0; i < jobs.n; i++) print_quoted(&jobs.job[i].argv);
        return 0;
    }
    return jobs_run(&jobs, &c);
}
