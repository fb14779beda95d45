#!/usr/bin/env python3
"""The demonstration as `make demo DEMO=--serve` leaves it: its search box in a real browser, in light and dark, which leads to the
live page of its heap; and clients that misbehave.

   demo.py SEARCH FOLDER
"""
import os, re, shutil, signal, socket, subprocess, sys, time, urllib.parse
from served import browser, opener, skip

search, work = map(os.path.abspath, sys.argv[1:3])
shutil.rmtree(work, ignore_errors=True)
os.makedirs(f"{work}/texts")
for i in range(40):
    with open(f"{work}/texts/{i}.txt", "w") as f:
        f.write(f"The quick brown fox number{i}\njumps over <b>\"the lazy\" & sleepy</b> dog\n" + ("unicorn here\n" if i == 7 else ""))

class Demo:
    def __enter__(self):
        self.process = subprocess.Popen([search, "-t", "2", "-s", "1", "-m", "0", "--serve", f"{work}/texts"], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, GODEBUG="memprofilerate=1024")) # there is little to be sampled
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("serving until interrupted"):
                break
        self.url = re.search(r"^search box: (http://127\.0\.0\.1:\d+/)$", self.said, re.M)[1]
        self.live = re.search(r"^live page:  (http://127\.0\.0\.1:\d+/debug/tricolor/)$", self.said, re.M)[1]
        assert f"serving until interrupted: {self.url}\n" in self.said
        return self
    def __exit__(self, *error):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        assert error[0] or self.process.returncode == 0, self.process.returncode
    def get(self, path):
        return opener.open(self.url + path, timeout=60).read().decode()

def answers(d):
    page = d.get("")
    assert '<input name="q" autofocus' in page and f'href="{d.live}"' in page and "<pre>" not in page
    assert re.search(r"<p>40 documents, 40 lines, \d+ µs</p><pre>.*quick brown fox", d.get("?q=quick"), re.S)
    assert re.search(r"<p>1 documents, 1 lines, ", d.get("?q=unicorn")) and re.search(r"<p>1 documents, ", d.get("?q=unic*"))
    assert re.search(r"<p>0 documents, 0 lines, ", d.get("?q=nothing%20here"))
    assert "Not a word, a prefix* or two words." in d.get("?q=" + urllib.parse.quote("a b c d"))
    page = d.get("?q=" + urllib.parse.quote('"><script>alert(1)</script>'))
    assert "<script>" not in page and "&#34;&#62;&#60;script" in page
    page = d.get("?q=lazy")
    assert "&#60;b&#62;&#34;the lazy&#34; &#38; sleepy" in page and "<b>" not in page # texts are shown, not obeyed
    assert "go_memstats_heap_alloc_bytes" in opener.open(d.live.replace("/debug/tricolor/", "/metrics"), timeout=60).read().decode()

def misbehaviour(d):
    port = int(re.search(r":(\d+)/", d.url)[1])
    for what in b"", b"GET", b"\0" * 5000, b"POST / HTTP/1.1\r\n\r\n", b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"GET /?q=%" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", b"GET /?q=%zz%4\n\n":
        with socket.create_connection(("127.0.0.1", port), timeout=60) as c:
            try:
                c.sendall(what)
                c.shutdown(socket.SHUT_WR)
                while c.recv(65536):
                    pass
            except OSError:
                pass
    crowd = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(200)] # more than it takes; they say nothing
    for c in crowd:
        c.close()
    for _ in range(1000): # until it has seen that they are gone
        try:
            d.get("")
            break
        except OSError:
            time.sleep(0.01)
    answers(d)

def seen(d):
    browse = browser(work, 1000, 900)
    if not browse:
        return print("no chromium: the pages were not looked at")
    dom = browse(d.url + "?q=quick", "--dump-dom")
    assert 'value="quick"' in dom and "40 documents, 40 lines" in dom and "The heap of this program, live" in dom
    for shade, flag in ("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"]):
        for name, url in ("box", d.url + "?q=quick"), ("live", d.live):
            browse(url, f"--screenshot={work}/{name}-{shade}.png", *flag)
            assert os.path.getsize(f"{work}/{name}-{shade}.png") > 10000, (name, shade)
    dom = browse(d.live, "--dump-dom")
    assert '<h1 id="program">search</h1>' in dom and re.search(r'<div id="flame".*build_thread', dom, re.S)

with Demo() as d:
    for test in answers, misbehaviour, seen:
        print(test.__name__, flush=True)
        test(d)
