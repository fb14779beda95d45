/* libc.c - functions of the C library that store pointers where their arguments say: see stores.c. */
#define _GNU_SOURCE
#include "rules.h"
#include <mntent.h>
#include <netdb.h>
#include <pwd.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <wchar.h>

struct places {
    char *at, *value;
    struct passwd entry, *found;
    struct servent service, *service_found;
    struct mntent mount;
    jmp_buf jump;
    sigjmp_buf signal_jump;
    struct random_data random;
    wchar_t *rest;
    struct thing *copies[3];
    ucontext_t here, there;
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

static wchar_t *wide_word(wchar_t *text, wchar_t **rest) { return wcstok(text, L" ", rest); }                        //=> 1 library calls barriered
static int random_state(struct places *p, char *room) { return initstate_r(1, room, 64, &p->random); }               //=> 1 library calls barriered
static int other_state(struct places *p, char *room) { return setstate_r(room, &p->random); }                        //=> 1 library calls barriered
static void *until(struct places *p, const struct places *q) { return memccpy(p->copies, q->copies, 0xff, sizeof p->copies); } //=> 1 library calls barriered
static int away(struct places *p) { return swapcontext(&p->here, &p->there); }                                       //=> 1 library calls barriered
static void prepare(struct places *p, void (*f)(void), struct thing *t, int n) { makecontext(&p->there, f, 2, t, n); } //=> 1 library calls barriered

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

/* On a stack of its own: what it is given is in the context only until it starts, and what the caller needs behind the switch in registers. */
static void other_stack(struct thing *t, int i) {
    tri_new_array(char *, 8);
    thing_check(t, (uint64_t)i, "makecontext");
}
__attribute__((noinline)) static void contexts(struct places *p, char *stack, int i) {
    struct thing *a = thing_new(1), *b = thing_new(2), *c = thing_new(3), *d = thing_new(4);
    getcontext(&p->there);
    p->there.uc_stack.ss_sp = stack;
    p->there.uc_stack.ss_size = 1 << 16;
    p->there.uc_link = &p->here;
    prepare(p, (void (*)(void))other_stack, thing_new((uint64_t)i), i);
    tri_new_array(char *, 8);
    away(p);
    thing_check(a, 1, "swapcontext"), thing_check(b, 2, "swapcontext"), thing_check(c, 3, "swapcontext"), thing_check(d, 4, "swapcontext");
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
    wchar_t *words = tri_alloc_leaf(4 * sizeof *words);
    memcpy(words, L"a b", 4 * sizeof *words);
    wide_word(words, &p->rest);
    words = NULL;
    tri_new_array(char *, 8);
    if (*p->rest != L'b') fputs("wcstok: the text is lost\n", stderr), abort();
    static char none[64] __attribute__((aligned(8)));
    char *state = tri_alloc(64);
    p->random.state = NULL;
    if (random_state(p, state) || initstate_r(1, none, 64, &p->random) || other_state(p, state)) abort();
    state = NULL;
    tri_new_array(char *, 8);
    int32_t number_one;
    if (random_r(&p->random, &number_one) || !number_one) abort();
    struct places *q = tri_new(struct places);
    for (int k = 0; k < 3; k++) q->copies[k] = thing_new((uint64_t)k);
    bool whole = !until(p, q); /* none of the addresses has such a byte */
    q = NULL;
    tri_new_array(char *, 8);
    for (uint64_t k = 0; whole && k < 3; k++) thing_check(p->copies[k], k, "memccpy");
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
    char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < (long)n; i++) {
        check_parsing(i, p);
        if (i % 16 == 0) check_entries(p);
        contexts(p, stack, (int)i);
    }
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 20000); }
