/* driver.h - the driver's parts, in the order a run goes through them.
 *
 *   args.c      takes tricc's own options out of the command line; the rest is clang's
 *   direct.c    an ordinary command line: clang itself does all of it, with the passes as its plugin
 *
 * and for every other
 *
 *   jobs.c      asks clang (-###) what it would run: one cc1 a source file, assemblers, a linker
 *   compile.c   runs a cc1 job in three steps: front end, passes, back end
 *   link.c      looks at what is linked, and links
 *   passes.c    loads the passes
 *   spawn.c     runs programs, passes signals on
 *   temp.c      the run's own temporary folder, gone in the end whatever happens
 *
 * So what a command line means is clang's own driver's business, to the last option, and what tricc changes is what
 * happens between front end and optimiser. The first way costs a start of clang, as with clang; the second three, at about 30 ms.
 */
#ifndef TRICC_DRIVER_H
#define TRICC_DRIVER_H

#include "../tricc.h"

/* A list of arguments, ended by a NULL that n does not count. Strings are not owned: a run of tricc frees nothing. */
struct list {
    char **item;
    size_t n, room;
};
void list_add(struct list *, const char *);
__attribute__((format(printf, 2, 3))) void list_addf(struct list *, const char *format, ...);
bool list_has(const struct list *, const char *);
/* The argument behind the last `option`, or NULL. */
const char *list_after(const struct list *, const char *option);

/* What the command line says, as far as it is ours. */
struct command {
    struct tricc_options options;
    struct list clang;        /* what is left, response files expanded */
    bool show;                /* -### */
    bool verbose;             /* -v */
    bool static_tricolor;     /* -static-libtricolor */
    bool has_input;           /* something to compile or link */
    bool version, help;       /* --version, --help */
};
void command_parse(struct command *, int argc, char **argv);

/* Where tricc is installed: bin, lib and include beside each other, in the build tree as after installation. */
struct places {
    char *include, *lib, *prelude; /* folders */
    const char *clang;             /* program */
    bool other_clang;              /* not the one found when tricc was built */
};
void places_find(struct places *);

/* ---- the short way ---- */
/* Whether clang can do by itself what is asked; the command for it then. */
bool direct_command(struct list *, const struct command *, const struct places *);

/* The command line for clang, but for what links; `ask`: only to be told what it would run. */
struct list clang_command(const struct command *, const struct places *, bool ask);
/* What a link gets, as the linker's arguments. */
void library_arguments(struct list *, const struct command *, const struct places *, bool shared, bool is_static);

/* ---- the passes ---- */
struct passes {
    bool (*run_file)(const char *source, const char *in, const char *out, const struct tricc_options *);
    int (*done)(const char *path);
};
void passes_place(const char *folder);
const struct passes *passes_load(void); /* see passes/passes.h; never NULL */

/* ---- jobs ---- */
struct job {
    struct list argv;
    bool failed;
};
struct jobs {
    struct job *job;
    size_t n;
};
/* Runs clang -### and reads its answer; its diagnostics go to stderr. Returns clang's exit code. */
int jobs_plan(struct jobs *, const struct command *, const struct places *);
int jobs_run(struct jobs *, const struct command *);
/* tricc's exit code when a program's was `code`; says what is wrong when it could not be run, or was ended by a signal. */
int jobs_code(int code, const char *program);

/* If the job is a cc1 that tricc should compile, does it and sets *code. */
bool compile_job(struct job *, const struct command *, int *code);
/* Before a job that links. */
void link_check(const struct job *, const struct command *);

/* ---- running ---- */
/* Exit code of the program, 128 + signal when it was killed, 127 when it cannot be run (said on stderr). With capture, its stderr goes there (to be freed), ended by a 0. */
int spawn(const char *program, const struct list *argv, char **capture);
void spawn_start(void); /* catches signals; once */
void spawn_die_if_caught(void); /* may be called by a signal handler */
/* Around long work in this process that leaves nothing but temporary files: a signal ends it where it is. */
void spawn_alone(bool begins);
void print_quoted(const struct list *argv);

/* ---- temporary files ---- */
void temp_start(void);
void temp_end(void); /* may be called by a signal handler */
const char *temp_dir(void);
/* A new name in it. */
char *temp_name(const char *suffix);

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);
__attribute__((format(printf, 1, 2))) char *text(const char *format, ...); /* never NULL */

#endif
