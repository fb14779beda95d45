#!/usr/bin/env python3
"""The metrics are those of Go's runtime/metrics: same names, which end in their units, same kinds, the same ones only
grow, and histograms have the same bounds. Asked of the Go toolchain at hand. What Go has besides are its counters of GODEBUG settings of its library, which do not exist here.

   go_metrics.py PROGRAM FOLDER
"""
import os, re, shutil, subprocess, sys
from served import skip

program, work = map(os.path.abspath, sys.argv[1:3])
go = shutil.which("go")
if not go:
    skip("needs go (apt-get install golang-go)")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
with open(f"{work}/main.go", "w") as f:
    f.write('''package main

import (
	"runtime/metrics"
	"strconv"
)

func main() {
	kinds := map[metrics.ValueKind]string{metrics.KindUint64: "uint64", metrics.KindFloat64: "float64", metrics.KindFloat64Histogram: "histogram"}
	for _, d := range metrics.All() {
		grows := "0"
		if d.Cumulative {
			grows = "1"
		}
		sample := []metrics.Sample{{Name: d.Name}}
		metrics.Read(sample)
		bounds := ""
		if d.Kind == metrics.KindFloat64Histogram {
			for _, b := range sample[0].Value.Float64Histogram().Buckets {
				bounds += " " + strconv.FormatFloat(b, 'g', 17, 64)
			}
		}
		println(d.Name, kinds[d.Kind], grows+bounds)
	}
}
''')
env = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local", GOFLAGS="")
if "HOME" not in env:
    env["GOCACHE"] = f"{work}/cache"
p = subprocess.run([go, "run", "main.go"], cwd=work, env=env, capture_output=True, text=True, timeout=500)
assert p.returncode == 0, p.stderr

def table(text):
    """name -> [kind, "1" if it only grows, bounds...]"""
    lines = (line.split() for line in text.splitlines() if not line.startswith("/godebug/"))
    return {words[0]: words[1:3] + [float(w) for w in words[3:]] for words in lines}

theirs = table(p.stderr)
ours = table(subprocess.run([program, "list"], check=True, capture_output=True, text=True, timeout=60).stdout)
version = tuple(map(int, re.search(r"go(\d+)\.(\d+)", subprocess.run([go, "version"], capture_output=True, text=True).stdout).groups()))

assert len(theirs) > 30, theirs
assert set(theirs) <= set(ours), f"Go has {sorted(set(theirs) - set(ours))} as well"
for name, what in theirs.items():
    assert ours[name][0] == what[0], (name, what, ours[name])
if version >= (1, 27): # of which ours are
    for name, what in theirs.items():
        assert ours[name] == what, (name, what, ours[name])
    assert len(ours) == len(theirs), set(ours) - set(theirs)
print(len(theirs), "metrics, as Go %d.%d has them" % version)
