/* args.c - tricc's own options, taken out of the command line.
 *
 * They are few and written as in Go (-m, -l, -N, -gcflags=…) or as in clang (-f…, -W…). An argument of another option is never
 * taken for one: `-o -m` writes a file called -m. `-l` by itself is Go's; followed by a name, or `:` and a file's, it is the linker's.
 */
#include "driver.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- response files: @file, quoted as for gcc ---- */

/* Enough for the word that begins here. */
static size_t word_room(const char *at) {
    size_t n = 0;
    for (char quote = 0; at[n] && (quote || !isspace((unsigned char)at[n])); n++) {
        if (at[n] == '\\' && at[n + 1]) n++;
        else if (quote ? at[n] == quote : at[n] == '"' || at[n] == '\'') quote = quote ? 0 : at[n];
    }
    return n + 1;
}

static const char *next_word(const char *at, char **word) {
    while (isspace((unsigned char)*at)) at++;
    if (!*at) return NULL;
    char *out = *word = malloc(word_room(at));
    if (!out) fail("out of memory");
    for (char quote = 0; *at && (quote || !isspace((unsigned char)*at)); at++) {
        if (*at == '\\' && at[1]) *out++ = *++at;
        else if (quote ? *at == quote : *at == '"' || *at == '\'') quote = quote ? 0 : *at;
        else *out++ = *at;
    }
    *out = 0;
    return at;
}

static char *read_file(const char *path) {
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    char *content = NULL;
    size_t room = 0;
    if (getdelim(&content, &room, '\0', f) < 0 && content) *content = 0;
    fclose(f);
    return content;
}

/* Adds the argument, or what is in the file it names; as gcc does, an @name that cannot be read stays as it is. */
static void expand(struct list *l, const char *arg, int depth) {
    char *content = *arg == '@' && depth < 20 ? read_file(arg + 1) : NULL;
    if (!content) {
        list_add(l, arg);
        return;
    }
    char *word;
    for (const char *at = content; (at = next_word(at, &word));) expand(l, word, depth + 1);
    free(content);
}

/* ---- options ---- */

/* Options of clang whose argument is the next word. */
static bool takes_next(const char *arg) {
    static const char *const names[] = {
        "-o", "-x", "-I", "-D", "-U", "-L", "-T", "-u", "-z", "-e", "-A", "-F", "-G", "-MF", "-MT", "-MQ", "-Xlinker", "-Xclang", "-Xassembler",
        "-Xpreprocessor", "-Xanalyzer", "-mllvm", "-include", "-imacros", "-isystem", "-idirafter", "-iquote", "-iprefix",
        "-iwithprefix", "-iwithprefixbefore", "-isysroot", "--sysroot", "-target", "-arch", "-include-pch", "--param", "-ivfsoverlay", "-rpath",
        "-dumpdir", "-working-directory", "--serialize-diagnostics", "-aux-info", "-b", "-V", "-fmodules-user-build-path"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(arg, names[i]) == 0) return true;
    return false;
}

static bool parse_go(struct tricc_options *o, const char *arg) {
    if (strcmp(arg, "-m") == 0) o->m++;
    else if (strncmp(arg, "-m=", 3) == 0 && isdigit((unsigned char)arg[3])) o->m = (unsigned)atoi(arg + 3);
    else if (strcmp(arg, "-m=json") == 0) o->m_json = true;
    else if (strcmp(arg, "-l") == 0) o->no_inline = true;
    else if (strcmp(arg, "-N") == 0) o->no_opt = true;
    else return false;
    return true;
}

static void parse_gcflags(struct tricc_options *o, const char *flags) {
    char *word;
    for (const char *at = flags; (at = next_word(at, &word));)
        if (!parse_go(o, word)) fail("-gcflags: unknown flag '%s'; tricc knows -m, -m=2, -m=json, -l and -N", word);
}

static bool parse_own(struct command *c, const char *arg) {
    struct tricc_options *o = &c->options;
    if (strcmp(arg, "-fmanaged-malloc") == 0) o->managed_malloc = true;
    else if (strcmp(arg, "-fno-managed-malloc") == 0) o->managed_malloc = false;
    else if (strcmp(arg, "-ftrust-calls") == 0) o->trust_calls = o->trust_calls_said = true;
    else if (strcmp(arg, "-ftyped-malloc") == 0) o->untyped_malloc = false;
    else if (strcmp(arg, "-fno-typed-malloc") == 0) o->untyped_malloc = true;
    else if (strcmp(arg, "-fno-trust-calls") == 0) o->trust_calls = !(o->trust_calls_said = true);
    else if (strcmp(arg, "-fstats") == 0) o->stats = true;
    else if (strcmp(arg, "-Wtri-asm") == 0) o->warn_asm = true;
    else if (strcmp(arg, "-Wno-tri-asm") == 0) o->warn_asm = false;
    else if (strcmp(arg, "-Wtri-packed") == 0) o->no_packed_warning = false;
    else if (strcmp(arg, "-Wno-tri-packed") == 0) o->no_packed_warning = true;
    else if (strcmp(arg, "-Wtri-plain") == 0) o->warn_plain = true;
    else if (strcmp(arg, "-Wno-tri-plain") == 0) o->warn_plain = false;
    else if (strcmp(arg, "-static-libtricolor") == 0) c->static_tricolor = true;
    else if (strncmp(arg, "-gcflags=", 9) == 0) parse_gcflags(o, arg + 9);
    else return false;
    return true;
}

/* Whether -l at place i stands alone: at the end, or before another option or a file. */
static bool l_is_alone(const struct list *args, size_t i) {
    if (i + 1 == args->n) return true;
    const char *next = args->item[i + 1];
    return *next == '-' || (*next != ':' && (strchr(next, '.') || strchr(next, '/')));
}

void command_parse(struct command *c, int argc, char **argv) {
    struct list args = {0};
    for (int i = 1; i < argc; i++) expand(&args, argv[i], 0);
    for (size_t i = 0; i < args.n; i++) {
        const char *arg = args.item[i];
        if (takes_next(arg) && i + 1 < args.n) {
            list_add(&c->clang, arg);
            list_add(&c->clang, args.item[++i]);
            if (strcmp(arg, "-Xlinker") == 0) c->has_input = true;
        } else if (strcmp(arg, "-gcflags") == 0 && i + 1 < args.n) {
            parse_gcflags(&c->options, args.item[++i]);
        } else if (strcmp(arg, "-l") == 0 && !l_is_alone(&args, i)) {
            c->has_input = true;
            list_add(&c->clang, arg);
        } else if (!parse_go(&c->options, arg) && !parse_own(c, arg)) {
            if (strcmp(arg, "-###") == 0) c->show = true;
            if (strcmp(arg, "-w") == 0) c->options.no_packed_warning = true;
            if (strcmp(arg, "-v") == 0) c->verbose = true;
            if (strcmp(arg, "--version") == 0) c->version = true;
            if (*arg != '-' || !arg[1] || strncmp(arg, "-l", 2) == 0 || strncmp(arg, "-Wl,", 4) == 0) c->has_input = true;
            if (strcmp(arg, "--help") == 0 || strcmp(arg, "-help") == 0) c->help = true;
            list_add(&c->clang, arg);
        }
    }
}
