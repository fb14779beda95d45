/* bench/service.c - the memory life of a web service: parse a request, look it up in a cache, answer.
 *
 *     service closed <threads> <requests>
 *     service open <threads> <requests> <requests a second>
 *
 * A request is a text of about 250 bytes, as read from a socket into a buffer that the worker reuses. Parsing
 * makes a tree of about 35 objects from it: path segments, parameters, headers, every string a leaf of its
 * own. The cache is an LRU of 100,000 items in 16 shards, each a mutex, a hash table with string keys and a
 * doubly linked list. A miss makes the item (what a database would have sent: four fields and a body of 256
 * bytes). The response is a buffer that grows by doubling to about 640 bytes. About 70 % of the requests hit.
 *
 * closed   each thread asks again as soon as it is answered. Latency runs from the request's start
 * open     requests come at a fixed rate whatever the service does. Latency runs from when a request should
 *          have started, so a stop counts against everything that should have happened meanwhile. Between
 *          requests a thread yields the processor in a loop: sleeping would measure timers
 *
 * Without a collector an item evicted by one thread may be in use by another, so there items
 * count references.
 */
#include "bench.h"

/* A string as Go has it: bytes and length. */
struct text {
    const char *bytes;
    size_t len;
};

struct pair {
    struct text name, value;
    struct pair *next;
};
TYPE(struct pair, name.bytes, value.bytes, next);

struct segment {
    struct text name;
    struct segment *next;
};
TYPE(struct segment, name.bytes, next);

struct request {
    struct text method;
    struct segment *path;
    struct pair *params, *headers;
};
TYPE(struct request, method.bytes, path, params, headers);

struct item {
    struct pair *fields;
    struct text body;
#if MANUAL
    atomic_int references;
#endif
};
TYPE(struct item, fields, body.bytes);

struct entry {
    struct entry *chain;         /* next in its bucket */
    struct entry *newer, *older; /* neighbours in the order of use */
    uint64_t hash;
    struct text key;
    struct item *item;
};
TYPE(struct entry, chain, newer, older, key.bytes, item);

struct shard {
    pthread_mutex_t lock; /* for all fields below, and all entries */
    struct entry **buckets;
    struct entry *newest, *oldest;
    size_t used;
} __attribute__((aligned(CACHE_LINE)));

enum {
    SHARDS = 16,
    CAPACITY = 100000 / SHARDS, /* entries a shard */
    BUCKETS = 8192,             /* a shard */
    UNIVERSE = 500000,          /* different items that are asked for */
    REQUEST_MAX = 1024,
    RESPONSE_START = 256,
    BODY = 256,
};

static struct shard shards[SHARDS];

/* Every pointer store into an object of the heap goes through SET; the length is no pointer. */
#define SET_TEXT(field, source)                                                                              \
    do {                                                                                                     \
        struct text source_ = (source);                                                                      \
        SET((field).bytes, source_.bytes);                                                                   \
        (field).len = source_.len;                                                                           \
    } while (0)

/* ---- strings ---- */

static struct text text_copy(const char *bytes, size_t len) {
    char *copy = NEW_LEAF(len ? len : 1);
    memcpy(copy, bytes, len);
    return (struct text){copy, len};
}

/* A second owner for the string: the same one where memory is collected. */
static struct text text_share(struct text t) { return MANUAL ? text_copy(t.bytes, t.len) : t; }

static uint64_t text_hash(struct text t) { /* FNV-1a, mixed */
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < t.len; i++) h = (h ^ (unsigned char)t.bytes[i]) * 0x100000001b3u;
    return mix64(h);
}

static bool text_equal(struct text a, struct text b) {
    return a.len == b.len && !memcmp(a.bytes, b.bytes, a.len);
}

/* ---- growing byte buffers ---- */

struct buffer {
    char *bytes;
    size_t len, cap;
};

static void buffer_grow(struct buffer *b, size_t more) {
    size_t cap = 2 * b->cap;
    while (cap < b->len + more) cap *= 2;
    char *bytes = NEW_LEAF(cap);
    memcpy(bytes, b->bytes, b->len);
    FREE(b->bytes);
    b->bytes = bytes;
    b->cap = cap;
}

static void put(struct buffer *b, const char *bytes, size_t len) {
    if (b->len + len > b->cap) buffer_grow(b, len);
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}
#define PUT(b, literal) put(b, literal, sizeof(literal) - 1)
static void put_text(struct buffer *b, struct text t) { put(b, t.bytes, t.len); }

static void put_number(struct buffer *b, uint64_t n) {
    char digits[20];
    size_t i = sizeof digits;
    do digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    put(b, digits + i, sizeof digits - i);
}

/* ---- requests: writing them, which stands for the network ---- */

/* Products of random numbers: small ids are asked for far more often than large ones. */
static uint64_t random_id(uint64_t *random) {
    uint64_t a = random_next(random) % UNIVERSE, b = random_next(random) % UNIVERSE;
    return a * b / UNIVERSE * (random_next(random) % UNIVERSE) / UNIVERSE;
}

static void request_write(struct buffer *b, uint64_t *random) {
    uint64_t id = random_id(random), r = random_next(random);
    PUT(b, "GET /shop/item/");
    put_number(b, id);
    PUT(b, "?sort=price&limit=");
    put_number(b, r % 100);
    PUT(b, "&lang=en&session=");
    put_number(b, r);
    PUT(b, " HTTP/1.1\r\nHost: shop.example.org\r\nUser-Agent: bench/1.0 (closed loop; open loop)\r\n"
           "Accept: application/json\r\nCookie: visitor=");
    put_number(b, r ^ id);
    PUT(b, "\r\n\r\n");
}

/* ---- requests: parsing ---- */

/* The text up to the next `stop` or the end; moves *at behind it. */
static struct text until(const char **at, const char *end, char stop) {
    const char *from = *at, *found = memchr(from, stop, (size_t)(end - from));
    *at = found ? found + 1 : end;
    return (struct text){from, (size_t)((found ? found : end) - from)};
}

static struct pair *pair_new(struct text name, struct text value, struct pair *last) {
    struct pair *p = NEW(struct pair);
    SET_TEXT(p->name, text_copy(name.bytes, name.len));
    SET_TEXT(p->value, text_copy(value.bytes, value.len));
    NIL(p->next);
    if (last) SET(last->next, p);
    return p;
}

static struct segment *parse_path(struct text path) {
    struct segment *first = NULL, *last = NULL;
    const char *at = path.bytes + 1, *end = path.bytes + path.len; /* behind the first slash */
    while (at < end) {
        struct text name = until(&at, end, '/');
        struct segment *s = NEW(struct segment);
        SET_TEXT(s->name, text_copy(name.bytes, name.len));
        NIL(s->next);
        if (last)
            SET(last->next, s);
        else
            first = s;
        last = s;
    }
    return first;
}

static struct pair *parse_params(struct text query) {
    struct pair *first = NULL, *last = NULL;
    const char *at = query.bytes, *end = query.bytes + query.len;
    while (at < end) {
        struct text value = until(&at, end, '&');
        const char *inner = value.bytes, *inner_end = value.bytes + value.len;
        struct text name = until(&inner, inner_end, '=');
        last = pair_new(name, (struct text){inner, (size_t)(inner_end - inner)}, last);
        if (!first) first = last;
    }
    return first;
}

static struct pair *parse_headers(const char *at, const char *end) {
    struct pair *first = NULL, *last = NULL;
    while (at < end) {
        struct text line = until(&at, end, '\n');
        if (line.len <= 1) break;                                               /* the empty line */
        const char *inner = line.bytes, *inner_end = line.bytes + line.len - 1; /* without the \r */
        struct text name = until(&inner, inner_end, ':');
        inner++; /* the space */
        last = pair_new(name, (struct text){inner, (size_t)(inner_end - inner)}, last);
        if (!first) first = last;
    }
    return first;
}

static struct request *request_parse(const char *bytes, size_t len) {
    const char *at = bytes, *end = bytes + len;
    struct request *r = NEW(struct request);
    struct text method = until(&at, end, ' ');
    SET_TEXT(r->method, text_copy(method.bytes, method.len));
    struct text target = until(&at, end, ' ');
    until(&at, end, '\n'); /* the version */
    const char *inner = target.bytes, *inner_end = target.bytes + target.len;
    struct text path = until(&inner, inner_end, '?');
    SET(r->path, parse_path(path));
    SET(r->params, parse_params((struct text){inner, (size_t)(inner_end - inner)}));
    SET(r->headers, parse_headers(at, end));
    return r;
}

static void pairs_free(struct pair *p) {
    while (p) {
        struct pair *next = p->next;
        FREE(p->name.bytes);
        FREE(p->value.bytes);
        FREE(p);
        p = next;
    }
}

static void request_free(struct request *r) {
    for (struct segment *s = r->path, *next; s; s = next) {
        next = s->next;
        FREE(s->name.bytes);
        FREE(s);
    }
    pairs_free(r->params);
    pairs_free(r->headers);
    FREE(r->method.bytes);
    FREE(r);
}

/* ---- items ---- */

static struct text number_text(uint64_t n) {
    char digits[20];
    size_t i = sizeof digits;
    do digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    return text_copy(digits + i, sizeof digits - i);
}

static struct pair *field_new(const char *name, uint64_t value, struct pair *next) {
    struct pair *p = NEW(struct pair);
    SET_TEXT(p->name, text_copy(name, strlen(name)));
    SET_TEXT(p->value, number_text(value));
    SET(p->next, next);
    return p;
}

/* The item with this key, with one reference. */
static struct item *item_new(uint64_t hash) {
    struct item *item = NEW(struct item);
    struct pair *fields = field_new("name", hash >> 8, NULL);
    fields = field_new("price", hash % 10000, fields);
    fields = field_new("stock", hash % 77, fields);
    SET(item->fields, field_new("seller", hash >> 40, fields));
    char *body = NEW_LEAF(BODY);
    uint64_t random = hash;
    for (size_t i = 0; i < BODY; i += 8) {
        uint64_t letters = 0x6161616161616161u + (random_next(&random) & 0x0f0f0f0f0f0f0f0fu);
        memcpy(body + i, &letters, 8);
    }
    SET_TEXT(item->body, ((struct text){body, BODY}));
#if MANUAL
    atomic_init(&item->references, 1);
#endif
    return item;
}

static struct item *item_retain(struct item *item) {
#if MANUAL
    atomic_fetch_add_explicit(&item->references, 1, memory_order_relaxed);
#endif
    return item;
}

static void item_release(struct item *item) {
#if MANUAL
    if (atomic_fetch_sub_explicit(&item->references, 1, memory_order_acq_rel) > 1) return;
    pairs_free(item->fields);
    FREE(item->body.bytes);
    FREE(item);
#else
    (void)item;
#endif
}

/* ---- the cache. All functions: the shard is locked ---- */

static void cache_unlink(struct shard *s, struct entry *e) {
    if (e->newer)
        SET(e->newer->older, e->older);
    else
        s->newest = e->older;
    if (e->older)
        SET(e->older->newer, e->newer);
    else
        s->oldest = e->newer;
}

static void cache_link_newest(struct shard *s, struct entry *e) {
    SET(e->newer, NULL);
    SET(e->older, s->newest);
    if (s->newest)
        SET(s->newest->newer, e);
    else
        s->oldest = e;
    s->newest = e;
}

static struct entry **cache_bucket(struct shard *s, uint64_t hash) {
    return &s->buckets[(hash >> 4) % BUCKETS];
}

static struct entry *cache_find(struct shard *s, uint64_t hash, struct text key) {
    struct entry *e = *cache_bucket(s, hash);
    while (e && !(e->hash == hash && text_equal(e->key, key))) e = e->chain;
    if (e && e != s->newest) {
        cache_unlink(s, e);
        cache_link_newest(s, e);
    }
    return e;
}

static void cache_evict(struct shard *s) {
    struct entry *e = s->oldest, **link = cache_bucket(s, e->hash);
    while (*link != e) link = &(*link)->chain;
    SET(*link, e->chain);
    cache_unlink(s, e);
    s->used--;
    item_release(e->item);
    FREE(e->key.bytes);
    FREE(e);
}

static void cache_insert(struct shard *s, uint64_t hash, struct text key, struct item *item) {
    struct entry *e = NEW(struct entry), **bucket = cache_bucket(s, hash);
    SET_TEXT(e->key, text_share(key));
    e->hash = hash;
    SET(e->item, item);
    SET(e->chain, *bucket);
    SET(*bucket, e);
    cache_link_newest(s, e);
    if (++s->used > CAPACITY) cache_evict(s);
}

/* The item with the key, from the cache or made; the caller releases it. */
static struct item *cache_get(struct text key, bool *hit) {
    uint64_t hash = text_hash(key);
    struct shard *s = &shards[hash % SHARDS];
    pthread_mutex_lock(&s->lock);
    struct entry *e = cache_find(s, hash, key);
    struct item *item = e ? item_retain(e->item) : NULL;
    pthread_mutex_unlock(&s->lock);
    *hit = item;
    if (item) return item;

    struct item *fresh = item_new(hash); /* without the lock: in life this takes a while */
    pthread_mutex_lock(&s->lock);
    e = cache_find(s, hash, key); /* another thread may have been faster */
    item = item_retain(e ? e->item : fresh);
    if (!e) cache_insert(s, hash, key, fresh);
    pthread_mutex_unlock(&s->lock);
    if (e) item_release(fresh);
    return item;
}

/* ---- answering ---- */

static void put_pairs(struct buffer *b, const struct pair *p) {
    for (; p; p = p->next) {
        PUT(b, ",\"");
        put_text(b, p->name);
        PUT(b, "\":\"");
        put_text(b, p->value);
        PUT(b, "\"");
    }
}

static struct buffer response_build(const struct request *r, struct text key, const struct item *item) {
    struct buffer b = {NEW_LEAF(RESPONSE_START), 0, RESPONSE_START};
    PUT(&b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"id\":\"");
    put_text(&b, key);
    PUT(&b, "\"");
    put_pairs(&b, item->fields);
    PUT(&b, ",\"body\":\"");
    put_text(&b, item->body);
    PUT(&b, "\"");
    put_pairs(&b, r->params);
    put_pairs(&b, r->headers);
    PUT(&b, "}\n");
    return b;
}

/* Stands for writing it to the network. */
static uint64_t response_send(struct buffer b) {
    uint64_t sum = b.len, word;
    size_t i = 0;
    for (; i + 8 <= b.len; i += 8) {
        memcpy(&word, b.bytes + i, 8);
        sum = sum * 31 + word;
    }
    for (; i < b.len; i++) sum = sum * 31 + (unsigned char)b.bytes[i];
    FREE(b.bytes);
    return sum;
}

/* ---- workers ---- */

static struct worker {
    uint64_t random, check, hits;
    struct histogram *latencies;
    char input[REQUEST_MAX]; /* what the socket is read into */
} __attribute__((aligned(CACHE_LINE))) workers[MAX_THREADS];

static int threads;
static long requests_each, warm_up_each, rate;
static pthread_barrier_t warm;
static uint64_t began; /* all threads are warm: time starts; written before the second barrier */

static uint64_t serve(struct worker *w) {
    struct buffer input = {w->input, 0, REQUEST_MAX}; /* big enough, so it never grows */
    request_write(&input, &w->random);
    struct request *r = request_parse(input.bytes, input.len);
    struct text key = r->path->next->next->name;
    bool hit;
    struct item *item = cache_get(key, &hit);
    uint64_t sum = response_send(response_build(r, key, item));
    item_release(item);
    if (MANUAL) request_free(r);
    w->hits += hit;
    return sum;
}

static void serve_closed(struct worker *w) {
    uint64_t before = now_ns();
    for (long i = 0; i < requests_each; i++) {
        w->check += serve(w);
        uint64_t after = now_ns();
        histogram_add(w->latencies, after - before);
        before = after;
    }
}

static void serve_open(struct worker *w, int id) {
    for (long i = 0; i < requests_each; i++) {
        uint64_t due = began + (uint64_t)(i * threads + id) * 1000000000u / (uint64_t)rate;
        while (now_ns() < due) sched_yield();
        w->check += serve(w);
        histogram_add(w->latencies, now_ns() - due);
    }
}

static void work(int id) {
    struct worker *w = &workers[id];
    w->random = mix64((uint64_t)id);
    for (long i = 0; i < warm_up_each; i++) w->check += serve(w);
    w->hits = 0;
    pthread_barrier_wait(&warm);
    if (id == 0) began = now_ns();
    pthread_barrier_wait(&warm);
    if (rate)
        serve_open(w, id);
    else
        serve_closed(w);
}

static void cache_free(void) {
    for (int i = 0; i < SHARDS; i++) {
        while (shards[i].used) cache_evict(&shards[i]);
        FREE(shards[i].buckets);
    }
}

int main(int argc, char **argv) {
    const char *usage = "closed <threads> <requests> | open <threads> <requests> <requests a second>";
    bench_start(argc, argv, "service");
    bool open = !strcmp(arg_text(0, ""), "open");
    if (!open && strcmp(arg_text(0, ""), "closed")) bench_usage(usage);
    threads = arg_threads(1);
    long requests = arg_number(2, 1000000);
    rate = open ? arg_number(3, 40000) : 0;
    requests_each = requests / threads;
    warm_up_each = requests_each < 200000 ? requests_each : 200000;

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&shards[i].lock, NULL);
        shards[i].buckets = NEW_ARRAY(struct entry *, BUCKETS);
    }
    for (int i = 0; i < threads; i++) workers[i].latencies = histogram_new();
    pthread_barrier_init(&warm, NULL, (unsigned)threads);
    run_threads(threads, work);
    double seconds = (double)(now_ns() - began) / 1e9;

    struct histogram *all = histogram_new();
    uint64_t check = 0, hits = 0;
    for (int i = 0; i < threads; i++) {
        histogram_merge(all, workers[i].latencies);
        check += workers[i].check;
        hits += workers[i].hits;
    }
    result("rate", (double)all->count / seconds, "req/s");
    result("p50", histogram_percentile(all, 50) / 1e3, "us");
    result("p99", histogram_percentile(all, 99) / 1e3, "us");
    result("p99.9", histogram_percentile(all, 99.9) / 1e3, "us");
    result("p99.99", histogram_percentile(all, 99.99) / 1e3, "us");
    result("worst", (double)all->worst / 1e3, "us");
    result("hits", 100.0 * (double)hits / (double)all->count, "%");
    free(all);
    if (MANUAL) cache_free();
    return bench_finish(check);
}
