#!/usr/bin/env python3
"""Deferred calls, panics, recoveries and goexits do what they do in Go: random programs, run by PROGRAM and by a Go program that
makes the same ones, say the same.

   panics.py PROGRAM FOLDER [SEED] [COUNT]
"""
import os, re, shutil, subprocess, sys

program, work = map(os.path.abspath, sys.argv[1:3])
seed, count = (sys.argv[3:] + ["1", "2000"][len(sys.argv) - 3:])[:2]
go = shutil.which("go")
if not go:
    print("skipped: needs go (apt-get install golang-go)")
    sys.exit(77)
env = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local", GOFLAGS="")
version = subprocess.run([go, "env", "GOVERSION"], env=env, capture_output=True, text=True).stdout
minor = re.match(r"go1\.(\d+)", version)
if not minor or int(minor[1]) < 27:
    print(f"skipped: needs Go 1.27, this is {version.strip()}: in older ones (1.19 say) a recovery can end a Goexit")
    sys.exit(77)
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
with open(f"{work}/main.go", "w") as f:
    f.write('''package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

const (
	functions = 18
	steps     = 6
	budget    = 300
)
const (
	DEFER = iota
	CALL
	PANIC
	RECOVER
	GOEXIT
	NOTE
)

type function struct {
	n        int
	step, of [steps]int
}

var table [functions]function
var state uint64
var calls int
var group sync.WaitGroup
var out = bufio.NewWriter(os.Stdout)

func below(n int) int {
	state += 0x9e3779b97f4a7c15
	x := state
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % uint64(n))
}

func oneBehind(i, odd int) int {
	first := i/2 + 1
	return 2*(first+below(functions/2-first)) + odd
}

func build() {
	for i := range table {
		f := &table[i]
		last := i/2+1 == functions/2
		f.n = 1 + below(steps)
		for k := 0; k < f.n; k++ {
			chance := below(100)
			f.of[k] = below(100)
			f.step[k] = NOTE
			switch {
			case chance < 40 && !last:
				f.step[k], f.of[k] = DEFER, oneBehind(i, 1)
			case chance < 55 && !last:
				f.step[k], f.of[k] = CALL, oneBehind(i, 0)
			case chance < 66:
				f.step[k] = PANIC
			case chance < 88 && i%2 == 1:
				f.step[k] = RECOVER
			case chance < 90:
				f.step[k] = GOEXIT
			}
		}
	}
}

func sayRecovered(who string, what any) {
	if what == nil {
		what = "nothing"
	}
	fmt.Fprintln(out, who, what)
}

func run(i int) {
	f := &table[i]
	if calls++; calls > budget {
		return
	}
	fmt.Fprintln(out, "enter", i)
	for k := 0; k < f.n; k++ {
		of := f.of[k]
		switch f.step[k] {
		case DEFER:
			defer run(of)
		case CALL:
			run(of)
		case PANIC:
			panic(fmt.Sprintf("%d.%d", i, of))
		case RECOVER:
			sayRecovered("recovered", recover())
		case GOEXIT:
			runtime.Goexit()
		default:
			fmt.Fprintln(out, "note", of)
		}
	}
	fmt.Fprintln(out, "leave", i)
}

func first() {
	defer func() {
		sayRecovered("left", recover())
		group.Done()
	}()
	run(0)
	fmt.Fprintln(out, "over")
}

func main() {
	state, _ = strconv.ParseUint(os.Args[1], 10, 64)
	count, _ := strconv.Atoi(os.Args[2])
	for i := 0; i < count; i++ {
		fmt.Fprintln(out, "program", i)
		build()
		calls = 0
		group.Add(1)
		go first()
		group.Wait()
	}
	out.Flush()
}
''')
if "HOME" not in env:
    env["GOCACHE"] = f"{work}/cache"
theirs = subprocess.run([go, "run", "main.go", seed, count], cwd=work, env=env, capture_output=True, text=True, timeout=500)
assert theirs.returncode == 0, theirs.stderr
ours = subprocess.run([program, seed, count], capture_output=True, text=True, timeout=100)
assert ours.returncode == 0, ours.stderr

a, b = theirs.stdout.split("program "), ours.stdout.split("program ")
assert len(a) == len(b) == int(count) + 1, (len(a), len(b))
for x, y in zip(a, b):
    assert x == y, f"with the seed {seed}, Go says\nprogram {x}\nand this\nprogram {y}"
recovered = sum(line.startswith("recovered") and not line.endswith("nothing") for line in ours.stdout.splitlines())
assert recovered > int(count) // 10, f"{recovered} recoveries say little"
print(f"{count} programs, {recovered} recoveries")
