#!/usr/bin/env python3
"""Decisions of escape analysis: compares what `tricc -m` says about a file with what its comments want, then runs it.

    check.py TRICC FILE.c             checks
    check.py TRICC FILE.c --update    writes what is said now into the comments, for a reader to judge

A line's comment `// WANT "a" "b"` lists all that is said about it, from left to right; a line without one wants nothing. `// FLAGS -x`
at the top adds options, `// WITH other.c` compiles another file of its folder with it. `// WHY "a"` wants a line of explanation under -m -m. Every level of optimisation must decide the same, with
-l, as nothing is inlined at -O0; `// LEVELS -O1 -O2` instead are tried without. The program must then end with status 0 under
collections as often as possible, with freed memory overwritten, marks checked.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

STRESS = {"GOGC": "1", "GODEBUG": "gccheckmark=1,clobberfree=1"}
LEVELS = ["-O0", "-O1", "-O2", "-O3"]


def said(text, name):
    """line -> messages about the file, in order"""
    lines = {}
    for message in text.splitlines():
        m = re.match(r"(.*?):(\d+):(\d+): (.*)", message)
        if m and os.path.basename(m[1]) == name and not m[4].startswith("  "):
            lines.setdefault(int(m[2]), []).append(m[4])
    return lines


def wanted(source):
    return {i: re.findall(r'"([^"]*)"', m[1]) for i, l in enumerate(source, 1) if (m := re.search(r"// WANT (.*)", l))}


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **more)


def update(path, source, lines):
    for i, line in enumerate(source, 1):
        line = re.sub(r"\s*// WANT .*", "", line.rstrip("\n"))
        if i in lines:
            line += " // WANT " + " ".join(f'"{t}"' for t in lines[i])
        source[i - 1] = line + "\n"
    with open(path, "w") as f:
        f.writelines(source)


def main():
    os.environ["TRICC_VERIFY"] = "1"  # tricc looks whether what it makes is sound LLVM
    tricc, path = sys.argv[1:3]
    with open(path) as f:
        source = f.readlines()
    name = os.path.basename(path)
    flags = [w for l in source if (m := re.match(r"// FLAGS (.*)", l)) for w in shlex.split(m[1])]
    levels = [w for l in source if (m := re.match(r"// LEVELS (.*)", l)) for w in shlex.split(m[1])]
    if not levels:
        levels = LEVELS
        flags.append("-l")
    others = [os.path.join(os.path.dirname(path), m[1]) for l in source if (m := re.match(r"// WITH (.*)", l))]
    whys = [m[1] for l in source if (m := re.search(r'// WHY "(.*)"', l))]
    want = wanted(source)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program")
        for level in levels:
            r = run([tricc, level, "-w", "-m", *flags, "-o", program, path, *others, "-lm", "-pthread"])
            if r.returncode:
                sys.exit(f"{name} {level}: tricc ended with {r.returncode}:\n{r.stderr}")
            got = said(r.stderr, name)
            if "--update" in sys.argv:
                return update(path, source, got)
            for line in sorted(set(want) | set(got)):
                if want.get(line, []) != got.get(line, []):
                    print(f"{name}:{line}: {level}: want {want.get(line, [])}\n    said {got.get(line, [])}")
                    bad += 1
            r = run([program], env={**os.environ, **STRESS})
            if r.returncode:
                print(f"{name} {level}: ended with {r.returncode}: {r.stdout}{r.stderr}")
                bad += 1
        if whys:
            r = run([tricc, "-w", "-m", "-m", *flags, "-c", "-o", program, path])
            for why in whys:
                if why not in r.stderr:
                    print(f"{name}: -m -m does not say: {why}\n{r.stderr}")
                    bad += 1
            r = run([tricc, "-w", "-m=json", *flags, "-c", "-o", program, path])
            records = [json.loads(l) for l in r.stderr.splitlines()]
            messages = sorted((x["line"], x["message"]) for x in records if os.path.basename(x["file"]) == name)
            if messages != sorted((l, t) for l in want for t in want[l]):
                print(f"{name}: -m=json says something else: {messages}")
                bad += 1
    if not want:
        print(f"{name}: wants nothing")
        bad += 1
    print(f"{sum(map(len, want.values()))} decisions")
    sys.exit(bad != 0)


main()
