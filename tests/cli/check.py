#!/usr/bin/env python3
"""What programs print: runs the program once for a case, and compares exit status, output and words with what they should be.

    check.py PROGRAM            lists the cases
    check.py PROGRAM CASE       runs one; exits 0 when all is as it should be

A case is (environment, arguments, exit status, standard output, standard error); both outputs are regular expressions that
must match the whole. 0x... stands for any address.
"""
import os
import re
import subprocess
import sys

ADDRESS = r"0x[0-9a-f]+"
NUMBER = r"[0-9]+"


def words(text):
    """The text itself, with 0x... for an address and N for a number of bytes."""
    return re.escape(text).replace(re.escape("0x..."), ADDRESS).replace("<N>", NUMBER)


def fatal(call, message):
    """Misuse: what happened and what to do, then Go's last line."""
    return words(f"tricolor: {call}: {message}\nfatal error: {call}\n")


def refused(name, value, accepted, used):
    return words(f"tricolor: {name}={value} is not understood; it takes {accepted}; using {used}\n")


def gogc(value, shown=None):
    return ({"GOGC": value}, ["percent"], 0, "100\nok\n", refused("GOGC", shown or value, "a percentage above 0, or off", "100"))


def limit(value):
    accepted = "bytes, with B, KiB, MiB, GiB or TiB behind the number, off, or auto"
    return ({"GOMEMLIMIT": value}, ["ok"], 0, "ok\n", refused("GOMEMLIMIT", value, accepted, "off"))


def procs(value):
    accepted = "a number of processors above 0"
    return ({"GOMAXPROCS": value}, ["ok"], 0, "ok\n", refused("GOMAXPROCS", value, accepted, "the number of CPUs"))


def debug(value, *bad):
    lines = "".join(words(f'tricolor: GODEBUG: bad item "{item}" ignored; accepted are ') + ".*gctrace=0..2.*\n" for item in bad)
    return ({"GODEBUG": value}, ["ok"], 0, "ok\n", lines)


def fine(environment, what="ok", output="ok\n"):
    return (environment, [what], 0, output, "")


def misuse(what, call, message):
    return ({}, [what], 2, "", fatal(call, message))


def exhausted(arguments, output=""):
    block = r"(runtime: out of memory: cannot allocate [0-9]+-byte block \([0-9]+ in use\)\n)"
    return ({}, arguments, 2, output, block + "fatal error: out of memory\n")


# Go's own format, runtime/mgc.go
MS = r"(0|0\.[0-9]{1,3}|[0-9](\.[0-9]{1,3})?|[0-9]{2,})"
TRACE = (rf"gc [0-9]+ @[0-9]+\.[0-9]{{3}}s [0-9]+%: {MS}\+{MS}\+{MS} ms clock, {MS}\+{MS}/{MS}/{MS}\+{MS} ms cpu, "
         r"[0-9]+->[0-9]+->[0-9]+ MB, [0-9]+ MB goal, [0-9]+ MB stacks, [0-9]+ MB globals, [0-9]+ P( \(forced\))?" "\n")

PACER = (r"pacer: [0-9]+% CPU \(25 exp\.\) for [0-9]+\+[0-9]+\+[0-9]+ B work \([0-9]+ B exp\.\) in [0-9]+ B -> [0-9]+ B "
         r"\(delta goal -?[0-9]+, cons/mark [0-9]+\.[0-9]{6}\)" "\n")
ARENA = "arena: 64 MiB of address space for the heap, 64 more\n"

SCAV = r"scav [0-9]+ KiB work \(bg\), [0-9]+ KiB work \(eager\), [0-9]+ KiB now, [0-9]{1,3}% util" # runtime/mgcscavenge.go
INIT = rf"init tricolor @0 ms, {MS} ms clock, [1-9][0-9]* bytes, 0 allocs\n" # runtime/proc.go

NOT_LIVE = "0x... is not a live object of the collected heap (freed already, or from elsewhere)"
ARRAY = "elements of {} bytes do not fit the address space; check the count"

CASES = {
    # environment
    "gogc-0": gogc("0"),
    "gogc-negative": gogc("-5"),
    "gogc-words": gogc("lots"),
    "gogc-rest": gogc("100%"),
    "gogc-too-large": gogc("99999999999999999999"),
    "gogc-long": gogc("9" * 3000, "9" * 100 + "..."),
    "gogc-two-lines": gogc("100\n200", "100?200"),
    "gogc-200": fine({"GOGC": "200"}, "percent", "200\nok\n"),
    "gogc-off": fine({"GOGC": "off"}, "percent", "-1\nok\n"),
    "gogc-empty": fine({"GOGC": ""}, "percent", "100\nok\n"),
    "gogc-1": fine({"GOGC": "1"}),
    "limit-words": limit("much"),
    "limit-suffix": limit("10MB"),
    "limit-negative": limit("-1"),
    "limit-too-large": limit("9999999999TiB"),
    "limit-512MiB": fine({"GOMEMLIMIT": "512MiB"}),
    "limit-off": fine({"GOMEMLIMIT": "off"}),
    "limit-bytes": fine({"GOMEMLIMIT": "500000000B"}),
    "procs-0": procs("0"),
    "procs-words": procs("all"),
    "procs-1": fine({"GOMAXPROCS": "1"}),
    "track-words": ({"TRITRACK": "magic"}, ["ok"], 0, "ok\n",
                    refused("TRITRACK", "magic", "barrier, pages or none", "barrier")),
    "track-barrier": fine({"TRITRACK": "barrier"}),
    "track-none": fine({"TRITRACK": "none"}, "plain"),
    "track-pages": ({"TRITRACK": "pages"}, ["plain"], 0, "ok\n",
                    "(" + words("tricolor: page tracking is not built yet; marking with the world stopped, "
                                "as TRITRACK=none\n") + ")?"),
    "debug-unknown": debug("fastgc=1", "fastgc=1"),
    "debug-no-value": debug("gctrace", "gctrace"),
    "debug-range": debug("gcstoptheworld=3", "gcstoptheworld=3"),
    "debug-two": debug("madvdontneed=1,x=y,clobberfree=no", "x=y", "clobberfree=no"),
    "debug-commas": fine({"GODEBUG": ",,clobberfree=1,,"}),
    "stop-1": fine({"GODEBUG": "gcstoptheworld=1"}),
    "stop-2": fine({"GODEBUG": "gcstoptheworld=2"}),
    "stop-1-plain": fine({"GODEBUG": "gcstoptheworld=1"}, "plain"),
    "stop-2-plain": fine({"GODEBUG": "gcstoptheworld=2"}, "plain"),
    "checkmark": fine({"GODEBUG": "gccheckmark=1"}),
    "checkmark-gogc-1": fine({"GODEBUG": "gccheckmark=1", "GOGC": "20"}),
    "clobber": ({"GODEBUG": "clobberfree=1"}, ["clobber"], 0, r"deadbeef(deadbeef)?\nok\n", ""),
    # the trace line
    "trace": ({"GODEBUG": "gctrace=1"}, ["ok"], 0, "ok\n", f"({TRACE}){{3,}}"),
    "trace-stopped": ({"GODEBUG": "gctrace=1,gcstoptheworld=1"}, ["ok"], 0, "ok\n", f"({TRACE}){{3,}}"),
    "trace-pacer": ({"GODEBUG": "gcpacertrace=1,arenatrace=1"}, ["ok"], 0, "ok\n", f"{PACER}{ARENA}({PACER}){{2,}}"),
    "trace-off": ({"GODEBUG": "gctrace=1", "GOGC": "off"}, ["ok"], 0, "ok\n", f"({TRACE}){{3}}"),
    "trace-scav": ({"GODEBUG": "scavtrace=1"}, ["give-back"], 0, "ok\n", rf"({SCAV}\n){{3,}}{SCAV} \(forced\)\n"),
    "trace-init": ({"GODEBUG": "inittrace=1"}, ["ok"], 0, "ok\n", INIT),
    "trace-init-and-cycles": ({"GODEBUG": "inittrace=1,gctrace=1"}, ["ok"], 0, "ok\n", f"{INIT}({TRACE}){{3,}}"),
    # misuse
    "free-foreign": misuse("free-foreign", "tri_free", NOT_LIVE),
    "free-stack": misuse("free-stack", "tri_free", NOT_LIVE),
    "free-malloc": misuse("free-malloc", "tri_free", NOT_LIVE),
    "free-twice": misuse("free-twice", "tri_free", NOT_LIVE),
    "free-inner": misuse("free-inner", "tri_free", "0x... points 24 bytes into the object at 0x...; pass the object's start"),
    "free-inner-large": misuse("free-inner-large", "tri_free",
                               "0x... points 70000 bytes into the object at 0x...; pass the object's start"),
    "realloc-foreign": misuse("realloc-foreign", "tri_realloc", NOT_LIVE),
    "realloc-inner": misuse("realloc-inner", "tri_realloc",
                            "0x... points 8 bytes into the object at 0x...; pass the object's start"),
    "array-overflow": misuse("array-overflow", "tri_new_array", f"{1 << 60} " + ARRAY.format(32)),
    "array-negative": misuse("array-negative", "tri_new_array", f"{(1 << 64) - 1} " + ARRAY.format(32)),
    "alloc-array-overflow": misuse("alloc-array-overflow", "tri_alloc_array", f"{1 << 33} " + ARRAY.format(1 << 33)),
    "aligned": misuse("aligned", "tri_alloc_aligned", "alignment 48 is not a power of two; use one"),
    "prealloc-large": misuse("prealloc-large", "tri_prealloc",
                             "objects of 100008 bytes have spans of their own; preallocation is for up to 32760 bytes"),
    "strdup-null": misuse("strdup-null", "tri_strdup", "the string is NULL; pass a string, or keep NULL as it is"),
    "prealloc-many": misuse("prealloc-many", "tri_prealloc", f"{(1 << 64) - 1} " + ARRAY.format(32)),
    "detach-goroutine": misuse("detach-goroutine", "tri_thread_detach", "called from a goroutine; use tri_goexit"),
    "exit-goroutine": misuse("exit-goroutine", "pthread_exit", "called from a goroutine; use tri_goexit"),
    "type-null": misuse("type-null", "tri_alloc_type", "the type is NULL; pass tri_type_of(T)"),
    "prealloc-null": misuse("prealloc-null", "tri_prealloc", "the type is NULL; pass tri_type_of(T)"),
    "blocking-null": misuse("blocking-null", "tri_blocking_call", "the function is NULL"),
    "once-null": misuse("once-null", "tri_once_do", "the function is NULL"),
    "unpin": misuse("unpin", "tri_unpin", "0x... is not pinned; unpin as often as you pin"),
    "pin-foreign": misuse("pin-foreign", "tri_pin", "0x... is not in a live object of the collected heap"),
    "remove-roots": misuse("remove-roots", "tri_remove_roots",
                           "the range 0x...-0x... is not registered; pass the bounds it was added with"),
    "empty-roots": misuse("empty-roots", "tri_add_roots", "the range 0x...-0x... is empty; pass its two ends"),
    "blocking-twice": misuse("blocking-twice", "tri_blocking_begin",
                             "the thread is blocked already; the call does not nest"),
    "blocking-end": misuse("blocking-end", "tri_blocking_end",
                           "the thread is not blocked; call tri_blocking_begin first"),
    # exhaustion
    "huge": exhausted(["huge"]),
    "largest": exhausted(["largest"]),
    "largest-leaf": exhausted(["largest-leaf"]),
    "largest-aligned": exhausted(["largest-aligned"]),
    "largest-realloc": exhausted(["largest-realloc"]),
    "exhaust-small": exhausted(["limit", "600", "exhaust-small"]),
    "exhaust-large": exhausted(["limit", "600", "exhaust-large"]),
    "exhaust-handler": exhausted(["limit", "600", "exhaust-handler"], r"(handler: [0-9]+\n)+"),
    # little address space: the default reservation does not fit
    "space-4096": ({}, ["limit", "4096", "ok"], 0, "ok\n", ""),
    "space-600": ({}, ["limit", "600", "ok"], 0, "ok\n", ""),
    "space-20": ({}, ["limit", "20", "ok"], 2, "",
                 words("tricolor: cannot reserve <N> MiB of address space for the heap; raise ulimit -v\n"
                       "fatal error: out of memory\n")),
    "data-20": ({}, ["limit-data", "20", "ok"], 2, "",
                words("tricolor: cannot get the first <N> MiB for the heap; raise ulimit -d (or ulimit -v, or the system's limit)\n"
                      "fatal error: out of memory\n")),
    "data-600": ({}, ["limit-data", "600", "ok"], 0, "ok\n", ""),
}


def run(program, case):
    environment, arguments, status, output, errors = CASES[case]
    inherited = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "HOME")}
    done = subprocess.run([program, *arguments], env={**inherited, **environment}, capture_output=True, text=True,
                          timeout=100, check=False)
    problems = []
    if done.returncode != status:
        problems.append(f"exit status {done.returncode}, not {status}")
    if not re.fullmatch(output, done.stdout):
        problems.append(f"standard output is\n{done.stdout}and not\n{output}")
    if not re.fullmatch(errors, done.stderr):
        problems.append(f"standard error is\n{done.stderr}and not\n{errors}")
    for problem in problems:
        print(f"{case}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(run(sys.argv[1], sys.argv[2]))
    print("\n".join(CASES))
