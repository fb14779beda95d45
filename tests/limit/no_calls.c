/* no_calls.c - what tri_prealloc has prepared needs not one call to the system: objects are made under a filter (seccomp) that
 * lets none pass uncounted. A call made on purpose is seen. */
#include "limit_test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { N = 200000 };

static volatile int calls;
static volatile int last;

static void on_call(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    last = info->si_syscall;
    calls++;
}

/* From now on each call of this thread but those of the handler and the end is a SIGSYS. */
static bool count_calls(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the call's number */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 3, 0), /* of the library's trampoline */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    struct sigaction a = {.sa_flags = SA_SIGINFO};
    a.sa_sigaction = on_call;
    sigaction(SIGSYS, &a, NULL);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static struct node *list;

static void make(void) {
    for (int i = 0; i < N; i++) {
        struct node *n = tri_new(struct node);
        n->value[0] = (uint64_t)i;
        tri_set(n->next, list);
        list = n;
    }
}

static void say(const char *text) {
    if (write(2, text, strlen(text)) < 0) _exit(1);
}

int main(void) {
    if (SANITIZED) return 77;
    tri_set_gc_percent(-1);
    tri_prealloc(tri_type_of(struct node), N);
    if (!count_calls()) {
        fprintf(stderr, "no seccomp here\n");
        return 77;
    }
    make();
    int during = calls;
    syscall(SYS_getppid);
    if (during) say("tri_new called the system\n");
    if (calls != during + 1 || last != SYS_getppid) say("a call was not counted\n");
    int n = N;
    for (struct node *at = list; at; at = at->next)
        if (at->value[0] != (uint64_t)--n) during = -1;
    if (n) say("nodes are missing\n");
    _exit(during != 0 || calls != 1 || n != 0);
}
