"""What the tests of pages share: the program served.c, running."""
import json, os, subprocess, sys, urllib.request

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

def skip(why):
    print("skipped:", why)
    sys.exit(77)
