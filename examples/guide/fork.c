/* fork.c - the child of a fork can allocate and collect. */
#include "expect.h"
#include <string.h>
#include <sys/wait.h>
#include <tricolor.h>
#include <unistd.h>

int main(void) {
    char *text = tri_strdup("from the parent");
    pid_t pid = fork();
    expect(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 100000; i++) tri_alloc(100);
        tri_gc();
        _exit(strcmp(text, "from the parent") == 0 ? 0 : 1);
    }
    int status;
    expect(waitpid(pid, &status, 0) == pid && status == 0);
    tri_gc();
    expect(strcmp(text, "from the parent") == 0);
    return 0;
}
