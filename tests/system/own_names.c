/* A program in ISO C may have functions of its own called accept, send or close, though libc and the library have some: the header leaves
 * those names alone, and they go before the library's, also where that is linked statically. What libc does then by its own
 * second names works as ever. Compiled without the names of POSIX. */
#include <tricolor.h>

#include <stdio.h>

struct token {
    struct token *next;
    int kind;
};
TRI_TYPE(struct token, next)

static struct token *input;
static int calls;

int accept(int kind);
void close(struct token **list);
double connect(const char *name), open(double a);
int send(int n, double weight), select(int n), poll(void), wait(int *what);
void pause(void), flock(void);

int accept(int kind) {
    calls++;
    if (!input || input->kind != kind) return 0;
    input = input->next;
    return 1;
}
void close(struct token **list) {
    calls++;
    *list = NULL;
}
double connect(const char *name) { return calls++, *name; }
int send(int n, double weight) { return calls++, n + (int)weight; }
int select(int n) { return calls++, n; }
double open(double a) { return calls++, a; }
int poll(void) { return calls++, 7; }
int wait(int *what) { return calls++, *what; }
void pause(void) { calls++; }
void flock(void) { calls++; }

static void goroutine(void *done) { tri_close(done); }
static void goroutines(void *arg) {
    tri_chan *done = tri_chan_new(int, 0);
    tri_go(goroutine, done);
    tri_recv(done, arg);
}

int main(void) {
    enum { TOKENS = 100000, OWN = 10 };
    int right = 1, n = 0;
    for (int i = 0; i < TOKENS; i++) {
        struct token *t = tri_new(struct token);
        t->kind = i % 10;
        tri_set(t->next, input);
        input = t;
    }
    tri_gc();
    for (int i = TOKENS; i-- > 0;) right &= accept(i % 10);
    close(&input);
    right &= connect("x") == 'x' && send(1, 2) == 3 && select(4) == 4 && open(1) == 1 && poll() == 7 && wait(&n) == 0;
    pause();
    flock();
    int before = calls;
    FILE *f = tmpfile(); /* opened, written, read and closed by libc, not by the above */
    right &= f && fputs("text", f) >= 0 && fseek(f, 0, SEEK_SET) == 0 && fgetc(f) == 't' && fclose(f) == 0;
    tri_run(goroutines, NULL);
    tri_gc();
    tri_free_os_memory();
    if (right && calls == before && calls == TOKENS + OWN - 1) return 0;
    fprintf(stderr, "the program's functions were called %d times, %d wanted; right: %d\n", calls, TOKENS + OWN - 1, right);
    return 1;
}
