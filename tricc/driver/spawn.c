/* spawn.c - running programs. A signal that would end tricc is passed on to the program that runs, which then removes
 * what it has half written; tricc waits for it, removes its temporary folder, and ends by the same signal. While the passes run in
 * this process, for as long as they may take, the signal ends it at once.
 */
#include "driver.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t running, caught; /* the child, or 0; the signal, or 0 */
static volatile sig_atomic_t alone;           /* no child runs, and what runs here leaves only temporary files */
static sigset_t deadly;                       /* those we catch */

enum { LONG_COMMAND = 1 << 20 }; /* bytes: beyond it arguments go through a response file */

static void pass_on(int signal) {
    int saved = errno;
    caught = signal;
    if (running) kill((pid_t)running, signal);
    else if (alone) spawn_die_if_caught(); /* when this handler returns */
    errno = saved;
}

void spawn_start(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigemptyset(&deadly);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART}, old;
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler == SIG_IGN) continue; /* nohup, jobs in the background */
        sigaction(signals[i], &action, NULL);
        sigaddset(&deadly, signals[i]);
    }
}

void spawn_die_if_caught(void) {
    if (!caught) return;
    temp_end();
    signal(caught, SIG_DFL);
    raise(caught);
}

void spawn_alone(bool begins) {
    alone = begins;
    spawn_die_if_caught();
}

/* The whole of the file, ended by a 0. */
static char *read_all(int fd) {
    size_t n = 0, room = 1 << 16;
    char *buffer = malloc(room);
    for (ssize_t got = 1; buffer && got; n += (size_t)got) {
        if (room - n < 4096) buffer = realloc(buffer, room *= 2);
        if (!buffer) break;
        while ((got = read(fd, buffer + n, room - n - 1)) < 0 && errno == EINTR) {}
        if (got < 0) got = 0;
    }
    if (!buffer) fail("out of memory");
    buffer[n] = 0;
    return buffer;
}

/* A response file with all arguments but the first `keep`. */
static struct list through_file(const struct list *argv, size_t keep) {
    char *name = temp_name(".rsp");
    FILE *f = fopen(name, "w");
    if (!f) fail("cannot write '%s': %s", name, strerror(errno));
    struct list shorter = {0};
    for (size_t i = 0; i < keep; i++) list_add(&shorter, argv->item[i]);
    for (size_t i = keep; i < argv->n; i++) {
        putc('"', f);
        for (const char *c = argv->item[i]; *c; c++) {
            if (*c == '"' || *c == '\\') putc('\\', f);
            putc(*c, f);
        }
        fputs("\"\n", f);
    }
    if (fclose(f)) fail("cannot write '%s': %s", name, strerror(errno));
    list_addf(&shorter, "@%s", name);
    return shorter;
}

static size_t bytes_of(const struct list *argv) {
    size_t bytes = 0;
    for (size_t i = 0; i < argv->n; i++) bytes += strlen(argv->item[i]) + 9;
    return bytes;
}

/* Starts it; the child has the signals as tricc found them. */
static pid_t start(const char *program, const struct list *argv, const int *capture) {
    posix_spawnattr_t how;
    posix_spawn_file_actions_t files;
    sigset_t before;
    pid_t pid;
    sigprocmask(SIG_BLOCK, &deadly, &before); /* so that a signal comes before the start, or finds the child */
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigdefault(&how, &deadly);
    posix_spawnattr_setsigmask(&how, &before);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&files);
    if (capture) {
        posix_spawn_file_actions_adddup2(&files, capture[1], STDERR_FILENO);
        posix_spawn_file_actions_addclose(&files, capture[0]);
    }
    int error = posix_spawnp(&pid, program, &files, &how, argv->item, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    running = error ? 0 : pid;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return error ? -1 : pid;
}

static int wait_for(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 127;
    running = 0;
    spawn_die_if_caught();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int spawn(const char *program, const struct list *argv, char **capture) {
    int pipes[2];
    struct list shorter;
    if (bytes_of(argv) > LONG_COMMAND) {
        shorter = through_file(argv, argv->n > 1 && strncmp(argv->item[1], "-cc1", 4) == 0 ? 2 : 1);
        argv = &shorter;
    }
    spawn_die_if_caught();
    fflush(NULL);
    if (capture && pipe(pipes)) fail("cannot make a pipe: %s", strerror(errno));
    pid_t pid = start(program, argv, capture ? pipes : NULL);
    int error = errno;
    if (capture) {
        close(pipes[1]);
        *capture = read_all(pipes[0]);
        close(pipes[0]);
    }
    if (pid < 0) {
        fprintf(stderr, "tricc: error: cannot run '%s': %s\n", program, strerror(error));
        return 127;
    }
    return wait_for(pid);
}

void print_quoted(const struct list *argv) {
    for (size_t i = 0; i < argv->n; i++) {
        fputs(" \"", stderr);
        for (const char *c = argv->item[i]; *c; c++) {
            if (*c == '"' || *c == '\\' || *c == '$') putc('\\', stderr);
            putc(*c, stderr);
        }
        putc('"', stderr);
    }
    putc('\n', stderr);
}
