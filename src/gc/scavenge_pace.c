/* scavenge_pace.c - see scavenge_pace.h. */
#include "scavenge_pace.h"

enum {
    RETAIN_PART = 10,   /* a tenth more than will be in use */
    REDUCE_PART = 20,   /* a twentieth below the limit */
    SHARE = 100,        /* one in so many nanoseconds of all processors */
    MOST_BOUTS = 4,     /* of credit */
    REST_SHARE = 20     /* cycles of a program that hardly allocates: one in so many nanoseconds of a processor */
};
#define RETAIN_LEAST ((uint64_t)16 << 20)
#define REST_LEAST_NS    (15ull * 1000 * 1000 * 1000)
#define REST_LEAST_BYTES ((uint64_t)64 << 20)

uint64_t trix_scavenge_retain(uint64_t inuse, uint64_t last_goal, uint64_t goal) {
    if (last_goal == 0) return SCAVENGE_NEVER;
    bool was_off = last_goal == UINT64_MAX, is_off = goal == UINT64_MAX;
    if (was_off != is_off) return SCAVENGE_NEVER; /* GOGC or the limit was switched on or off */
    double ratio = is_off ? 1 : (double)goal / (double)last_goal;
    double retain = (double)inuse * ratio * (1 + 1.0 / RETAIN_PART);
    return retain < 9e18 ? max_u64((uint64_t)retain, RETAIN_LEAST) : SCAVENGE_NEVER;
}

uint64_t trix_scavenge_limit(uint64_t memory_limit) {
    return memory_limit >= (uint64_t)INT64_MAX ? SCAVENGE_NEVER : memory_limit - memory_limit / REDUCE_PART;
}

uint64_t trix_scavenge_excess(uint64_t backed, uint64_t retain, uint64_t mapped, uint64_t limit_goal) {
    uint64_t by_goal = backed > retain ? backed - retain : 0;
    uint64_t by_limit = mapped > limit_goal ? mapped - limit_goal : 0;
    return max_u64(by_goal, by_limit);
}

uint64_t trix_scavenge_wait(struct scavenge_pace *pace, uint32_t procs, uint64_t now_ns) {
    if (pace->last_ns == 0 || now_ns < pace->last_ns) pace->last_ns = now_ns;
    uint64_t earned = min_u64((now_ns - pace->last_ns) / SHARE, UINT32_MAX) * procs;
    const int64_t most = (int64_t)SCAVENGE_BOUT_NS * MOST_BOUTS;
    pace->last_ns = now_ns - (now_ns - pace->last_ns) % SHARE;
    pace->credit_ns += (int64_t)earned;
    if (pace->credit_ns > most) pace->credit_ns = most;
    if (pace->credit_ns >= SCAVENGE_BOUT_NS) return 0;
    return (uint64_t)(SCAVENGE_BOUT_NS - pace->credit_ns) * SHARE / procs + 1;
}

void trix_scavenge_spend(struct scavenge_pace *pace, uint64_t cpu_ns) {
    pace->credit_ns -= (int64_t)min_u64(cpu_ns, (uint64_t)INT64_MAX / 4);
}

uint64_t trix_scavenge_rest(uint64_t cycle_ns, uint64_t live, uint64_t longest) {
    if (live < REST_LEAST_BYTES) return longest;
    uint64_t rest = max_u64(min_u64(cycle_ns, UINT64_MAX / REST_SHARE) * REST_SHARE, REST_LEAST_NS);
    return min_u64(rest, longest);
}
