"""What the tests of pages share: the program served.c, running, and a browser without a screen."""
import itertools, json, os, shutil, subprocess, sys, urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

class Served:
    def __init__(self, program, **env):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **env))
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
    def __enter__(self):
        return self
    def __exit__(self, *error):
        ended = self.process.poll()
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        if error[0] is None:
            assert ended is None and status == 0, (ended, status)
    def get(self, path, headers={}):
        return opener.open(urllib.request.Request(self.url + path, headers=headers), timeout=60).read().decode()
    def json(self, path):
        return json.loads(self.get(path))

def browser(work, width, height):
    """A function that opens an address with further flags of Chromium's, and returns what it prints; None: there is no Chromium."""
    chromium = next((c for c in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if c), None)
    runs = itertools.count()
    def browse(url, *flags):
        profile = f"{work}/profile{next(runs)}"
        os.makedirs(profile)
        p = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                            "--disable-component-update", "--disable-sync", "--no-proxy-server", f"--user-data-dir={profile}",
                            f"--window-size={width},{height}", "--virtual-time-budget=6000", *flags, url], capture_output=True, text=True, timeout=200)
        assert p.returncode == 0, p.stderr
        return p.stdout
    return browse if chromium else None

def skip(why):
    print("skipped:", why)
    sys.exit(77)
