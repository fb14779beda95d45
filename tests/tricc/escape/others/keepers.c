/* others/keepers.c - a program's own functions with names of the C library's: what they are given they keep. For names.c. */
struct node;
static struct node *kept[16];
static int n;

struct node *kept_at(int i) { return kept[i]; }

void bind(struct node **env, const char *name, struct node *value) { *env = value, (void)name; }
int link(struct node *a, struct node *b) { return kept[n++] = a, kept[n++] = b, 0; }
int symlink(struct node *a, struct node *b) { return kept[n++] = a, kept[n++] = b, 0; }
int unlink(struct node *a) { return kept[n++] = a, 0; }
int access(struct node *a, int how) { return kept[n++] = a, how; }
long send(int to, struct node *a, unsigned long bytes, int how) { return kept[n++] = a, to + (long)bytes + how; }
int connect(int from, struct node *a, unsigned to) { return kept[n++] = a, from + (int)to; }
int poll(struct node *a, unsigned long bytes, int how) { return kept[n++] = a, (int)bytes + how; }
int wait(struct node *a) { return kept[n++] = a, 0; }

struct link {
    long v;
    struct link *next;
};
void insque(struct link *a, struct link *behind) { a->next = behind->next, behind->next = a; }
void remque(struct link *before) { before->next = before->next->next; }
