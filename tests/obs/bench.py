#!/usr/bin/env python3
"""Runs the benchmarks of bench.c and reads their lines as benchstat does: golang.org/design/14313-benchmark-format."""
import re, subprocess, sys

program = sys.argv[1]

def run(*args, status=0):
    p = subprocess.run([program, *args], capture_output=True, text=True, timeout=100)
    assert p.returncode == status, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout, p.stderr

def lines(text):
    """name -> list of (iterations, {unit: value}); every other line must be a configuration line."""
    out = {}
    for line in text.splitlines():
        if not line.startswith("Benchmark"):
            assert re.fullmatch(r"[a-z]+:.*", line), line
            continue
        words = line.split()
        assert re.fullmatch(r"Benchmark[A-Z]\S*", words[0]), line
        assert len(words) % 2 == 0, line
        values = {unit: float(value) for value, unit in zip(words[2::2], words[3::2])}
        out.setdefault(words[0], []).append((int(words[1]), values))
    return out

def one(results, name):
    found = [v for k, v in results.items() if re.fullmatch(rf"Benchmark{name}(-\d+)?", k)]
    assert len(found) == 1, (name, results)
    return found[0]

text, _ = run("-benchtime=100x")
r = lines(text)
assert text.startswith("goos: linux\ngoarch: "), text
n, v = one(r, "Alloc")[0]
assert n == 100 and v["B/op"] == 112 + 1024 and v["allocs/op"] == 2, v
n, v = one(r, "Nothing")[0]
assert v["B/op"] == 0 and v["allocs/op"] == 0, v
n, v = one(r, "Unseen")[0]
assert v["B/op"] == 0 and v["allocs/op"] == 0, v
n, v = one(r, "Bytes")[0]
assert v["widgets/op"] == 2.5 and v["MB/s"] > 0, v
n, v = one(r, "Looped")[0]
assert n == 100 and v["B/op"] == 112 and v["allocs/op"] == 1 and v["calls"] == 1, v
n, v = one(lines(run("-bench=Looped", "-benchtime=50ms")[0]), "Looped")[0]
assert n > 1000 and n * v["ns/op"] >= 0.049e9 and v["B/op"] == 112, (n, v)
n, v = one(r, "Reports")[0]
assert v == {"MB/s": 12.5, "apes": 0.000001, "zebras": 0.05, "B/op": 8, "allocs/op": 7}, v
assert "12.50 MB/s\t         0.0000010 apes\t         0.05000 zebras\t       8 B/op\t       7 allocs/op\n" in text, text
assert one(r, "Outer/one_inside") and one(r, "Outer/two")

r = lines(run("-test.benchtime", "20ms", "-count=3", "-run", "XXX", "-bench=Alloc|Nothing", "-benchmem")[0])
assert len(r) == 2 and len(one(r, "Alloc")) == 3, r
assert all(n > 100 for n, _ in one(r, "Nothing")), r
assert all(n * v["ns/op"] >= 0.019e9 for n, v in one(r, "Alloc")), r

# one that runs others is run once, and they three times each
r = lines(run("-benchtime=5x", "-count=3", "-bench=Outer")[0])
assert len(one(r, "Outer/one_inside")) == 3 and len(one(r, "Outer/two")) == 3 and len(r) == 2, r

r = lines(run("-benchtime=5x", "-bench=^Out/tw[o/]")[0])
assert one(r, "Outer/two") and len(r) == 1, r

text, _ = run("fail", "-bench", "^Fails$", "-benchtime=1x")
assert text == "--- FAIL: BenchmarkFails\n    it must\n", text
text, _ = run("fail", "-bench", "^Leaves$", "-benchtime=3x", status=1)
assert "--- FAIL: BenchmarkLeaves\n" in text and "break or return in loop" in text, text
_, err = run("-benchtime=soon", status=2)
assert "benchtime" in err and "100x" in err, err
run("-count=0", status=2)
run("-bench=(", status=2)
run("-bench", status=2)
print("lines read")
