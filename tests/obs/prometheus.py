#!/usr/bin/env python3
"""/metrics through Prometheus' own eyes: promtool's check, and a real server that scrapes it, in both formats."""
import json, os, shutil, socket, subprocess, sys, time
from served import Served, opener, skip

program, work = sys.argv[1:3]
promtool, prometheus = shutil.which("promtool"), shutil.which("prometheus")
if not promtool or not prometheus:
    skip("needs prometheus and promtool (apt-get install prometheus)")
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

def api(port, path):
    try:
        return json.load(opener.open(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10))["data"]
    except OSError:
        return None

with Served(program) as s:
    check = subprocess.run([promtool, "check", "metrics"], input=s.get("/metrics"), capture_output=True, text=True, timeout=60)
    # Go's own names break one rule of style, and ours with them.
    complaints = [l for l in (check.stdout + check.stderr).splitlines() if "use base unit" not in l]
    assert check.returncode in (0, 3) and not complaints, (check.returncode, complaints)

    with open(f"{work}/prometheus.yml", "w") as f:
        f.write(f"""global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: served
  static_configs: [{{targets: ["127.0.0.1:{s.port}"]}}]
""")
    port = free_port()
    with open(f"{work}/log", "w") as log:
        server = subprocess.Popen([prometheus, f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data",
                                   f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        def value(query):
            data = api(port, f"query?query={query}")
            return float(data["result"][0]["value"][1]) if data and data["result"] else None
        end = time.time() + 90
        while time.time() < end and not (value("count_over_time(go_goroutines[1m])") or 0) >= 3:
            assert server.poll() is None, open(f"{work}/log").read()
            time.sleep(0.2)
        target = api(port, "targets")["activeTargets"][0]
        assert target["health"] == "up" and target["lastError"] == "", target
        assert value("go_goroutines") == 20
        assert value("go_memstats_heap_alloc_bytes") > 1e6
        assert value("go_gc_duration_seconds_count") > 0
        assert value("go_memstats_alloc_bytes_total") > 1e6, "a family with the name of another in OpenMetrics"
        assert value("histogram_quantile(0.5,go_sched_pauses_total_gc_seconds_bucket)") > 0
    finally:
        server.terminate()
        server.wait(timeout=60)
print("scraped")
