#!/usr/bin/env python3
"""The pages of tri_debug_serve: what they answer, and that nothing a client does harms the program: nonsense, silence, a thousand
connections, closed peers. The program checks its own heap meanwhile.

   pages.py PROGRAM [fuzz SECONDS]
"""
import gzip, json, os, random, re, socket, subprocess, sys, threading, time, urllib.error, urllib.request
import proto

program = sys.argv[1]
fuzz_seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2

class Served:
    def __init__(self, *arguments, **env):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **env))
        self.port = int(self.process.stdout.readline())
    def __enter__(self):
        return self
    def __exit__(self, *error):
        if error[0] is None:
            assert self.process.poll() is None, f"ended early with {self.process.returncode}"
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        if error[0] is None:
            assert status == 0, status
    def ask(self, path, status=200, data=None, method=None, headers={}):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method, headers=headers)
        try:
            answer = opener.open(request, timeout=60)
        except urllib.error.HTTPError as e:
            answer = e
        body = answer.read()
        assert answer.status == status, (path, answer.status, body[:300])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        self.headers = answer.headers
        return body
    def text(self, path, **more):
        return self.ask(path, **more).decode()
    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)
    def alive(self):
        assert "go_goroutines" in self.text("/metrics")

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def routes(s):
    index = s.text("/debug/pprof/")
    for name in "allocs block goroutine goroutineleak heap mutex threadcreate".split():
        assert f'href="{name}?debug=1"' in index
        assert gzip.decompress(s.ask(f"/debug/pprof/{name}")), name
        assert s.headers["Content-Type"] == "application/octet-stream"
        assert s.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        s.text(f"/debug/pprof/{name}?debug=1")
        assert s.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert s.text("/debug/pprof/heap?debug=1&gc=1").startswith("heap profile: ")
    assert "[chan receive" in s.text("/debug/pprof/goroutine?debug=2")
    assert s.ask("/debug/pprof/cmdline").split(b"\0")[0] == program.encode()
    assert s.text("/debug/pprof/nonsense", status=404) == "Unknown profile\n"
    assert s.headers["X-Go-Pprof"] == "1"
    s.text("/debug/pprof/trace", status=404)
    s.text("/nonsense", status=404)
    s.text("/debug/tricolor/nonsense", status=404)
    for bad in "x", "-1", "0", "1.5", "99999999999999999999":
        s.text(f"/debug/pprof/heap?seconds={bad}", status=400)
    assert s.text("/debug/pprof/heap?seconds=1&debug=1", status=400) == "seconds and debug params are incompatible\n"
    assert gzip.decompress(s.ask("/debug/pprof/heap?seconds=1"))
    assert s.headers["Content-Disposition"] == 'attachment; filename="heap-delta"'
    assert gzip.decompress(s.ask("/debug/pprof/heap?seconds="))
    # what is no number counts as 0, and any other as text
    assert gzip.decompress(s.ask("/debug/pprof/heap?debug=x")) and s.text("/debug/pprof/heap?debug=-1").startswith("heap profile: ")
    for path in "/debug/pprof", "/debug/tricolor":
        request = urllib.request.Request(f"http://127.0.0.1:{s.port}{path}")
        assert opener.open(request, timeout=60).url == f"http://127.0.0.1:{s.port}{path}/"
    assert s.text("/metrics", data=b"x", status=405) == "Method Not Allowed\n" and s.headers["Allow"] == "GET, HEAD"
    for path in "/debug/pprof/symbol", "/debug/tricolor/control": # which take more
        assert s.text(path, data=b"x", method="PUT", status=405) == "Method Not Allowed\n" and s.headers["Allow"] == "GET, HEAD, POST"
    assert s.ask("/metrics", method="HEAD") == b""
    where = re.search(r"#\t(0x[0-9a-f]+)\tgrow_list", s.text("/debug/pprof/heap?debug=1"))[1]
    assert s.text("/debug/pprof/symbol") == "num_symbols: 1\n"
    assert re.fullmatch(rf"num_symbols: 1\n{where} grow_list\n{where} grow_list\n",
                        s.text("/debug/pprof/symbol", data=f"{where}+{where}".encode()))
    assert f"{where} grow_list\n" in s.text(f"/debug/pprof/symbol?{where}")

def scrapes_stop_nobody():
    """With no collections there are no stops, however often /metrics is read: a scrape stops nobody. (A cycle's are seen.)"""
    def stops():
        text = s.text("/metrics")
        return [int(re.search(rf"^go_sched_pauses_total_{kind}_seconds_count (\d+)$", text, re.M)[1]) for kind in ("gc", "other")]
    with Served(GOGC="off") as s:
        first = stops()
        for _ in range(20):
            s.text("/metrics", headers={"Accept": "application/openmetrics-text"})
            s.text("/debug/vars")
        assert stops() == first, (first, stops())
        s.ask("/debug/pprof/heap?gc=1")
        assert stops()[0] >= first[0] + 2, (first, stops())

def differences(s):
    """seconds=1: what happened in it. All the program's allocations are of one stack, and what lives stays."""
    kinds = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]
    p = proto.Profile(s.ask("/debug/pprof/heap?seconds=1"))
    assert [t for t, _ in p.types] == kinds and 0.9e9 < p.duration < 60e9, (p.types, p.duration)
    assert p.total(1) > 1e6 and p.total(0) >= p.total(1) // 48, (p.total(0), p.total(1))
    p = proto.Profile(s.ask("/debug/pprof/goroutine?seconds=1"))
    assert p.total(0) == 0, p.samples # 20 before, 20 after
    assert all(not any(v) for _, v, _ in p.samples)
    for name in "block", "mutex", "threadcreate", "goroutineleak", "allocs":
        proto.Profile(s.ask(f"/debug/pprof/{name}?seconds=1"))

def cpu(s):
    answers = []
    t = threading.Thread(target=lambda: answers.append(gzip.decompress(s.ask("/debug/pprof/profile?seconds=2"))))
    t.start()
    time.sleep(0.5)
    assert "already in use" in s.text("/debug/pprof/profile?seconds=1", status=500)
    t.join()
    assert len(answers) == 1

def variables(s):
    v = json.loads(s.text("/debug/vars"))
    assert v["cmdline"] == [program] and v["memstats"]["HeapAlloc"] > 0 and len(v["memstats"]["PauseNs"]) == 256
    assert v["memstats"]["Mallocs"] - v["memstats"]["Frees"] == v["memstats"]["HeapObjects"]

def odd_arguments():
    """What is no UTF-8 in an argument is U+FFFD, a byte each, as in Go: the page is JSON whatever the program was started with."""
    with Served("0", b'\xff\xfe \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xc3 \xed\xa0\x80 "\\\n\x7f \xc0\x80\xe2\x82') as s:
        v = json.loads(s.ask("/debug/vars"))
        assert v["cmdline"][1:] == ["0", '\ufffd\ufffd é€😀 \ufffd \ufffd\ufffd\ufffd "\\\n\x7f \ufffd\ufffd\ufffd\ufffd'], v["cmdline"]

def metrics(s):
    text = s.text("/metrics")
    assert s.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    # What client_golang's collectors of Go and the process give, which Grafana's boards ask for.
    for name in """go_gc_duration_seconds{quantile="0.5"} go_gc_duration_seconds_sum go_gc_duration_seconds_count go_gc_gogc_percent
        go_gc_gomemlimit_bytes go_goroutines go_threads go_sched_gomaxprocs_threads go_memstats_alloc_bytes
        go_memstats_alloc_bytes_total go_memstats_buck_hash_sys_bytes go_memstats_frees_total go_memstats_gc_sys_bytes
        go_memstats_heap_alloc_bytes go_memstats_heap_idle_bytes go_memstats_heap_inuse_bytes go_memstats_heap_objects
        go_memstats_heap_released_bytes go_memstats_heap_sys_bytes go_memstats_last_gc_time_seconds go_memstats_mallocs_total
        go_memstats_mcache_inuse_bytes go_memstats_mcache_sys_bytes go_memstats_mspan_inuse_bytes go_memstats_mspan_sys_bytes
        go_memstats_next_gc_bytes go_memstats_other_sys_bytes go_memstats_stack_inuse_bytes go_memstats_stack_sys_bytes
        go_memstats_sys_bytes process_cpu_seconds_total process_max_fds process_network_receive_bytes_total
        process_network_transmit_bytes_total process_open_fds process_resident_memory_bytes
        process_start_time_seconds process_virtual_memory_bytes process_virtual_memory_max_bytes
        go_sched_latencies_seconds_count go_gc_heap_allocs_by_size_bytes_sum go_cpu_classes_gc_total_cpu_seconds_total""".split():
        assert len(re.findall(rf"^{re.escape(name)} \S+$", text, re.M)) == 1, name
    assert re.search(r'^go_info\{version="tricolor[^"]*"\} 1$', text, re.M)
    families = re.findall(r"^# TYPE (\S+) ", text, re.M)
    assert len(families) == len(set(families)), "a family is there twice"
    start = float(re.search(r"^process_start_time_seconds (\S+)$", text, re.M)[1])
    assert abs(start - time.time()) < 120, start
    for family in re.findall(r"^# TYPE (\S+) histogram$", text, re.M):
        buckets = [(float(le), int(n)) for le, n in re.findall(rf'^{family}_bucket{{le="([^"]+)"}} (\d+)$', text, re.M)]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf") and len(buckets) > 5, family
        assert buckets[-1][1] == int(re.search(rf"^{family}_count (\d+)$", text, re.M)[1])
        assert all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), family
    text = s.text("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert s.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0") and text.endswith("# EOF\n")
    families = re.findall(r"^# TYPE (\S+) ", text, re.M)
    assert len(families) == len(set(families)), "a family is there twice"
    for family in re.findall(r"^# TYPE (\S+) counter$", text, re.M):
        assert not family.endswith("_total") and re.search(rf"^{family}_total \S+$", text, re.M), family

def live(s):
    page = s.text("/debug/tricolor/")
    assert s.headers["Content-Type"] == "text/html; charset=utf-8" and "connect-src 'self'" in s.headers["Content-Security-Policy"]
    assert not re.search(r'(src|href)="(https?:)?//', page), "the page fetches from elsewhere"
    data = json.loads(s.text("/debug/tricolor/data"))
    assert data["metrics"]["/gc/heap/live:bytes"] > 0 and data["cycles"] and data["layouts"] and data["rss"] > 1e6
    size, kind, slots, spans, used = max(data["layouts"], key=lambda r: r[0] * r[4])
    assert (size, kind) == (48, "typed") and 0 < used <= slots * spans, data["layouts"]
    heap = json.loads(s.text("/debug/tricolor/heap"))
    assert heap and all("grow_list" in row for row in heap), heap[:3]

def control(s, allowed):
    send = lambda q, status, **more: s.text("/debug/tricolor/control?" + q, status=status, data=b"", **more)
    ours = {"X-Tricolor": "1"}
    if not allowed:
        assert "TRIDEBUGCONTROL=1" in send("gc=1", 403, headers=ours)
        return
    send("gc=1", 403)
    send("gc=1", 403, headers=dict(ours, Host="evil.example"))
    s.text("/debug/tricolor/control?gc=1", status=403, headers=ours)
    send("gc=1", 200, headers=ours)
    send("gogc=77", 200, headers=ours)
    assert json.loads(s.text("/debug/tricolor/data"))["metrics"]["/gc/gogc:percent"] == 77
    send("gogc=-5", 400, headers=ours)
    send("limit=x", 400, headers=ours)

# ---- clients that misbehave ----

def nonsense(s):
    for what in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1000, b"GET " + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"GET /metrics HTTP/1.1\r\n" + b"x: y\r\n" * 20000 + b"\r\n", b"POST /debug/pprof/symbol HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                 b"POST /debug/pprof/symbol HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n0x1",
                 b"POST /debug/pprof/symbol HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                 b"GET /debug/pprof/%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /debug/pprof/heap?debug=%zz&seconds=%00 HTTP/1.1\r\nHost: x\r\n\r\n"):
        c = s.connect()
        c.settimeout(1) # some it would rather wait for, half a minute
        try:
            c.sendall(what)
            c.shutdown(socket.SHUT_WR)
            while c.recv(65536):
                pass
        except OSError:
            pass
        c.close()
    s.alive()

def closed_peers(s):
    for path in "/metrics", "/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?seconds=1", "/debug/tricolor/":
        for _ in range(5):
            c = s.connect()
            c.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0") # a reset
            c.close()
    s.alive()

def gone_in_the_middle(s):
    """Profiles of hours whose clients have gone end: others can be made again."""
    for name in ["profile"] + ["heap"] * 15:
        c = s.connect()
        c.sendall(f"GET /debug/pprof/{name}?seconds=80000 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.02) # so that it has begun, mostly
        c.close()
    def can_be_made(name):
        try:
            return gzip.decompress(s.ask(f"/debug/pprof/{name}?seconds=1"))
        except AssertionError:
            return None
    for name in "profile", "heap":
        while not can_be_made(name): # a client still there holds it for ever, and ctest's limit ends that
            time.sleep(0.05)

def cycles_hold_up_nobody(s):
    """Pages that run a cycle wait for it; others are served meanwhile, however many of those there are."""
    def tell(c):
        s.process.stdin.write(c)
        s.process.stdin.flush()
        assert s.process.stdout.readline() == c + "\n"
    tell("h")
    waiting = []
    for path in ["heap?gc=1", "goroutineleak", "goroutineleak?debug=2"] * 3:
        c = s.connect()
        c.sendall(f"GET /debug/pprof/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        waiting.append(c)
        s.text("/debug/pprof/cmdline")
    for _ in range(20):
        s.text("/debug/pprof/cmdline")
        s.alive()
    tell("r")
    for c in waiting:
        assert c.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        c.close()

def thousand(s):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    crowd = [s.connect() for _ in range(1000)]
    for c in crowd:
        c.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")  # and there they stay
    s.alive()
    for c in crowd[:100]:
        c.sendall(b"no\r\n\r\n")
    for c in crowd[:100]:
        assert c.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    for c in crowd:
        c.close()
    s.alive()

def fuzz(s, seconds):
    seed = int.from_bytes(os.urandom(4), "little")
    r = random.Random(seed)
    print("fuzz seed", seed)
    paths = ["/", "/metrics", "/debug/vars", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol", "/debug/pprof/goroutine",
             "/debug/pprof/cmdline", "/debug/tricolor/", "/debug/tricolor/data", "/debug/tricolor/control"]
    end = time.time() + seconds
    while time.time() < end:
        query = "&".join(r.choice(["debug", "gc", "seconds", "x", ""]) + r.choice(["=", "", "=="]) +
                         r.choice(["0", "2", "-1", "x", "%41", "9" * 30, "\x7f", "%"]) for _ in range(r.randrange(3)))
        head = f"{r.choice(['GET', 'POST', 'HEAD', 'PUT', 'X' * 50])} {r.choice(paths)}?{query} HTTP/1.{r.randrange(3)}\r\n"
        for _ in range(r.randrange(5)):
            head += r.choice(["Host", "Accept", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "\x01"]) + ": " + \
                    r.choice(["x", "0", "5", "chunked", "close", "100-continue", "application/openmetrics-text", "y" * 3000]) + "\r\n"
        data = bytearray((head + "\r\n").encode("latin1") + r.randbytes(r.randrange(20)))
        for _ in range(r.choice([0, 0, 1, 5])):
            data[r.randrange(len(data))] = r.randrange(256)
        if b"seconds=9" in data or b"seconds=2" in data:
            continue # takes that long
        c = s.connect()
        c.settimeout(0.2)
        try:
            c.sendall(data[:r.choice([len(data), r.randrange(len(data))])])
            if r.random() < 0.7:
                c.shutdown(socket.SHUT_WR)
                c.recv(r.choice([1, 100, 100000]))
        except OSError:
            pass
        c.close()
    s.alive()

if len(sys.argv) > 2:
    with Served() as s:
        fuzz(s, fuzz_seconds)
    sys.exit(0)
with Served() as s:
    for test in routes, differences, cpu, variables, metrics, live, nonsense, closed_peers, gone_in_the_middle, cycles_hold_up_nobody, thousand:
        print(test.__name__, flush=True)
        test(s)
    control(s, False)
    fuzz(s, fuzz_seconds)
    # stopped with a long profile under way or just asked for, and served again
    for _ in range(60):
        asks = s.connect()
        asks.sendall(b"GET /debug/pprof/heap?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        s.process.stdin.write("s")
        s.process.stdin.flush()
        s.port = int(s.process.stdout.readline())
        asks.close()
    s.alive()
odd_arguments()
scrapes_stop_nobody()
with Served(TRIDEBUGCONTROL="1", GODEBUG="gccheckmark=1") as s:
    control(s, True)
print("all pages")
