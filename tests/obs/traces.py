#!/usr/bin/env python3
"""GODEBUG=allocfreetrace=1: a line for each object that the heap profile sees being made, with its stack, and for its end.

   traces.py PROGRAM FOLDER
"""
import os, re, shutil, subprocess, sys

program, work = sys.argv[1:3]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)

def run(debug):
    p = subprocess.run([program, work], capture_output=True, text=True, timeout=100, env=dict(os.environ, GODEBUG=debug, GOGC="100"))
    assert p.returncode == 0, p.stderr[-1000:]
    return p.stderr.splitlines()

ALLOC = re.compile(r"tracealloc\((0x[0-9a-f]+), (0x[0-9a-f]+)\) @((?: 0x[0-9a-f]+)+)")
FREE = re.compile(r"tracefree\((0x[0-9a-f]+), (0x[0-9a-f]+)\)")

alive, made, freed, stacks = {}, 0, 0, {}
for line in run("allocfreetrace=1"):
    alloc, free = ALLOC.fullmatch(line), FREE.fullmatch(line)
    if alloc:
        assert alloc[1] not in alive, ("made where another lives", line)
        alive[alloc[1]] = alloc[2]
        stacks.setdefault(int(alloc[2], 16), set()).add(alloc[3])
        made += 1
    else:
        assert free and alive.pop(free[1]) == free[2], line
        freed += 1
# profiles.c makes 24 MB in objects of 48 bytes, 30 MB in blocks of 106,496, and drops 61 MB of 3,072: one sample in 512 KiB.
assert made > 100 and 50 < freed < made, (made, freed)
assert {48, 3072, 106496} <= set(stacks) and all(len(stacks[size]) == 1 for size in (48, 106496)), stacks
# The text of the profile counts the same samples.
heap = open(f"{work}/heap.txt").read()
for size in 48, 106496:
    stack = next(iter(stacks[size]))
    live = re.search(rf"^(\d+): \d+ \[\d+: \d+\] @{stack}$", heap, re.M)
    assert int(live[1]) == list(alive.values()).count(hex(size)), (size, live[0])
assert run("allocfreetrace=1,memprofilerate=0") == []
print(made, "made,", freed, "freed")
