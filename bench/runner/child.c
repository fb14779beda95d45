/* bench/runner/child.c - runs one program: its output into memory, its time and peak memory from wait4. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 32 };

struct output {
    char *text;
    size_t len, cap;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

/* Cuts the text, which it changes, into words; the list ends with NULL. */
static void split(char *text, char **words, int n) {
    for (char *word = strtok(text, " "); word && n < MAX_WORDS - 1; word = strtok(NULL, " "))
        words[n++] = word;
    words[n] = NULL;
}

_Noreturn static void child_exec(const char *program, const char *arguments, const char *environment,
                                 bool trace, int out, int err) {
    char arguments_copy[256], environment_copy[256], *words[MAX_WORDS] = {(char *)program},
                                                     *settings[MAX_WORDS];
    snprintf(arguments_copy, sizeof arguments_copy, "%s", arguments);
    snprintf(environment_copy, sizeof environment_copy, "%s", environment);
    split(arguments_copy, words, 1);
    split(environment_copy, settings, 0);
    for (int i = 0; settings[i]; i++) putenv(settings[i]);
    if (trace) putenv("GODEBUG=gctrace=1");
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(program, words);
    perror(program);
    _exit(127);
}

/* Reads what there is; returns false at the end of the file. */
static bool output_read(struct output *o, int fd) {
    if (o->cap - o->len < 4096) {
        o->cap = o->cap ? 2 * o->cap : 65536;
        o->text = realloc(o->text, o->cap);
        if (!o->text) abort();
    }
    ssize_t n = read(fd, o->text + o->len, o->cap - o->len - 1);
    if (n > 0) o->len += (size_t)n;
    o->text[o->len] = 0;
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Reads both pipes to their ends, or until the time is over: then false. */
static bool collect(int fds[2], struct output outputs[2], double until) {
    struct pollfd polls[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        double left = until - now();
        if (left <= 0) return false;
        if (poll(polls, 2, (int)(left * 1e3) + 1) < 0 && errno != EINTR) abort();
        for (int i = 0; i < 2; i++)
            if (polls[i].fd >= 0 && polls[i].revents && !output_read(&outputs[i], fds[i])) polls[i].fd = -1;
    }
    return true;
}

struct run child_run(const char *program, const char *arguments, const char *environment, bool trace,
                     int timeout) {
    static struct output outputs[2];
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
        perror("pipe");
        exit(2);
    }
    outputs[0].len = outputs[1].len = 0;
    fflush(NULL);

    double began = now();
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    if (!pid) child_exec(program, arguments, environment, trace, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    bool in_time = collect((int[]){out[0], err[0]}, outputs, began + timeout);
    if (!in_time) kill(pid, SIGKILL);
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    struct run run = {now() - began,
                      seconds(usage.ru_utime) + seconds(usage.ru_stime),
                      (double)usage.ru_maxrss * 1024 / 1e6,
                      "",
                      outputs[0].text,
                      outputs[1].text};
    close(out[0]);
    close(err[0]);

    if (!in_time)
        snprintf(run.failure, sizeof run.failure, "killed after %d s", timeout);
    else if (WIFSIGNALED(status))
        snprintf(run.failure, sizeof run.failure, "signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        snprintf(run.failure, sizeof run.failure, "exit status %d", WEXITSTATUS(status));
    return run;
}

void child_warm_memory(double megabytes) {
    pid_t pid = fork();
    if (pid == 0) {
        size_t bytes = (size_t)(megabytes * 1e6);
        char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) _exit(0);
        madvise(p, bytes, MADV_HUGEPAGE);
        for (size_t i = 0; i < bytes; i += 4096) p[i] = 1;
        _exit(0);
    }
    if (pid > 0) waitpid(pid, NULL, 0);
}
