/* sample.c - see sample.h. */
#include "sample.h"
#include "../os/os.h"

#include <string.h>

static const int off;
const int *trix_sample_rate = &off;

enum { NO_POINT_BITS = 40 };

/* xorshift64* (Vigna 2016) */
static uint64_t random_next(struct sampler *s) {
    if (!s->random) s->random = ((uintptr_t)s * 0x9e3779b97f4a7c15ull ^ trix_os_now()) | 1;
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * 0x2545f4914f6cdd1dull;
}

/* -ln(u) for u uniform in (0, 1], to some 1e-6: the exponent, and a few terms of the series of artanh for the rest. */
static double exponential(uint64_t random) {
    static const double ln2 = 0.69314718055994531;
    double u = (double)((random >> 11) + 1) * 0x1p-53;
    uint64_t bits;
    memcpy(&bits, &u, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & ((1ull << 52) - 1)) | 1023ull << 52;
    memcpy(&u, &bits, sizeof u); /* in [1, 2) */
    double t = (u - 1) / (u + 1), q = t * t;
    return -(exponent * ln2 + 2 * t * (1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9))))));
}

static int64_t draw(struct sampler *s) {
    if (s->rate <= 0) return 1ll << NO_POINT_BITS;
    if (s->rate == 1) return 0;
    return (int64_t)(exponential(random_next(s)) * (double)s->rate);
}

size_t trix_sampler_cut(struct sampler *s, size_t n, size_t slot, bool *then) {
    int32_t rate = load_relaxed(trix_sample_rate);
    *then = false;
    if (rate != s->rate) {
        s->rate = rate;
        s->left = draw(s);
    }
    if (s->left >= (int64_t)(n * slot)) {
        s->left -= (int64_t)(n * slot);
        return n;
    }
    size_t before = (size_t)s->left / slot;
    s->left = draw(s);
    *then = rate > 0;
    return *then ? before : n;
}
