/* direct.c - the short way: one start of clang, with the passes as its plugin.
 *
 * Most command lines are made of options that mean the same to clang whatever runs between front end and optimiser. They are
 * listed here; one that is not, and the long way is taken (jobs.c), where clang is asked first. So an option forgotten here costs time,
 * and nothing else.
 */
#include "driver.h"
#include "../passes/options.h"
#include "../passes/passes.h"

#include <stdlib.h>
#include <string.h>

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

/* What the command line says. */
struct said {
    bool stops;  /* before linking */
    bool debug;  /* debug information */
    bool shared, is_static;
};

/* Options by themselves; those whose argument is the next word; beginnings of words. */
static const char *const alone[] = {"-c", "-S", "-E", "-M", "-MM", "-MD", "-MMD", "-MP", "-MG", "-P", "-C", "-dM", "-dD", "-w", "-s", "-ansi", "-pipe", "-pthread",
                                    "-shared", "-static", "-static-libgcc", "-rdynamic", "-pie", "-no-pie", "-nostdinc", "-undef", "-m64", "-pedantic",
                                    "-pedantic-errors", "-fsyntax-only", "-Qunused-arguments", "-dumpversion", "-dumpmachine"};
static const char *const with_next[] = {"-o", "-I", "-D", "-U", "-L", "-l", "-MF", "-MT", "-MQ", "-include", "-imacros", "-isystem", "-idirafter", "-iquote", "-rpath", "-u", "-z",
                                        "-Xlinker"};
static const char *const beginning[] = {"-I", "-D", "-U", "-L", "-l", "-O", "-std=", "-Wl,", "-isystem", "-iquote", "-idirafter", "-MF", "-MT", "-MQ", "-march=", "-mtune=", "-msse", "-mno-sse", "-mavx", "-mno-avx",
                                        "-mbmi", "-mpopcnt", "-mfma", "-maes", "-mpclmul", "-mcmodel=", "-mfpmath=", "-mno-omit", "-momit", "-mno-red", "-mrdrnd", "-mrdseed", "-mcx16",
                                        "-fuse-ld="};
/* Of -f…: those that change what is generated in a way that is the language's or the optimiser's. */
static const char *const features[] = {
    "PIC", "pic", "PIE", "pie", "no-pic", "no-PIC", "no-pie", "no-PIE", "plt", "no-plt", "common", "no-common", "strict-aliasing", "no-strict-aliasing", "wrapv", "no-wrapv", "strict-overflow",
    "no-strict-overflow", "omit-frame-pointer", "no-omit-frame-pointer", "stack-protector", "stack-protector-strong", "stack-protector-all", "no-stack-protector", "stack-clash-protection",
    "no-stack-clash-protection", "cf-protection", "cf-protection=", "builtin", "no-builtin", "no-builtin-", "freestanding", "hosted", "visibility=", "signed-char", "unsigned-char", "no-signed-char",
    "no-unsigned-char", "function-sections", "data-sections", "no-function-sections", "no-data-sections", "math-errno", "no-math-errno", "fast-math", "no-fast-math", "trapping-math", "no-trapping-math",
    "signed-zeros", "no-signed-zeros", "finite-math-only", "no-finite-math-only", "fp-contract=", "rounding-math", "no-rounding-math", "unroll-loops", "no-unroll-loops", "tree-vectorize", "no-tree-vectorize",
    "vectorize", "no-vectorize", "slp-vectorize", "no-slp-vectorize", "inline", "no-inline", "inline-functions", "no-inline-functions", "exceptions", "no-exceptions", "asynchronous-unwind-tables",
    "no-asynchronous-unwind-tables", "unwind-tables", "no-unwind-tables", "ident", "no-ident", "semantic-interposition", "no-semantic-interposition", "delete-null-pointer-checks", "no-delete-null-pointer-checks",
    "short-enums", "no-short-enums", "gnu89-inline", "jump-tables", "no-jump-tables", "zero-initialized-in-bss", "no-zero-initialized-in-bss", "diagnostics-color", "no-diagnostics-color", "color-diagnostics",
    "no-color-diagnostics", "diagnostics-color=", "message-length=", "file-prefix-map=", "debug-prefix-map=", "macro-prefix-map=", "lto=no", "no-lto", "tls-model=", "optimize-sibling-calls", "no-optimize-sibling-calls", "ms-extensions", "plan9-extensions",
    "asm", "no-asm", "dollars-in-identifiers", "merge-all-constants", "no-merge-all-constants", "trivial-auto-var-init=", "strict-flex-arrays=", "no-strict-flex-arrays", "keep-inline-functions", "stack-check"};

static bool one_of(const char *arg, const char *const *names, size_t n, bool begins) {
    for (size_t i = 0; i < n; i++)
        if (begins ? starts(arg, names[i]) : strcmp(arg, names[i]) == 0) return true;
    return false;
}
#define ONE_OF(arg, names)   one_of(arg, names, sizeof(names) / sizeof *(names), false)
#define BEGINS(arg, names) one_of(arg, names, sizeof(names) / sizeof *(names), true)

/* Named in full, or up to a `=` or `-` that ends the name here. */
static bool is_feature(const char *arg) {
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        size_t n = strlen(features[i]);
        char last = features[i][n - 1];
        if (last == '=' || last == '-' ? starts(arg, features[i]) : strcmp(arg, features[i]) == 0) return true;
    }
    return false;
}

static bool is_debug(const char *arg, struct said *said) {
    static const char *const on[] = {"-g", "-g2", "-g3", "-ggdb", "-ggdb2", "-ggdb3", "-gdwarf", "-gdwarf-4", "-gdwarf-5"}, *const off[] = {"-g0", "-ggdb0"};
    if (ONE_OF(arg, on)) said->debug = true;
    else if (ONE_OF(arg, off)) said->debug = false;
    else return false;
    return true;
}

/* C and assembly, objects and libraries. */
static bool is_input(const char *arg) {
    static const char *const ends[] = {"c", "o", "lo", "a", "so", "s", "S"};
    const char *name = strrchr(arg, '/'), *end;
    name = name ? name + 1 : arg;
    if (*arg == '-' || !(end = strrchr(name, '.'))) return false;
    return ONE_OF(end + 1, ends) || strstr(name, ".so.");
}

static bool is_ordinary(const char *arg, struct said *said) {
    static const char *const stop[] = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", "-dumpversion", "-dumpmachine"};
    if (ONE_OF(arg, stop)) said->stops = true;
    if (strcmp(arg, "-shared") == 0) said->shared = true;
    if (strcmp(arg, "-static") == 0) said->is_static = true;
    if (starts(arg, "-Wa,") || starts(arg, "-Wp,")) return false;
    return ONE_OF(arg, alone) || BEGINS(arg, beginning) || (starts(arg, "-W") && !starts(arg, "-Wl,")) || is_debug(arg, said) || is_input(arg) ||
           (starts(arg, "-f") && is_feature(arg + 2));
}

static bool understood(const struct list *l, struct said *said) {
    for (size_t i = 0; i < l->n; i++) {
        const char *arg = l->item[i];
        if (ONE_OF(arg, with_next) && i + 1 < l->n) i++;
        else if (!is_ordinary(arg, said)) return false;
    }
    return true;
}

static void add_passes(struct list *l, const struct places *p, const struct said *said) {
    list_addf(l, "-fpass-plugin=%s/passes.so", p->prelude);
    list_add(l, "-fno-discard-value-names"); /* escape analysis tells compound literals by their names */
    static const char *const front[] = {
        "-disable-O0-optnone", "-fexperimental-assignment-tracking=disabled",
        "-fsanitize-address-use-after-scope", /* lifetime markers at -O0 too; without the sanitizer nothing else */
        "-debug-info-kind=constructor"};
    for (size_t i = 0; i < sizeof front / sizeof *front - said->debug; i++) {
        list_add(l, "-Xclang");
        list_add(l, front[i]);
    }
}

/* What the linker gets, through clang. */
static void add_library(struct list *l, const struct command *c, const struct places *p, const struct said *said) {
    struct list library = {0};
    library_arguments(&library, c, p, said->shared, said->is_static);
    for (size_t i = 0; i < library.n; i++) {
        const char *arg = library.item[i];
        if (*arg == '-' && arg[1] != 'L' && arg[1] != 'l') list_add(l, "-Xlinker");
        else if (*arg != '-' && i && strcmp(library.item[i - 1], "-rpath") == 0) list_add(l, "-Xlinker");
        list_add(l, arg);
    }
}

bool direct_command(struct list *l, const struct command *c, const struct places *p) {
    static char text[8192];
    struct tricc_options o = c->options;
    struct said said = {0};
    bool other = c->show || c->verbose || c->version || c->help || !c->has_input || p->other_clang || o.warn_plain;
    if (other || !understood(&c->clang, &said)) return false;
    o.keep_debug = said.debug;
    if (!options_write(&o, text, sizeof text)) return false;
    setenv(TRICC_PASSES_ENVIRONMENT, text, true);
    *l = clang_command(c, p, false);
    list_add(l, "--start-no-unused-arguments");
    add_passes(l, p, &said);
    list_add(l, "--end-no-unused-arguments");
    if (!said.stops) add_library(l, c, p, &said);
    return true;
}
