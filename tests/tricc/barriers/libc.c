/* libc.c - functions of the C library that store pointers where their arguments say: see stores.c. */
#define _GNU_SOURCE
#include "rules.h"
#include <mntent.h>
#include <netdb.h>
#include <pwd.h>
#include <setjmp.h>
#include <wchar.h>

struct places {
    char *at, *value;
    struct passwd entry, *found;
    struct servent service, *service_found;
    struct mntent mount;
    jmp_buf jump;
    sigjmp_buf signal_jump;
};

static double number(const char *text, char **end) { return strtod(text, end); }                                     //=> 1 library calls barriered
static unsigned long wide(const wchar_t *text, wchar_t **end) { return wcstoul(text, end, 0); }                      //=> 1 library calls barriered
static long nowhere(const char *text) { return strtol(text, NULL, 10); }                                             //=> nothing
static int option(struct places *p, char *const *names) { return getsubopt(&p->at, names, &p->value); }              //=> 1 library calls barriered
static int user(struct places *p, char *room, size_t n) { return getpwuid_r(0, &p->entry, room, n, &p->found); }     //=> 2 library calls barriered
static int service(struct places *p, char *room, size_t n) {                                                         //=> 2 library calls barriered
    return getservbyname_r("http", "tcp", &p->service, room, n, &p->service_found);
}
static struct mntent *mount(FILE *f, struct places *p, char *room, int n) { return getmntent_r(f, &p->mount, room, n); } //=> 1 library calls barriered
static char *word(struct places *p) { return strsep(&p->at, " "); }                                                  //=> nothing

static long to_stack(const char *text) { //=> 1 left out: stack
    char *end;
    long n = strtol(text, &end, 10);
    return n + *end;
}

static __thread char **kept; /* two threads run the rules */
__attribute__((noinline)) static long moved(char *text) { //=> 1 library calls barriered
    char *end;
    kept = &end; /* end lives on the heap */
    return strtol(text, &end, 10);
}

/* What is needed behind a jump only is in the buffer, and maybe nowhere else. */
__attribute__((noinline)) static void jump(struct places *p, long i) { //=> 1 library calls barriered
    struct thing *volatile *slot = tri_new(struct thing *);
    struct thing *t = thing_new(i);
    if (setjmp(p->jump) == 0) {
        for (int k = 0; k < 4; k++) *slot = thing_new(0);
        longjmp(p->jump, 1);
    }
    thing_check(t, i, "setjmp");
}
__attribute__((noinline)) static void signal_jump(struct places *p, long i) { //=> 1 library calls barriered
    struct thing *t = thing_new(i);
    if (sigsetjmp(p->signal_jump, 0) == 0) siglongjmp(p->signal_jump, 1);
    thing_check(t, i, "sigsetjmp");
}

static char *copied(const char *text) { return strcpy(tri_alloc_leaf(strlen(text) + 1), text); }

static void same(const char *got, const char *wanted, const char *rule) {
    tri_new_array(char *, 8);
    if (got && strcmp(got, wanted) == 0) return;
    fprintf(stderr, "%s: '%s' instead of '%s'\n", rule, got ? got : "(null)", wanted);
    abort();
}

static void check_parsing(long i, struct places *p) {
    static char *const names[] = {"size", "name", NULL};
    if (number(copied("1.5 rest"), &p->at) != 1.5) abort();
    same(p->at, " rest", "strtod");
    wchar_t **end = tri_new(wchar_t *), *digits = tri_alloc_leaf(5 * sizeof *digits);
    memcpy(digits, L"017x", 5 * sizeof *digits);
    if (wide(digits, end) != 15) abort();
    digits = NULL;
    tri_new_array(char *, 8);
    if (**end != L'x') abort();
    p->at = copied("name=value,size=3");
    if (option(p, names) != 1) abort();
    same(p->value, "value", "getsubopt");
    same(p->at, "size=3", "getsubopt");
    p->at = copied("one two three");
    word(p);
    same(word(p), "two", "strsep");
    same(p->at, "three", "strsep");
    if (moved(copied("21 moved")) != 21) abort();
    same(*kept, " moved", "a moved variable");
    if (to_stack("3") != 3 || nowhere("4") != 4) abort();
    jump(p, i);
    signal_jump(p, i);
}

static void check_entries(struct places *p) {
    if (user(p, tri_alloc_leaf(1000), 1000) == 0 && p->found == &p->entry) same(p->entry.pw_name, "root", "getpwuid_r");
    if (service(p, tri_alloc(1000), 1000) == 0 && p->service_found) same(p->service.s_name, "http", "getservbyname_r");
    char *table = copied("dev /mnt ext4 rw 0 0\n");
    FILE *f = fmemopen(table, strlen(table), "r");
    if (!mount(f, p, tri_alloc_leaf(200), 200)) abort();
    same(p->mount.mnt_dir, "/mnt", "getmntent_r");
    fclose(f);
    tri_keep_alive(table); /* the stream's own memory is libc's */
}

static void *rounds(void *n) {
    struct places *p = tri_new(struct places);
    for (long i = 0; i < (long)n; i++) {
        check_parsing(i, p);
        if (i % 16 == 0) check_entries(p);
    }
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 20000); }
