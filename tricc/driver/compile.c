/* compile.c - a cc1 job that makes an object, assembly or bitcode from C, in three steps:
 *
 *   front   the same cc1, to bitcode, LLVM's passes off, debug information complete, dependency files as asked
 *   passes  ours, in this process
 *   back    the same cc1, from bitcode, to what was asked
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which jobs ---- */

static bool one_of(const char *s, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, names[i]) == 0) return true;
    return false;
}
#define ONE_OF(s, names) one_of(s, names, sizeof(names) / sizeof *(names))

static const char *const makes_code[] = {"-emit-obj", "-S", "-emit-llvm", "-emit-llvm-bc"};

static bool is_ours(const struct job *j) {
    static const char *const languages[] = {"c", "cpp-output", "c++", "c++-cpp-output", "ir"};
    if (j->argv.n < 2 || strcmp(j->argv.item[1], "-cc1")) return false;
    const char *language = list_after(&j->argv, "-x");
    if (!language || !ONE_OF(language, languages)) return false;
    for (size_t i = 2; i < j->argv.n; i++)
        if (ONE_OF(j->argv.item[i], makes_code)) return true;
    return false;
}

/* ---- the three command lines ---- */

/* Options that have done their work in the front end, each with one argument; and those without. */
static const char *const front_only_1[] = {"-dependency-file", "-MT", "-MQ", "-header-include-file", "-serialize-diagnostic-file",
                                           "-include-pch", "-include", "-imacros"};
static const char *const front_only_0[] = {"-MP", "-MG", "-sys-header-deps", "-H", "-E"};
static const char *const back_only_1[] = {"-split-dwarf-file", "-split-dwarf-output", "-stack-usage-file", "-opt-record-file"};

static bool starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

/* Whether item i is the value of an option, and not to be looked at. */
static bool is_value(const struct list *l, size_t i) { return i && (strcmp(l->item[i - 1], "-o") == 0); }

static struct list front_command(const struct list *job, const char *bitcode) {
    struct list l = {0};
    bool debug = false;
    for (size_t i = 0; i + 1 < job->n; i++) {
        const char *arg = job->item[i];
        if (ONE_OF(arg, back_only_1) && i + 1 < job->n) {
            i++;
        } else if (strcmp(arg, "-discard-value-names") == 0) {
            continue; /* escape analysis tells compound literals by their names */
        } else if (strcmp(arg, "-o") == 0) {
            list_add(&l, arg);
            list_add(&l, bitcode);
            i++;
        } else if (ONE_OF(arg, makes_code) && !is_value(job, i)) {
            list_add(&l, "-emit-llvm-bc");
        } else if (starts(arg, "-debug-info-kind=")) {
            debug = true;
            list_add(&l, strstr(arg, "line") ? "-debug-info-kind=constructor" : arg);
        } else {
            if (strcmp(arg, "-x") == 0 && i + 3 == job->n) { /* the input ends the line: -x language input */
                if (!debug) {
                    list_add(&l, "-debug-info-kind=constructor");
                    list_add(&l, "-dwarf-version=5");
                }
                list_add(&l, "-disable-llvm-passes");
                list_add(&l, "-disable-O0-optnone");
                list_add(&l, "-fsanitize-address-use-after-scope"); /* lifetime markers at -O0 too; without the sanitizer nothing else */
            }
            list_add(&l, arg);
        }
    }
    list_add(&l, job->item[job->n - 1]);
    return l;
}

static struct list back_command(const struct list *job, const char *bitcode) {
    struct list l = {0};
    for (size_t i = 0; i + 1 < job->n; i++) {
        const char *arg = job->item[i];
        if (ONE_OF(arg, front_only_1) && i + 1 < job->n) {
            i++;
        } else if (strcmp(arg, "-x") == 0 && i + 3 == job->n) {
            list_add(&l, "-x");
            list_add(&l, "ir");
            i++;
        } else if (!ONE_OF(arg, front_only_0)) {
            list_add(&l, arg);
        }
    }
    list_add(&l, bitcode);
    return l;
}

static void read_options(struct tricc_options *o, const struct list *job) {
    o->opt_level = 0;
    o->keep_debug = false;
    for (size_t i = 0; i < job->n; i++) {
        const char *arg = job->item[i];
        if (starts(arg, "-O")) o->opt_level = arg[2] >= '0' && arg[2] <= '3' ? (unsigned)(arg[2] - '0') : arg[2] ? 2 : 1;
        /* coverage and remarks are read by place, whether or not the user asked for debug information */
        if (starts(arg, "-debug-info-kind=") || starts(arg, "-coverage-notes-file") || starts(arg, "-Rpass") || starts(arg, "-opt-record") ||
            starts(arg, "-fprofile-sample-use"))
            o->keep_debug = true;
    }
    const char *language = list_after(job, "-x");
    o->cplusplus = language && starts(language, "c++");
    o->bitcode = language && strcmp(language, "ir") == 0;
}

bool compile_job(struct job *j, const struct command *c, int *code) {
    if (!is_ours(j)) return false;
    const char *source = j->argv.item[j->argv.n - 1];
    const char *fresh = temp_name(".bc"), *done = temp_name(".bc");
    struct tricc_options o = c->options;
    read_options(&o, &j->argv);
    struct list front = front_command(&j->argv, fresh), back = back_command(&j->argv, done);
    if ((*code = spawn(front.item[0], &front, NULL))) return true;
    const struct passes *passes = passes_load();
    spawn_alone(true);
    bool good = passes->run_file(source, fresh, done, &o);
    spawn_alone(false);
    if (!good) {
        *code = 1;
        return true;
    }
    *code = spawn(back.item[0], &back, NULL);
    return true;
}
