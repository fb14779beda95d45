/* jobs.c - what clang would run, asked from clang and run.
 *
 * `clang -###` prints each job as a line of quoted arguments that begins with a space and a quote; everything else it prints
 * are diagnostics, and four lines about itself, which are passed on only under -v and -###.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the command line for clang ---- */

static bool says_colour(const struct list *l) {
    for (size_t i = 0; i < l->n; i++)
        if (strstr(l->item[i], "color-diagnostics") || strncmp(l->item[i], "-fdiagnostics-color", 19) == 0) return true;
    return false;
}

/* Clang decides by its stderr, which is a pipe when it is asked with -###. */
static void add_terminal(struct list *l, const struct list *users) {
    struct winsize size;
    if (!isatty(STDERR_FILENO)) return;
    const char *term = getenv("TERM");
    if (!says_colour(users) && term && strcmp(term, "dumb")) list_add(l, "-fcolor-diagnostics");
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) list_addf(l, "-fmessage-length=%d", size.ws_col);
}

struct list clang_command(const struct command *c, const struct places *p, bool ask) {
    struct list l = {0};
    list_add(&l, "tricc");
    if (ask) list_add(&l, "-###");
    list_add(&l, "-Wno-return-stack-address"); /* it is legal: such locals move to the heap */
    for (size_t i = 0; i < c->clang.n; i++) list_add(&l, c->clang.item[i]);
    list_add(&l, "--start-no-unused-arguments");
    list_add(&l, "-D__TRICC__=1");
    list_addf(&l, "%s%s", strcmp(p->include, "/usr/include") ? "-isystem" : "-idirafter", p->include);
    if (c->options.no_inline) list_add(&l, "-fno-inline");
    if (c->options.no_opt) list_add(&l, "-O0");
    if (ask) add_terminal(&l, &c->clang);
    list_add(&l, "--end-no-unused-arguments");
    return l;
}

/* ---- links ---- */

static bool links(const struct job *j) {
    const char *program = strrchr(j->argv.item[0], '/');
    program = program ? program + 1 : j->argv.item[0];
    return strstr(program, "ld") || strstr(program, "gcc") || strstr(program, "collect2");
}

/* Where the compiler's own libraries begin, behind everything the user names; without them, the end. */
static size_t place_for_library(const struct list *l) {
    static const char *const own[] = {"-lgcc", "-lc", "--start-group", "-lpthread", "-lgcc_s"};
    size_t at = l->n;
    while (at > 1 && strstr(l->item[at - 1], "/crt")) at--; /* crtend.o, crtn.o */
    for (size_t before; (before = at) > 1;) {
        const char *arg = l->item[at - 1];
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (strcmp(arg, own[i]) == 0) at--;
        if (strcmp(arg, "--as-needed") == 0 || strcmp(arg, "--no-as-needed") == 0 || strcmp(arg, "--end-group") == 0) at--;
        if (at == before) break;
    }
    return at;
}

void library_arguments(struct list *l, const struct command *c, const struct places *p, bool shared, bool is_static) {
    if (c->options.managed_malloc) {
        list_addf(l, "%s/libtricolor-calls.a", p->lib);
        if (!shared) { /* unless the program has a malloc of its own */
            list_add(l, "--undefined=malloc");
            list_addf(l, "%s/libtricolor-malloc.a", p->lib);
        }
    }
    if (c->static_tricolor) {
        list_addf(l, "%s/libtricolor.a", p->lib);
        return;
    }
    list_addf(l, "-L%s", p->lib);
    list_add(l, "-ltricolor");
    if (strncmp(p->lib, "/usr/lib", 8) && !is_static) {
        list_add(l, "-rpath");
        list_add(l, p->lib);
    }
}

/* libtricolor, for a job that links; a relocatable object gets it in its last link. */
static void add_library(struct job *j, const struct command *c, const struct places *p) {
    struct list l = {0};
    if (!links(j) || list_has(&j->argv, "-r")) return;
    size_t at = place_for_library(&j->argv);
    for (size_t i = 0; i < at; i++) list_add(&l, j->argv.item[i]);
    library_arguments(&l, c, p, list_has(&j->argv, "-shared"), list_has(&j->argv, "-static"));
    for (size_t i = at; i < j->argv.n; i++) list_add(&l, j->argv.item[i]);
    j->argv = l;
}

/* ---- reading the answer ---- */

static const char *read_quoted(const char *at, char **arg) {
    size_t n = 1;
    while (at[n] && at[n] != '"') n += at[n] == '\\' && at[n + 1] ? 2 : 1;
    char *out = *arg = malloc(n);
    if (!out) fail("out of memory");
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1]) at++;
        *out++ = *at;
    }
    *out = 0;
    return *at ? at + 1 : at;
}

/* `at` is behind the first space. */
static const char *read_job(struct jobs *jobs, const char *at) {
    struct job *more = realloc(jobs->job, (jobs->n + 1) * sizeof *more);
    if (!more) fail("out of memory");
    jobs->job = more;
    struct job *job = &jobs->job[jobs->n++];
    *job = (struct job){0};
    while (*at == '"') {
        char *arg;
        at = read_quoted(at, &arg);
        list_add(&job->argv, arg);
        if (*at == ' ') at++;
    }
    return *at == '\n' ? at + 1 : at;
}

static bool about_clang(const char *line) {
    static const char *const starts[] = {"Target: ", "Thread model: ", "InstalledDir: ", "Configuration file: ",
                                         "Build config: ", "Found candidate ", "Selected ", " (in-process)"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0) return true;
    const char *end = strchr(line, '\n'), *version = strstr(line, "clang version ");
    return version && (!end || version < end);
}

static void read_answer(struct jobs *jobs, const char *at, bool verbose) {
    while (*at) {
        if (at[0] == ' ' && at[1] == '"') {
            at = read_job(jobs, at + 1);
            continue;
        }
        const char *end = strchr(at, '\n');
        size_t n = end ? (size_t)(end - at) + 1 : strlen(at);
        if (verbose || !about_clang(at)) fwrite(at, 1, n, stderr);
        at += n;
    }
}

int jobs_plan(struct jobs *jobs, const struct command *c, const struct places *p) {
    struct list l = clang_command(c, p, c->has_input); /* without input clang answers by itself: --version, or an error */
    char *answer = NULL;
    int code = spawn(p->clang, &l, &answer);
    if (code == 127) jobs_code(code, p->clang);
    read_answer(jobs, answer, c->show || c->verbose || !c->has_input);
    free(answer);
    for (size_t i = 0; i < jobs->n; i++) add_library(&jobs->job[i], c, p);
    return code;
}

/* ---- running ---- */

static const char *output_of(const struct job *j) { return list_after(&j->argv, "-o"); }

/* Whether a job that failed was to make one of this one's inputs. */
static bool wants_failed(const struct jobs *jobs, size_t i) {
    for (size_t k = 0; k < i; k++) {
        const char *output = jobs->job[k].failed ? output_of(&jobs->job[k]) : NULL;
        if (output && list_has(&jobs->job[i].argv, output)) return true;
    }
    return false;
}

static void remove_output(const struct job *j) {
    struct stat s;
    const char *output = output_of(j);
    if (output && stat(output, &s) == 0 && S_ISREG(s.st_mode)) unlink(output);
}

static int run_job(struct job *j, const struct command *c) {
    int code;
    if (c->verbose) print_quoted(&j->argv);
    if (compile_job(j, c, &code)) return code;
    if (links(j)) link_check(j, c);
    return spawn(j->argv.item[0], &j->argv, NULL);
}

int jobs_code(int code, const char *program) {
    if (code == 127) fail("tricc needs clang 19: install the package clang-19, or let TRICC_CLANG name the program");
    if (code <= 128) return code;
    fprintf(stderr, "tricc: error: '%s' was ended by signal %d\n", program, code - 128);
    return 254;
}

int jobs_run(struct jobs *jobs, const struct command *c) {
    int result = 0;
    for (size_t i = 0; i < jobs->n; i++) {
        struct job *j = &jobs->job[i];
        j->failed = wants_failed(jobs, i);
        if (j->failed) continue;
        int code = run_job(j, c);
        if (!code) continue;
        j->failed = true;
        remove_output(j);
        code = jobs_code(code, j->argv.item[0]);
        if (code > result) result = code;
    }
    return result;
}
