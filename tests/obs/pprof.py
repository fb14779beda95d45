#!/usr/bin/env python3
"""The real `go tool pprof` on the profiles that profiles.c writes: each kind by function, source line, call graph, difference,
picture, and in its own web pages.

   pprof.py PROGRAM FOLDER SERVED    SERVED: the program of the pages, to be asked by pprof itself
   pprof.py PROGRAM FOLDER svg       the forms that need graphviz
"""
import html, os, re, shutil, socket, subprocess, sys, time, urllib.error
from served import Served, opener, skip

program, work = sys.argv[1:3]
go, dot = shutil.which("go"), shutil.which("dot")
if not go:
    skip("needs go tool pprof (apt-get install golang-go)")
if sys.argv[3] == "svg" and not dot:
    skip("needs dot (apt-get install graphviz)")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
env = dict(os.environ, GOMAXPROCS="2", GOGC="100", XDG_CONFIG_HOME=work, PPROF_TMPDIR=work)
subprocess.run([program, work], check=True, timeout=100, env=env)
source = f"-source_path={os.path.dirname(os.path.abspath(__file__))}"
kinds = { # the function that must be seen, and a line of it
    "heap": ("small_objects", "tri_new(struct node)"), "allocs": ("dropped_blocks", "tri_alloc(3000)"),
    "goroutine": ("waits_for_ever", "tri_recv(gate"), "goroutineleak": ("is_leaked", "tri_recv(tri_chan_new"),
    "mutex": ("holds_the_mutex", "tri_mutex_unlock"), "block": ("holds_the_mutex", "tri_mutex_lock"),
    "cpu": ("spins", "spun += i")}

def path(name):
    return f"{work}/{name}"

def pprof(*args):
    p = subprocess.run([go, "tool", "pprof", *args], capture_output=True, timeout=500, env=env) # the first call may have to compile it
    assert p.returncode == 0, (args, p.stderr.decode())
    return p.stdout.decode(errors="replace")

def top(*args):
    """function -> flat value, from -top's table"""
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "": 1}
    out = {}
    for line in pprof("-top", "-nodecount=50", *args).splitlines():
        m = re.match(r"\s*(-?[\d.]+)([a-zA-Z]*)\s+-?[\d.]+%\s+[\d.]+%\s+(-?[\d.]+)([a-zA-Z]*)\s+-?[\d.]+%\s+(\S+)", line)
        if m:
            out[m[5]] = float(m[1]) * units[m[2]]
    return out

def values():
    """What -top says, against what the program has done."""
    t = top("-unit=b", program, path("heap"))
    assert abs(t["small_objects"] - 24e6) < 6 * (24e6 * 524288) ** 0.5, t
    assert abs(t["large_blocks"] - 30e6) < 6 * (30e6 * 524288) ** 0.5, t
    assert t.get("dropped_blocks", 0) == 0, t
    for name, flags in ("heap", ["-sample_index=alloc_space"]), ("allocs", []):
        t = top("-unit=b", *flags, program, path(name))
        assert abs(t["dropped_blocks"] - 61e6) < 6 * (61e6 * 524288) ** 0.5, t
    for base in "-base", "-diff_base":
        t = top("-unit=b", "-sample_index=alloc_space", f"{base}={path('before')}", program, path("heap"))
        assert t["dropped_blocks"] > 20e6 and abs(t.get("small_objects", 0)) < 1, t
    assert sum(top(program, path("goroutine")).values()) == 31
    assert sum(top(program, path("goroutineleak")).values()) == 7
    t = top("-unit=s", program, path("cpu"))
    assert t["spins"] > 0.5 * sum(t.values()), t
    assert "spins_outside" in pprof("-traces", program, path("cpu")) and "spins_outside" in pprof("-tree", path("cpu"))
    # Of three that hold the lock 50 times for 0.2 ms each, two wait.
    for name in "mutex", "block":
        assert top("-unit=s", "-cum", "-sample_index=delay", program, path(name)), name
    assert re.search(r"^Type: threadcreate\n", pprof("-top", path("threadcreate")), re.M)

def forms():
    """Each kind in each form of text: the function and its line are named. The program's file is not needed for it."""
    for name, (function, line) in kinds.items():
        assert re.search(rf"\b{function}\b", pprof("-top", "-cum", "-nodecount=200", path(name))), name
        listing = pprof(f"-list=^{function}$", source, path(name))
        assert any(line in l and re.match(r"\s*\S+\s+[\d.]+\S*\s+\d+:", l) for l in listing.splitlines()), (name, listing)
        assert function in pprof("-peek=" + function, path(name)), name
        assert not pprof("-top", "-cum", f"-base={path(name)}", path(name)).count(function), name # less itself: nothing

# Of the pages, the one of source code is empty in Go 1.19 (Debian 12), for any program that is not Go's.
recent = tuple(map(int, re.search(r"go(\d+)\.(\d+)", subprocess.run([go, "version"], env=env, capture_output=True, text=True).stdout).groups())) >= (1, 24)

def graph(get):
    """It has a page of its own since Go 1.27, and was the first one before."""
    try:
        return get("graph")
    except urllib.error.HTTPError:
        return get("")

def pages():
    """The web pages that pprof itself makes of a profile. (Its page of source code takes lines from the program's file, without
    what is inlined, so there it is a function whose call is its own.)"""
    for name, function, line in ("heap", "large_blocks", "tri_alloc_leaf"), ("goroutineleak", *kinds["goroutineleak"]), ("cpu", *kinds["cpu"]):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        web = subprocess.Popen([go, "tool", "pprof", "-no_browser", f"-http=127.0.0.1:{port}", source, program, path(name)],
                               env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            def get(page):
                return opener.open(f"http://127.0.0.1:{port}/ui/{page}", timeout=60).read().decode(errors="replace")
            for _ in range(600):
                try:
                    get("top")
                    break
                except OSError:
                    assert web.poll() is None, web.stderr.read()
                    time.sleep(0.1)
            assert function in get("top")
            assert function in get("flamegraph")
            assert function in get(f"peek?f={function}")
            if recent:
                assert line.split("(")[0] in html.unescape(get(f"source?f={function}"))
            if dot:
                assert re.search(rf"<svg.*>{function}<", graph(get), re.S), name
        finally:
            web.terminate()
            web.wait(timeout=60)
            web.stderr.close()

def pictures():
    for name, (function, _) in kinds.items():
        picture = pprof("-svg", program, path(name))
        assert re.search(r"<svg[ >].*</svg>", picture, re.S) and f">{function}<" in picture, (name, picture[:500])
    picture = pprof("-svg", "-sample_index=alloc_space", f"-base={path('before')}", program, path("heap"))
    assert ">dropped_blocks<" in picture and ">small_objects<" not in picture

def addresses():
    """Fetched by pprof itself from a running program, as people do."""
    with Served(sys.argv[3]) as s:
        for page, seen in ("heap?gc=1", "grow_list"), ("allocs", "grow_list"), ("goroutine", "waits"), ("profile?seconds=1", "churns"):
            assert seen in pprof("-top", "-cum", f"{s.url}/debug/pprof/{page}"), page
        assert "grow_list" in pprof("-top", "-seconds=1", "-sample_index=alloc_space", f"{s.url}/debug/pprof/heap")

for test in [pictures] if sys.argv[3] == "svg" else [values, forms, pages, addresses]:
    print(test.__name__, flush=True)
    test()
