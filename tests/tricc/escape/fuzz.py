#!/usr/bin/env python3
"""Random programs (generate.py) by tricc against the same by plain clang with nothing ever freed: what they print must be the same.

    fuzz.py TRICC CLANG FIRST COUNT [LEVEL …]

Under collections as often as possible, with freed memory overwritten and marks checked. A program that differs stays, and is named.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import generate  # noqa: E402

STRESS = {"GOGC": "1", "GODEBUG": "gccheckmark=1,clobberfree=1"}


def run(command, **more):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=200, **more)
    except subprocess.TimeoutExpired as e:
        return subprocess.CompletedProcess(command, 124, "", f"takes longer than {e.timeout} s")


def one(tricc, clang, seed, levels, folder):
    source, reference, program = (os.path.join(folder, f"{name}{seed}") for name in ("p", "reference", "program"))
    source += ".c"
    with open(source, "w") as f:
        f.write(generate.Program(seed).text())
    r = run([clang, "-w", "-O1", "-fno-strict-aliasing", "-DREFERENCE", "-o", reference, source])
    if r.returncode:
        sys.exit(f"seed {seed}: {clang} ended with {r.returncode}:\n{r.stderr}")
    want = run([reference])
    if want.returncode:
        sys.exit(f"seed {seed}: the reference ended with {want.returncode}")
    for level in levels:
        made = ["-DMADE"] if seed & 2 else []
        r = run([tricc, "-w", level, *made, "-fno-strict-aliasing", "-o", program, source])
        if r.returncode:
            return f"seed {seed}: tricc {level} ended with {r.returncode}:\n{r.stderr}"
        got = run([program], env={**os.environ, **STRESS})
        if got.returncode or got.stdout != want.stdout:
            return f"seed {seed} {level}: ended with {got.returncode}, prints\n{got.stdout}{got.stderr}instead of\n{want.stdout}"
    for name in (source, reference, program):
        os.remove(name)
    return None


def main():
    os.environ["TRICC_VERIFY"] = "1"  # tricc looks whether what it makes is sound LLVM
    tricc, clang, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    levels = sys.argv[5:] or ["-O0", "-O1", "-O2", "-O3"]
    folder = tempfile.mkdtemp(prefix="escape-fuzz-")
    bad = 0
    for seed in range(first, first + count):
        complaint = one(tricc, clang, seed, levels, folder)
        if complaint:
            print(f"{complaint}\nthe program is {folder}/p{seed}.c", flush=True)
            bad += 1
    if not bad:
        os.rmdir(folder)
    print(f"{count} programs, {bad} differ")
    sys.exit(bad != 0)


main()
