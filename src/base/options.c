/* options.c - see options.h. */
#include "options.h"
#include "fmt.h"

#include <limits.h>
#include <string.h>

struct options trix_options = {
    .gc_percent = 100,
    .memory_limit = INT64_MAX,
    .debug =
        {
#define KEY(name, initial, low, high, what) .name = initial,
#include "debug_keys.def"
#undef KEY
        },
};

/* ---- numbers ---- */

/* Reads decimal digits from *text up to `limit`; false when there are none or too many. */
static bool parse_digits(const char **text, uint64_t limit, uint64_t *value) {
    const char *p = *text;
    uint64_t n = 0;
    if (*p < '0' || *p > '9') return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (limit - digit) / 10) return false;
        n = n * 10 + digit;
    }
    *text = p;
    *value = n;
    return true;
}

bool trix_parse_gc_percent(const char *text, int *percent) {
    uint64_t n;
    if (strcmp(text, "off") == 0) {
        *percent = -1;
        return true;
    }
    if (!parse_digits(&text, INT_MAX, &n) || *text || n == 0) return false;
    *percent = (int)n;
    return true;
}

bool trix_parse_memory_limit(const char *text, int64_t *bytes) {
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    uint64_t n;
    if (strcmp(text, "off") == 0) {
        *bytes = INT64_MAX;
        return true;
    }
    if (!parse_digits(&text, INT64_MAX, &n)) return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(text, units[i].suffix) == 0) {
            if (n > (uint64_t)INT64_MAX >> units[i].shift) return false;
            *bytes = (int64_t)(n << units[i].shift);
            return true;
        }
    return false;
}

static bool parse_procs(const char *text, int *procs) {
    uint64_t n;
    if (!parse_digits(&text, 1 << 20, &n) || *text || n == 0) return false;
    *procs = (int)n;
    return true;
}

static bool parse_tracking(const char *text, int *tracking) {
    static const char *const names[] = {"barrier", "pages", "none"};
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *tracking = i;
            return true;
        }
    return false;
}

/* ---- complaints ---- */

/* Its first 100 bytes; what would break the line is shown as a question mark. */
static COLD void add_value(struct text *t, const char *value, size_t length) {
    for (size_t i = 0; i < length && i < 100; i++)
        trix_text_add(t, "%c", (unsigned char)value[i] < ' ' ? '?' : value[i]);
    trix_text_add(t, length > 100 ? "..." : "");
}

static COLD void complain(const char *name, const char *value, const char *accepted, const char *used) {
    char buffer[1024];
    struct text t = text_over(buffer, sizeof buffer);
    trix_text_add(&t, "tricolor: %s=", name);
    add_value(&t, value, strlen(value));
    trix_text_add(&t, " is not understood; it takes %s; using %s\n", accepted, used);
    trix_text_write(&t, 2);
}

/* ---- GODEBUG ---- */

static const struct debug_key {
    const char *name;
    int low, high;
    size_t offset;
} debug_keys[] = {
#define KEY(name, initial, low, high, what) {#name, low, high, offsetof(struct options, debug.name)},
#include "debug_keys.def"
#undef KEY
};

/* One `name=value` of the given length; false when unknown or out of range. */
static bool parse_debug_key(const char *item, size_t length) {
    for (size_t i = 0; i < ARRAY_LEN(debug_keys); i++) {
        const struct debug_key *key = &debug_keys[i];
        size_t n = strlen(key->name);
        uint64_t value;
        if (length <= n + 1 || memcmp(item, key->name, n) != 0 || item[n] != '=') continue;
        const char *digits = item + n + 1;
        if (!parse_digits(&digits, INT_MAX, &value) || digits != item + length) return false;
        if ((int)value < key->low || (int)value > key->high) return false;
        *(int *)((char *)&trix_options + key->offset) = (int)value;
        return true;
    }
    return false;
}

static COLD void complain_debug(const char *item, size_t length) {
    char buffer[1024];
    struct text t = text_over(buffer, sizeof buffer);
    trix_text_add(&t, "tricolor: GODEBUG: bad item \"");
    add_value(&t, item, length);
    trix_text_add(&t, "\" ignored; accepted are");
    for (size_t i = 0; i < ARRAY_LEN(debug_keys); i++) {
        const struct debug_key *key = &debug_keys[i];
        trix_text_add(&t, "%s %s=%d..%d", i ? "," : "", key->name, key->low, key->high);
    }
    trix_text_add(&t, "\n");
    trix_text_write(&t, 2);
}

static void read_debug(const char *text) {
    while (*text) {
        size_t length = strcspn(text, ",");
        if (length && !parse_debug_key(text, length)) complain_debug(text, length);
        text += length + (text[length] == ',');
    }
}

/* ---- all ---- */

static const char *lookup(char *const *environment, const char *name) {
    size_t n = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=') {
            const char *value = *environment + n + 1;
            return *value ? value : NULL;
        }
    return NULL;
}

void trix_options_read(char *const *environment) {
    const char *value;
    if ((value = lookup(environment, "GOGC")) && !trix_parse_gc_percent(value, &trix_options.gc_percent))
        complain("GOGC", value, "a percentage above 0, or off", "100");
    if ((value = lookup(environment, "GOMEMLIMIT"))) {
        trix_options.memory_limit_auto = strcmp(value, "auto") == 0;
        if (!trix_options.memory_limit_auto && !trix_parse_memory_limit(value, &trix_options.memory_limit))
            complain("GOMEMLIMIT", value, "bytes, with B, KiB, MiB, GiB or TiB behind the number, off, or auto", "off");
    }
    if ((value = lookup(environment, "GOMAXPROCS")) && !parse_procs(value, &trix_options.max_procs))
        complain("GOMAXPROCS", value, "a number of processors above 0", "the number of CPUs");
    if ((value = lookup(environment, "TRITRACK"))) {
        trix_options.tracking_given = parse_tracking(value, &trix_options.tracking);
        if (!trix_options.tracking_given) complain("TRITRACK", value, "barrier, pages or none", "barrier");
    }
    if ((value = lookup(environment, "GODEBUG"))) read_debug(value);
}
