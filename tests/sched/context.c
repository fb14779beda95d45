/* context - contexts, rule by rule. */
#include "test.h"

static const char canceled[] = "context canceled", too_late[] = "context deadline exceeded";

static bool is_closed(tri_chan *c) {
    tri_case k[] = {TRI_RECV(c, NULL)};
    return tri_select(k, 1, true) == 0;
}

static bool is_done(tri_context *c, const char *why) {
    const char *err = tri_context_err(c);
    return err && strcmp(err, why) == 0 && is_closed(tri_context_done(c));
}

/* ---- the tree ---- */

static void tree(void) {
    tri_context *background = tri_context_background();
    EXPECT(!tri_context_done(background) && !tri_context_err(background));
    int key, value;
    tri_context *above = tri_context_with_cancel(background), *between = tri_context_with_value(above, &key, &value);
    tri_context *below = tri_context_with_cancel(between), *beside = tri_context_with_cancel(between);
    EXPECT(tri_context_value(below, &key) == &value && !tri_context_value(above, &key));
    tri_context_cancel(beside);
    EXPECT(is_done(beside, canceled) && !tri_context_err(below) && !is_closed(tri_context_done(above)));
    tri_context_cancel(above);
    EXPECT(is_done(above, canceled) && is_done(between, canceled) && is_done(below, canceled));
    EXPECT(is_done(tri_context_with_cancel(between), canceled)); /* stillborn */
}

/* ---- deadlines ---- */

static int64_t deadline(tri_context *c) {
    int64_t ns = 12345;
    EXPECT(tri_context_deadline(c, &ns));
    return ns;
}

static void deadlines(void) {
    tri_context *background = tri_context_background();
    int64_t ns = 12345;
    EXPECT(!tri_context_deadline(background, &ns) && !tri_context_deadline(tri_context_with_cancel(background), &ns));
    EXPECT_EQ(ns, 12345);

    tri_context *c = tri_context_with_timeout(background, 1000000);
    tri_recv(tri_context_done(c), NULL);
    EXPECT(is_done(c, too_late));

    /* The earlier one counts, its own or its parent's. */
    tri_context *day = tri_context_with_timeout(background, 86400ll * 1000000000);
    EXPECT_EQ(deadline(tri_context_with_timeout(day, 2 * 86400ll * 1000000000)), deadline(day));
    EXPECT_EQ(deadline(tri_context_with_deadline(day, deadline(day) - 1)), deadline(day) - 1);
    tri_context_cancel(day);
    EXPECT(is_done(day, canceled));
}

/* Durations and times that no clock will reach, or has long passed. */
static void extremes(void) {
    tri_context *background = tri_context_background();
    tri_context *ages = tri_context_with_timeout(background, INT64_MAX);
    EXPECT_EQ(deadline(ages), INT64_MAX);
    tri_context *soon = tri_context_with_timeout(ages, 1000000);
    EXPECT(deadline(soon) < INT64_MAX);
    tri_recv(tri_context_done(soon), NULL);
    EXPECT(is_done(soon, too_late) && !tri_context_err(ages));
    tri_context_cancel(ages);

    EXPECT(is_done(tri_context_with_timeout(background, INT64_MIN), too_late));
    EXPECT(is_done(tri_context_with_deadline(background, INT64_MIN), too_late));
    tri_context *epoch = tri_context_with_deadline(background, 0);
    EXPECT(is_done(epoch, too_late));
    EXPECT_EQ(deadline(epoch), 0);
}

/* ---- err and done ---- */

static tri_context *volatile current;
static volatile bool enough;

static void cancels(void *arg) {
    while (!enough) {
        tri_context *c = current;
        if (c) tri_context_cancel(c);
        tri_yield();
    }
    tri_waitgroup_done(arg);
}

/* Whoever sees the error sees the channel closed. */
static void closed_first(void) {
    static tri_waitgroup group;
    tri_waitgroup_add(&group, 1);
    tri_go(cancels, &group);
    for (int i = 0; i < 5000; i++) {
        tri_context *c = tri_context_with_cancel(tri_context_background());
        current = c;
        for (int spins = 1; !tri_context_err(c); spins++)
            if (spins % 100 == 0) tri_yield();
        EXPECT(is_closed(tri_context_done(c)));
    }
    enough = true;
    tri_waitgroup_wait(&group);
    current = NULL;
}

static void run(void *arg) {
    (void)arg;
    tree();
    deadlines();
    extremes();
    closed_first();
}

int main(void) {
    tri_run(run, NULL);
    puts("ok");
}
