/* libc.c - functions of the C library whose doings are known. */
#include "test.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static int by_value(const void *a, const void *b) { return (*(struct node *const *)a)->v < (*(struct node *const *)b)->v ? -1 : 1; } // WANT "a does not escape" "b does not escape"
static struct node *kept;
static int keeping(const void *a, const void *b) { // WANT "leaking param content: a" "b does not escape"
    kept = *(struct node *const *)a;
    return by_value(a, b);
}

static void strings(void) {
    char a[40] = "one two", b[40], *end;
    strcpy(b, a);
    strcat(b, " three");
    char *p = strchr(b, 't');
    CHECK(p == b + 4 && strlen(b) == 13 && strcmp(a, b) < 0 && memchr(b, 'n', 5) == b + 1);
    CHECK(strtol("12x", &end, 10) == 12 && *end == 'x');
    char digits[] = "34y";
    CHECK(strtol(digits, &end, 10) == 34 && *end == 'y');
    CHECK(ON_STACK(a) && ON_STACK(b) && ON_STACK(&end) && ON_STACK(digits));
    char *word, *state, text[] = "a b";
    word = strtok_r(text, " ", &state);
    CHECK(*word == 'a' && ON_STACK(text));
}

static char *found(void) {
    char a[40] = "find me"; // WANT "moved to heap: a"
    return strstr(a, "me");
}

static char *kept_end;
static void kept_by_end(void) {
    char digits[] = "34y"; // WANT "moved to heap: digits"
    strtol(digits, &kept_end, 10);
}

static void tokens(void) {
    char a[] = "x y"; // WANT "moved to heap: a"
    strtok(a, " "); /* the library keeps the place */
    CHECK(ON_HEAP(a));
}

static void output(void) {
    char a[40], b[] = "b";
    int n = snprintf(a, sizeof a, "%s %d %p", b, 3, (void *)a), k = 0;
    CHECK(n > 3 && sscanf("7", "%d", &k) == 1 && k == 7);
    CHECK(ON_STACK(a) && ON_STACK(b) && ON_STACK(&k));
}

static void buffers(FILE *f) { // WANT "leaking param: f"
    char line[40], buffer[BUFSIZ]; // WANT "moved to heap: buffer"
    setvbuf(f, buffer, _IOFBF, sizeof buffer); /* kept where the collector does not look, until the end of the block */
    disturb();
    fputs("text\n", f);
    rewind(f);
    CHECK(fgets(line, sizeof line, f) == line && strcmp(line, "text\n") == 0);
    disturb();
    fclose(f);
}

static void environment(void) {
    char set[] = "ESCAPE_TEST=1", name[] = "ESCAPE_TEST_2"; // WANT "moved to heap: set"
    putenv(set); /* kept */
    setenv(name, "2", 1);
    CHECK(ON_HEAP(set) && ON_STACK(name));
}

/* Names that programs have for functions of their own as well (names.c). */
static void files(void) {
    char from[] = "/nonexistent/a", to[] = "/nonexistent/b";
    CHECK(access(from, F_OK) < 0 && link(from, to) < 0 && rename(from, to) < 0 && remove(to) < 0 && ON_STACK(from) && ON_STACK(to));
}

static void sorting(void) {
    struct node x[3] = {{.v = 3}, {.v = 1}, {.v = 2}}, y[2] = {{.v = 2}, {.v = 1}}; // WANT "moved to heap: y"
    struct node *a[3] = {&x[0], &x[1], &x[2]}, *b[2] = {&y[0], &y[1]};
    qsort(a, 3, sizeof *a, by_value);
    CHECK(a[0]->v == 1 && a[2]->v == 3 && ON_STACK(a) && ON_STACK(x));
    qsort(b, 2, sizeof *b, keeping);
    CHECK(ON_STACK(b) && ON_HEAP(y));
    struct node *key = &x[1], **at = bsearch(&key, a, 3, sizeof *a, by_value);
    CHECK(at == NULL || ON_STACK(*at));
}

static struct node *copies(void) {
    struct node x = {.v = 1}, y = {.v = 2}, *p = &x, *q = NULL, *r = &y, *s = NULL; // WANT "moved to heap: x"
    memcpy(&q, &p, sizeof p);
    memmove(&s, &r, sizeof r);
    CHECK(q == &x && s == &y && ON_STACK(&y));
    return q;
}

static void times(void) {
    time_t now = time(NULL);
    struct tm broken;
    char text[60];
    CHECK(localtime_r(&now, &broken) == &broken && strftime(text, sizeof text, "%Y", &broken) == 4);
    struct timespec t = {0, 1};
    nanosleep(&t, NULL);
    CHECK(ON_STACK(&now) && ON_STACK(&broken) && ON_STACK(text) && ON_STACK(&t));
}

int main(void) {
    strings();
    char *s = found();
    disturb();
    CHECK(strcmp(s, "me") == 0 && ON_HEAP(s));
    kept_by_end();
    disturb();
    CHECK(*kept_end == 'y' && ON_HEAP(kept_end));
    tokens();
    output();
    FILE *f = tmpfile();
    if (f) buffers(f);
    environment();
    disturb();
    CHECK(strcmp(getenv("ESCAPE_TEST"), "1") == 0);
    files();
    sorting();
    struct node *n = copies();
    disturb();
    CHECK(n->v == 1 && ON_HEAP(n));
    times();
    return 0;
}
