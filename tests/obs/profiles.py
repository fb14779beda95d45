#!/usr/bin/env python3
"""Runs profiles.c, and reads what it has written: with our own reader of profile.proto, and with the real `go tool pprof` if
there is one."""
import gzip, os, re, shutil, subprocess, sys

program, work = sys.argv[1:3]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
env = dict(os.environ, GOMAXPROCS="2", GOGC="100")
subprocess.run([program, work], check=True, timeout=100, env=env)

# ---- profile.proto by hand: field numbers are the format's ----

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at

def fields(data):
    at, out = 0, []
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2, tag
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        out.append((tag >> 3, value))
    return out

def packed(data):
    at, out = 0, []
    while at < len(data):
        value, at = varint(data, at)
        out.append(value - (1 << 64) if value >> 63 else value)
    return out

class Profile:
    def __init__(self, name):
        f = fields(gzip.open(f"{work}/{name}").read())
        self.text = [v.decode() for n, v in f if n == 6]
        assert self.text[0] == ""
        kinds = [dict(fields(v)) for n, v in f if n == 1]
        self.types = [(self.text[k[1]], self.text[k[2]]) for k in kinds]
        period = dict(fields(next(v for n, v in f if n == 11)))
        self.period_type = (self.text[period[1]], self.text[period[2]])
        self.period = next((v for n, v in f if n == 12), 0)
        self.default = self.text[next((v for n, v in f if n == 14), 0)]
        self.mappings = [dict(fields(v)) for n, v in f if n == 3]
        self.samples = []
        locations = {dict(fields(v))[1]: dict(fields(v)) for n, v in f if n == 4}
        for n, v in f:
            if n != 2:
                continue
            s = fields(v)
            where = packed(next((x for k, x in s if k == 1), b""))
            assert all(w in locations for w in where)
            self.samples.append((where, packed(next(x for k, x in s if k == 2)), [dict(fields(x)) for k, x in s if k == 3]))
    def total(self, i):
        return sum(s[1][i] for s in self.samples)

heap = Profile("heap")
assert heap.types == [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]
assert heap.period_type == ("space", "bytes") and heap.period == 524288 and heap.default == "", heap.period
assert Profile("allocs").default == "alloc_space"
assert any(heap.text[m[5]].endswith("obs_profiles") and re.fullmatch("[0-9a-f]{40}", heap.text[m[6]]) for m in heap.mappings)
for where, values, labels in heap.samples:
    assert len(labels) == 1 and heap.text[labels[0][1]] == "bytes"
# Live: 24 and 30 MB, known by some 46 and 57 samples: within 6 standard deviations of the sum.
assert abs(heap.total(3) - 54e6) < 6 * (24e6 * 524288 + 30e6 * 524288) ** 0.5, heap.total(3)
assert abs(heap.total(1) - heap.total(3) - 20000 * 3072) < 6 * (62e6 * 524288) ** 0.5, heap.total(1)
for name in "goroutine", "threadcreate":
    p = Profile(name)
    assert p.types == [(name, "count")] and p.period_type == (name, "count") and p.period == 1, p.types
assert Profile("goroutine").total(0) == 31, Profile("goroutine").total(0)
for name in "mutex", "block":
    p = Profile(name)
    assert p.types == [("contentions", "count"), ("delay", "nanoseconds")] and p.period_type == ("contentions", "count")
    assert p.total(0) > 20 and p.total(1) > 1e6, (name, p.total(0), p.total(1))
cpu = Profile("cpu")
assert cpu.types == [("samples", "count"), ("cpu", "nanoseconds")] and cpu.period == 10000000
assert 75 < cpu.total(0) < 400, cpu.total(0) # of 150, or some more

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
assert re.match(r"threadcreate profile: total \d+\n", text("threadcreate.txt"))
assert text("mutex.txt").startswith("--- mutex:\ncycles/second=1000000000\nsampling period="), text("mutex.txt")[:100]
assert text("block.txt").startswith("--- contention:\ncycles/second=1000000000\n")
assert "\tholds_the_mutex+0x" in text("mutex.txt") and "\tholds_the_mutex+0x" in text("block.txt")
stacks = text("goroutine.stacks")
assert len(re.findall(r"^goroutine \d+ \[chan receive\]:$", stacks, re.M)) == 30, stacks[:1000]
assert re.search(r"^waits_for_ever\(\.\.\.\)\n\t\S*profiles.c:\d+ \+0x[0-9a-f]+\ncreated by in_goroutines in goroutine 1\n\t", stacks, re.M), stacks[:1000]

# ---- the real one ----

go = shutil.which("go")
if not go or not shutil.which("addr2line"):
    print("no go tool pprof, or no addr2line for it: only our own reader was used")
    sys.exit(0)

def pprof(*args):
    p = subprocess.run([go, "tool", "pprof", *args], capture_output=True, text=True, timeout=500, # the first call may have to compile it
                       env=dict(env, XDG_CONFIG_HOME=work, PPROF_TMPDIR=work))
    assert p.returncode == 0, (args, p.stderr)
    return p.stdout

def top(*args):
    """function -> flat bytes, from -top's table"""
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "ms": 1e-3, "s": 1, "": 1}
    out = {}
    for line in pprof("-top", "-nodecount=50", *args).splitlines():
        m = re.match(r"\s*(-?[\d.]+)([a-zA-Z]*)\s+-?[\d.]+%\s+[\d.]+%\s+(-?[\d.]+)([a-zA-Z]*)\s+-?[\d.]+%\s+(\S+)", line)
        if m:
            out[m[5]] = float(m[1]) * units[m[2]]
    return out

exe = program
def path(name):
    return f"{work}/{name}"
t = top("-unit=b", exe, path("heap"))
assert abs(t["small_objects"] - 24e6) < 6 * (24e6 * 524288) ** 0.5, t
assert abs(t["large_blocks"] - 30e6) < 6 * (30e6 * 524288) ** 0.5, t
assert t.get("dropped_blocks", 0) == 0, t
t = top("-unit=b", "-sample_index=alloc_space", exe, path("heap"))
assert abs(t["dropped_blocks"] - 61e6) < 6 * (61e6 * 524288) ** 0.5, t
t = top("-unit=b", "-sample_index=alloc_space", f"-base={path('before')}", exe, path("heap"))
assert t["dropped_blocks"] > 20e6 and abs(t.get("small_objects", 0)) < 1, t
listing = pprof("-list=large_blocks", f"-source_path={os.path.dirname(os.path.abspath(__file__))}", exe, path("heap"))
assert re.search(r"MB.*tri_alloc_leaf\(100000\)", listing), listing
t = top(exe, path("goroutine"))
assert sum(t.values()) == 31, t
t = top("-unit=s", exe, path("cpu"))
assert t["spins"] > 0.5 * sum(t.values()), t
assert "spins_outside" in pprof("-traces", exe, path("cpu"))
print("read by go tool pprof")
