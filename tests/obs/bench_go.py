#!/usr/bin/env python3
"""The lines of benchmarks, read by others: the Go project's own parser of them (golang.org/x/tools/benchmark/parse, what benchcmp
reads with), and benchstat, where that is at hand.

   bench_go.py PROGRAM FOLDER
"""
import os, re, shutil, subprocess, sys
from served import skip

program, work = map(os.path.abspath, sys.argv[1:3])
go, benchstat, parser = shutil.which("go"), shutil.which("benchstat"), "/usr/share/gocode/src/golang.org/x/tools/benchmark/parse"
if not benchstat and not (go and os.path.isdir(parser)):
    skip("needs go and its parser (apt-get install golang-go golang-golang-x-tools-dev), or benchstat")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)

def lines(name, *args):
    with open(f"{work}/{name}", "w") as f:
        subprocess.run([program, *args], check=True, stdout=f, timeout=100)
    with open(f"{work}/{name}") as f:
        return [l.split() for l in f if l.startswith("Benchmark")]

ours = lines("old", "-bench=Alloc|Nothing|Bytes|Outer", "-benchtime=20x", "-count=6")
lines("new", "-bench=Alloc|Nothing|Bytes|Outer", "-benchtime=20x", "-count=6")

def by_parser():
    with open(f"{work}/main.go", "w") as f:
        f.write('''package main

import (
	"fmt"
	"os"

	"golang.org/x/tools/benchmark/parse"
)

func main() {
	set, err := parse.ParseSet(os.Stdin)
	if err != nil {
		panic(err)
	}
	for _, all := range set {
		for _, b := range all {
			fmt.Println(b.Ord, b.Name, b.N, b.NsPerOp, b.AllocedBytesPerOp, b.AllocsPerOp, b.MBPerS, b.Measured)
		}
	}
}
''')
    env = dict(os.environ, GO111MODULE="off", GOPATH=f"{work}:/usr/share/gocode", GOFLAGS="", GOTOOLCHAIN="local")
    if "HOME" not in env:
        env["GOCACHE"] = f"{work}/cache"
    with open(f"{work}/old") as f:
        p = subprocess.run([go, "run", "main.go"], cwd=work, env=env, stdin=f, capture_output=True, text=True, timeout=500)
    assert p.returncode == 0, p.stderr
    read = sorted((l.split() for l in p.stdout.splitlines()), key=lambda w: int(w[0]))
    assert len(read) == len(ours) == 5 * 6, p.stdout
    for line, (_, name, n, ns, bytes_, allocs, rate, measured) in zip(ours, read):
        values = dict(zip(line[3::2], map(float, line[2::2])))
        assert (name, n) == (line[0], line[1]) and float(ns) == values["ns/op"], (line, name)
        assert float(bytes_) == values["B/op"] and float(allocs) == values["allocs/op"], (line, name)
        assert float(rate) == values.get("MB/s", 0), (line, name)
        assert int(measured) == (15 if "MB/s" in values else 13), (line, measured) # NsPerOp 1, MBPerS 2, AllocedBytesPerOp 4, AllocsPerOp 8
    print(len(read), "lines read by Go's parser")

def by_benchstat():
    p = subprocess.run([benchstat, f"{work}/old", f"{work}/new"], capture_output=True, text=True, timeout=100)
    assert p.returncode == 0, p.stderr
    for name in "Alloc", "Nothing", "Bytes", "Outer/one_inside", "Outer/two":
        assert re.search(rf"^{name}(-\d+)?\s", p.stdout, re.M), p.stdout
    for unit in "sec/op", "B/op", "allocs/op", "B/s", "widgets/op":
        assert unit in p.stdout, p.stdout
    print("read by benchstat")

if go and os.path.isdir(parser):
    by_parser()
if benchstat:
    by_benchstat()
