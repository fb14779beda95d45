#!/usr/bin/env python3
"""Runs profiles.c, and reads what it has written: with our own reader of profile.proto. pprof.py has them read by the real one."""
import os, re, shutil, subprocess, sys
import proto

program, work = sys.argv[1:3]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
env = dict(os.environ, GOMAXPROCS="2", GOGC="100")
subprocess.run([program, work], check=True, timeout=100, env=env)

def Profile(name):
    return proto.load(f"{work}/{name}")

heap = Profile("heap")
assert heap.types == [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]
assert heap.period_type == ("space", "bytes") and heap.period == 524288 and heap.default == "", heap.period
assert Profile("allocs").default == "alloc_space"
assert any(heap.text[m[5]].endswith(os.path.basename(program)) and re.fullmatch("[0-9a-f]{40}", heap.text[m[6]]) for m in heap.mappings)
for where, values, labels in heap.samples:
    assert len(labels) == 1 and heap.text[labels[0][1]] == "bytes"
# Live: 24 and 30 MB, known by some 46 and 57 samples: within 6 standard deviations of the sum.
assert abs(heap.total(3) - 54e6) < 6 * (24e6 * 524288 + 30e6 * 524288) ** 0.5, heap.total(3)
assert abs(heap.total(1) - heap.total(3) - 20000 * 3072) < 6 * (62e6 * 524288) ** 0.5, heap.total(1)
for name in "goroutine", "goroutineleak", "threadcreate":
    p = Profile(name)
    assert p.types == [(name, "count")] and p.period_type == (name, "count") and p.period == 1, p.types
assert Profile("goroutine").total(0) == 31, Profile("goroutine").total(0)
assert Profile("goroutineleak").total(0) == 7, Profile("goroutineleak").total(0)
for name in "mutex", "block":
    p = Profile(name)
    assert p.types == [("contentions", "count"), ("delay", "nanoseconds")] and p.period_type == ("contentions", "count")
    assert p.total(0) > 20 and p.total(1) > 1e6, (name, p.total(0), p.total(1))
cpu = Profile("cpu")
assert cpu.types == [("samples", "count"), ("cpu", "nanoseconds")] and cpu.period == 10000000
assert 75 < cpu.total(0) < 400, cpu.total(0) # of 150, or some more
# One signal stands for all periods that have passed since the last: the sum is what was used, at any rate.
fast, used = Profile("cpu.fast"), float(open(f"{work}/cpu.fast.used").read()) * 1e9
assert fast.period == 1000000 and fast.total(1) == fast.total(0) * fast.period
assert 0.5 * used < fast.total(1) < 1.5 * used, (fast.total(1), used)

# ---- texts ----

def text(name):
    return open(f"{work}/{name}").read()

assert re.match(r"heap profile: \d+: \d+ \[\d+: \d+\] @ heap/1048576\n", text("heap.txt")), text("heap.txt")[:200]
assert "# runtime.MemStats\n# Alloc = " in text("heap.txt")
# Innermost, after the library's own: the function that allocates.
assert re.search(r"@( 0x[0-9a-f]+)+\n#\t0x[0-9a-f]+\tlarge_blocks\+0x[0-9a-f]+\t\t\S*profiles.c:\d+\n#\t0x[0-9a-f]+\tmain\+", text("heap.txt"))
assert re.search(r"#\t0x[0-9a-f]+\tsmall_objects\+", text("heap.txt"))
assert re.match(r"goroutine profile: total 31\n30 @( 0x[0-9a-f]+)+\n", text("goroutine.txt")), text("goroutine.txt")[:300]
assert "\twaits_for_ever+0x" in text("goroutine.txt")
assert re.match(r"goroutine profile: total 31\n30 @", text("goroutine.unseen"))
assert re.match(r"goroutineleak profile: total 7\n7 @( 0x[0-9a-f]+)+\n#\t0x[0-9a-f]+\tis_leaked\+", text("goroutineleak.txt")), text("goroutineleak.txt")
assert len(re.findall(r"^goroutine \d+ \[chan receive \(leaked\)\]:\n(tri_recv\(.*\n.*\n)?is_leaked\(", text("goroutineleak.stacks"), re.M)) == 7, text("goroutineleak.stacks")
assert re.match(r"threadcreate profile: total \d+\n", text("threadcreate.txt"))
assert text("mutex.txt").startswith("--- mutex:\ncycles/second=1000000000\nsampling period="), text("mutex.txt")[:100]
assert text("block.txt").startswith("--- contention:\ncycles/second=1000000000\n")
assert "\tholds_the_mutex+0x" in text("mutex.txt") and "\tholds_the_mutex+0x" in text("block.txt")
stacks = text("goroutine.stacks")
assert len(re.findall(r"^goroutine \d+ \[chan receive\]:$", stacks, re.M)) == 30, stacks[:1000]
assert re.search(r"^waits_for_ever\(\.\.\.\)\n\t\S*profiles.c:\d+ \+0x[0-9a-f]+\ncreated by in_goroutines in goroutine 1\n\t", stacks, re.M), stacks[:1000]
print("read")
