#!/usr/bin/env python3
"""Linux perf goes through the stacks of goroutines, by frame pointers and by unwind tables: every sample of a function leads out
to where its goroutine began, and no further.

   perf.py PROGRAM FOLDER PROGRAM-WITH-FRAME-POINTERS
"""
import os, re, shutil, subprocess, sys
from served import skip

program, work, with_frames = map(os.path.abspath, sys.argv[1:4])
perf = shutil.which("perf")
if not perf:
    skip("needs perf (apt-get install linux-perf)")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)

def run(*args):
    return subprocess.run([perf, *args], cwd=work, capture_output=True, text=True, timeout=200, env=dict(os.environ, GOMAXPROCS="2"))

# Virtual machines have no counters, containers often no right to them: the clock is a software event.
trial = run("record", "-e", "cpu-clock:u", "-g", "-o", "trial", "true")
if trial.returncode != 0:
    skip("perf may not record here: " + trial.stderr.strip().splitlines()[-1])

def chains(how, binary):
    """The function names of each sample, innermost first."""
    record = run("record", "-e", "cpu-clock:u", "-F", "250", "--call-graph", how, "-o", "data", binary)
    assert record.returncode == 0, record.stderr
    script = run("script", "-i", "data", "--no-inline", "-F", "ip,sym")
    assert script.returncode == 0, script.stderr
    return [re.findall(r"^\s*[0-9a-f]+ (\S+)", block, re.M) for block in script.stdout.split("\n\n") if block.strip()]

for how, binary in ("fp", with_frames), ("dwarf,4096", program):
    found = [c for c in chains(how, binary) if c and c[0] == "innermost"]
    whole = [c for c in found if c[:4] == ["innermost", "middle", "outermost", "computes"]]
    # A tick on a function's first instruction finds no frame of it yet: frame pointers miss the caller then.
    assert len(found) > 50 and len(whole) > 0.95 * len(found), (how, len(found), len(whole), next(c for c in found if c not in whole))
    # Behind that there are at most the few frames that begin a goroutine: no walk into the stack of another one, or of a thread.
    assert all(len(c) < 10 and "main" not in c for c in whole), (how, max(whole, key=len))
    print(how, len(found), "samples,", len(whole), "whole, such as", whole[0])
