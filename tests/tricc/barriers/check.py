#!/usr/bin/env python3
"""check.py - compiles a test of barriers with tricc, holds its -fstats against the expectations in the source, and runs it
with every collection checked.

    check.py TRICC SOURCE LEVEL WORK

Options that the source needs are in a line `//options: …` of it. A function's line ends in `//=> what -fstats prints for it` (at -O1 and above, where the level does not matter), or
`//=> nothing`. The program must compile without a warning, and end well.
"""
import os
import re
import subprocess
import sys


def expectations(path):
    """name of the function: what is expected of it"""
    wanted = {}
    for line in open(path, encoding="utf-8"):
        found = re.match(r"^[a-z].*?(\w+)\(.*\{.*//=> (.*)$", line)
        if found:
            wanted[found[1]] = found[2].strip()
    return wanted


def options(path):
    """what the compiler is given more"""
    found = re.search(r"^//options: (.*)$", open(path, encoding="utf-8").read(), re.M)
    return found[1].split() if found else []


def of_barriers(counts):
    """what of a line of -fstats the pass for barriers has counted"""
    return ", ".join(c for c in counts.split(", ") if re.search("barriered|left out|shaded", c)) or "nothing"


def main():
    os.environ["TRICC_VERIFY"] = "1"  # tricc looks whether what it makes is sound LLVM
    tricc, source, level, work = sys.argv[1:]
    program = os.path.join(work, os.path.basename(source)[:-2] + level)
    command = [tricc, "-Wall", "-Wextra", "-Werror", level, "-g", "-fstats", source, "-o", program] + options(source)
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    counted, strange = {}, []
    for line in compiled.stderr.splitlines():
        found = re.match(r"tricc: [^:]*: (\w+): (.*)$", line)
        if found:
            counted[found[1]] = of_barriers(found[2])
        else:
            strange.append(line)
    if compiled.returncode or strange:
        sys.exit(f"{' '.join(command)}: exit code {compiled.returncode}\n" + "\n".join(strange))
    bad = 0
    if level != "-O0":
        for name, wanted in expectations(source).items():
            got = counted.get(name, "nothing")
            if got != wanted:
                print(f"{source}: {name}: wanted '{wanted}', got '{got}'")
                bad += 1
    environment = dict(os.environ, GODEBUG="gccheckmark=1,clobberfree=1", GOGC="50")
    ran = subprocess.run([program], capture_output=True, text=True, check=False, env=environment)
    if ran.returncode or ran.stdout or ran.stderr:
        print(f"{program}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
        bad += 1
    sys.exit(1 if bad else 0)


main()
