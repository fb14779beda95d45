/* bench/hash_table.c - a large hash table of pointers, grown from nothing, then churned.
 *
 *     hash_table <own|builtin> <entries> <churns>
 *
 * Separate chaining, doubled at one entry a bucket. An entry is next, key, pointer to a record (24 bytes); a
 * record is 16 bytes without pointers. One churn removes the oldest key and inserts a new one; keys are
 * mixed, so each touches two random buckets. `builtin` is for languages that have a hash table of their own
 * (Go's map); C has none.
 */
#include "bench.h"

struct record {
    uint64_t key, count;
};
TYPE_LEAF(struct record);

struct entry {
    struct entry *next;
    uint64_t key;
    struct record *record;
};
TYPE(struct entry, next, record);

static struct entry **buckets; /* a power of two of them */
static size_t mask, used;

static void table_grow(void) {
    size_t size = buckets ? 2 * (mask + 1) : 1024;
    struct entry **bigger = NEW_ARRAY(struct entry *, size);
    for (size_t i = 0; buckets && i <= mask; i++) {
        for (struct entry *e = buckets[i], *next; e; e = next) {
            next = e->next;
            struct entry **bucket = &bigger[e->key & (size - 1)];
            SET(e->next, *bucket);
            SET(*bucket, e);
        }
    }
    FREE(buckets);
    buckets = bigger;
    mask = size - 1;
}

/* The key is new: the caller knows. */
static void table_insert(uint64_t key) {
    if (!buckets || used > mask) table_grow();
    struct record *r = NEW(struct record);
    r->key = key;
    r->count = 1;
    struct entry *e = NEW(struct entry);
    struct entry **bucket = &buckets[key & mask];
    SET(e->next, *bucket);
    e->key = key;
    SET(e->record, r);
    SET(*bucket, e);
    used++;
}

static uint64_t table_remove(uint64_t key) {
    struct entry **link = &buckets[key & mask];
    while (*link && (*link)->key != key) link = &(*link)->next;
    struct entry *e = *link;
    if (!e) return 0;
    uint64_t sum = e->record->key + e->record->count;
    SET(*link, e->next);
    FREE(e->record);
    FREE(e);
    used--;
    return sum;
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "hash_table");
    const char *form = arg_text(0, "own");
    uint64_t entries = (uint64_t)arg_number(1, 1000000), churns = (uint64_t)arg_number(2, 1000000);
    if (strcmp(form, "own")) bench_usage("own <entries> <churns>");

    uint64_t check = 0, began = now_ns(), cpu = cpu_ns();
    for (uint64_t i = 0; i < entries; i++) table_insert(mix64(i));
    result("insert", (double)(now_ns() - began) / (double)entries, "ns");
    result("insert_cpu", (double)(cpu_ns() - cpu) / (double)entries, "ns");

    began = now_ns(), cpu = cpu_ns();
    for (uint64_t i = 0; i < churns; i++) {
        check += table_remove(mix64(i));
        table_insert(mix64(i + entries));
    }
    result("churn", (double)(now_ns() - began) / (double)churns, "ns");
    result("churn_cpu", (double)(cpu_ns() - cpu) / (double)churns, "ns");

    for (uint64_t i = churns; MANUAL && i < entries + churns; i++) table_remove(mix64(i));
    FREE(buckets);
    return bench_finish(check);
}
