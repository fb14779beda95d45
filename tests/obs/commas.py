#!/usr/bin/env python3
"""Figures have a point and no commas, whatever locale the program has set: benchmark lines, metrics, JSON.

   commas.py BENCH SERVED FOLDER
"""
import json, os, re, shutil, subprocess, sys, urllib.request

bench, served, folder = sys.argv[1:4]
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
try:
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(folder, "de_DE.utf8")], capture_output=True)
except FileNotFoundError:
    made = None
if not made or not os.path.exists(os.path.join(folder, "de_DE.utf8", "LC_NUMERIC")):
    print("no locale can be made here")
    sys.exit(77)
environment = dict(os.environ, LOCPATH=folder, LC_ALL="de_DE.utf8")
environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # setlocale does not free the parts of LOCPATH

text = subprocess.run([bench, "-benchtime=0.001s", "-bench", "Alloc|Reports"], env=environment, capture_output=True, text=True, timeout=100, check=True).stdout
assert "0.05000 zebras" in text and "12.50 MB/s" in text, text
assert re.search(r"BenchmarkAlloc.*\d ns/op", text) and "," not in text, text

with subprocess.Popen([served], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
    port = int(process.stdout.readline())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    def ask(path):
        return opener.open(f"http://127.0.0.1:{port}{path}", timeout=60).read().decode()
    for line in ask("/metrics").splitlines():
        if not line.startswith("#"):
            assert "," not in line and float(line.split()[-1]) is not None, line
    for path in "/debug/tricolor/data", "/debug/vars":
        assert len(json.loads(ask(path))) > 1
    process.stdin.close()
    assert process.wait(timeout=60) == 0
print("figures read")
