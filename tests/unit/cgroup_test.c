/* cgroup_test.c - the container's memory limit, read from trees of files made here as the kernel shows them: version 2 with
 * groups in groups, in containers, version 1, both at once, and files that make no sense. */
#include "unit.h"

#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];

static void put(const char *path, const char *text) {
    char full[4096];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(full, 0700);
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static uint64_t limit(void) {
    errno = 5;
    uint64_t bytes = trix_os_cgroup_limit(root);
    assert_int_equal(errno, 5);
    return bytes;
}

static int fresh(void **state) {
    (void)state;
    strcpy(root, "/tmp/tricolor-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int gone(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) != 0;
}

#define V2_MOUNT "22 1 0:5 / /proc rw - proc proc rw\n30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static void test_nothing(void **state) {
    (void)state;
    assert_int_equal(limit(), UINT64_MAX);
    put("/proc/self/cgroup", "0::/app\n");
    assert_int_equal(limit(), UINT64_MAX);
    put("/proc/self/mountinfo", "22 1 0:5 / /proc rw - proc proc rw\n");
    assert_int_equal(limit(), UINT64_MAX);
}

static void test_v2(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/user.slice/app/worker\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/user.slice/app/worker/memory.max", "max\n");
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/user.slice/app/worker/memory.max", "536870912\n");
    assert_int_equal(limit(), 536870912);
    put("/sys/fs/cgroup/user.slice/memory.max", "268435456\n"); /* an outer one is lower */
    assert_int_equal(limit(), 268435456);
    put("/sys/fs/cgroup/user.slice/app/memory.max", "1073741824\n");
    assert_int_equal(limit(), 268435456);
    put("/sys/fs/cgroup/memory.max", "1000\n"); /* in a container the mount point is its own group */
    assert_int_equal(limit(), 1000);
    put("/sys/memory.max", "1\n"); /* beyond the mount point is nothing */
    assert_int_equal(limit(), 1000);
}

static void test_v2_namespaces(void **state) {
    (void)state;
    put("/proc/self/mountinfo", V2_MOUNT);
    put("/sys/fs/cgroup/memory.max", "4096000\n");
    put("/proc/self/cgroup", "0::/\n");
    assert_int_equal(limit(), 4096000);
    put("/proc/self/cgroup", "0::/../other\n"); /* outside of what this namespace can see */
    assert_int_equal(limit(), 4096000);
    put("/proc/self/mountinfo", "30 22 0:26 /docker/2f1a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/part/memory.max", "2048000\n");
    put("/proc/self/cgroup", "0::/docker/2f1a/part\n");
    assert_int_equal(limit(), 2048000);
    put("/proc/self/cgroup", "0::/docker/2f1abc/part\n"); /* another one whose name begins so */
    assert_int_equal(limit(), 4096000);
}

static void test_v1(void **state) {
    (void)state;
    put("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/2f1a\n0::/\n");
    put("/proc/self/mountinfo", "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
                                "35 31 0:32 /docker/2f1a /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpu,memory\n");
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n");
    assert_int_equal(limit(), 134217728);
    put("/sys/fs/cgroup/memory/memory.stat", "cache 0\nrss 1\nhierarchical_memory_limit 67108864\ntotal_rss 1\n");
    assert_int_equal(limit(), 67108864);
}

static void test_both(void **state) {
    (void)state;
    put("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
    put("/proc/self/mountinfo", "35 31 0:32 / /v1 rw - cgroup cgroup rw,memory\n36 31 0:33 / /v2 rw - cgroup2 cgroup2 rw\n");
    put("/v1/a/memory.limit_in_bytes", "3000\n");
    assert_int_equal(limit(), 3000);
    put("/v2/b/memory.max", "2000\n");
    assert_int_equal(limit(), 2000);
}

static void test_nonsense(void **state) {
    (void)state;
    put("/proc/self/mountinfo", "\n-\n - \nx - cgroup2\n30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2\n" V2_MOUNT);
    put("/proc/self/cgroup", "\n:\n::\n0::\n");
    put("/sys/fs/cgroup/memory.max", "99999999999999999999999999\n");
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/memory.max", "");
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/memory.max", "-5\n");
    assert_int_equal(limit(), UINT64_MAX);
    put("/sys/fs/cgroup/memory.max", "77");
    assert_int_equal(limit(), 77);
}

int main(void) {
    trix_os_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, fresh, gone),
        cmocka_unit_test_setup_teardown(test_v2, fresh, gone),
        cmocka_unit_test_setup_teardown(test_v2_namespaces, fresh, gone),
        cmocka_unit_test_setup_teardown(test_v1, fresh, gone),
        cmocka_unit_test_setup_teardown(test_both, fresh, gone),
        cmocka_unit_test_setup_teardown(test_nonsense, fresh, gone),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
