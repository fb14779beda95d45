#!/usr/bin/env python3
"""The static probes (USDT) as Linux perf sees them: each is known by name, and one fires when it should, with its arguments.

   probes.py PROGRAM LIBRARY FOLDER    the program runs cycles, and prints gctrace lines
"""
import os, re, shutil, subprocess, sys
from served import skip

program, library, work = map(os.path.abspath, sys.argv[1:4])
library = os.path.realpath(library)
perf = shutil.which("perf")
if not perf:
    skip("needs perf (apt-get install linux-perf)")
if os.geteuid() != 0:
    skip("only root may set probes")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
env = dict(os.environ, HOME=work) # perf's cache of files goes there

def run(*args):
    return subprocess.run([perf, *args], cwd=work, capture_output=True, text=True, timeout=200, env=env)

if "tricolor" not in subprocess.run(["readelf", "-n", library], capture_output=True, text=True).stdout:
    skip("the library was built without <sys/sdt.h>")
run("buildid-cache", "--add", library)
listed = run("list", "sdt").stdout
names = ["gc__start", "gc__mark__end", "gc__sweep__end", "heap__sample", "heap__sample__free"]
if "sdt_" not in listed:
    skip("this perf knows no static probes")
assert all(f"sdt_tricolor:{name} " in listed for name in names), listed

added = run("probe", "-f", "-x", library, "sdt_tricolor:gc__mark__end")
events = re.findall(r"^\s+(sdt_tricolor:gc__mark__end\w*)\s+\(on ", added.stdout + added.stderr, re.M) # others may have set some too
if added.returncode != 0 or not events:
    skip("perf may not set probes here: " + (added.stderr.strip().splitlines() or ["?"])[-1])
try:
    record = subprocess.run([perf, "record", "-q", "-e", ",".join(events), "-o", f"{work}/data", program, "ok"], cwd=work, capture_output=True,
                            text=True, timeout=200, env=dict(env, GODEBUG="gctrace=1"))
    if record.returncode != 0:
        skip("perf may not record probes here: " + record.stderr[-200:])
    cycles = re.findall(r"^gc (\d+) @.*?: \S+ ms clock, \S+ ms cpu, \d+->\d+->(\d+) MB", record.stderr, re.M)
    script = run("script", "-i", f"{work}/data").stdout
    fired = re.findall(r":gc__mark__end\w*: .*?arg1=(\d+) arg2=(\d+)", script)
    assert len(cycles) >= 3 and [number for number, _ in fired] == [number for number, _ in cycles], (cycles, script)
    # the second argument is what was found alive, in bytes
    assert all(int(alive) >> 20 == int(megabytes) for (_, alive), (_, megabytes) in zip(fired, cycles)), (cycles, fired)
finally:
    for event in events:
        run("probe", "-d", event)
print(len(fired), "cycles seen by a probe")
