#!/usr/bin/env python3
"""The live page in a real browser, headless: it draws itself from the program's figures, in light and dark, and its buttons work.
Screenshots are left in the work folder."""
import os, re, shutil, sys
from served import Served, browser, skip

program, work = sys.argv[1:3]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
browse = browser(work, 1300, 1500)
if not browse:
    skip("needs chromium (apt-get install chromium)")

def check(dom):
    assert '<h1 id="program">obs_served</h1>' in dom
    tiles = dict((name, value) for value, name in re.findall(r'<div class="tile"><b>([^<]*)</b><i>([^<]*)</i></div>', dom))
    assert re.fullmatch(r"[\d.]+ MiB", tiles["heap in use"]) and tiles["GOGC"] == "100" and tiles["goroutines"] == "20", tiles
    assert int(tiles["cycles"]) > 0 and tiles["memory limit"] == "none", tiles
    for chart in "heap", "rate", "cpu", "goroutines":
        svg = re.search(rf'<svg id="{chart}".*?</svg>', dom, re.S)[0]
        assert re.search(r'<polyline points="[\d.]+,[\d.]+ [\d.]+,[\d.]+', svg), chart
    assert "NaN" not in dom and "undefined" not in dom and "Infinity" not in dom.split("<script>")[0]
    assert re.search(r'<svg id="pauses".*?<rect .*?</svg>', dom, re.S) and re.search(r"\d+ stops, the longest under", dom)
    frames = re.findall(r'<div style="[^"]*">([^<]*)</div>', re.search(r'<div id="flame".*?</section>', dom, re.S)[0])
    assert frames[0] == "all" and "churns" in frames and "grow_list" in frames, frames
    assert re.search(r"<td>48</td><td>typed</td>", dom), "layouts"
    assert 'role="status"></span></header>' in dom, "the program was said not to answer"

with Served(program) as s:
    dom = browse(f"{s.url}/debug/tricolor/", "--dump-dom")
    check(dom)
    assert re.search(r'id="control" hidden', dom), "there are buttons, and nobody has allowed them"
    browse(f"{s.url}/debug/tricolor/", f"--screenshot={work}/light.png")
    browse(f"{s.url}/debug/tricolor/", f"--screenshot={work}/dark.png", "--blink-settings=preferredColorScheme=0")
    light, dark = (os.path.getsize(f"{work}/{x}.png") for x in ("light", "dark"))
    assert light > 20000 and dark > 20000, (light, dark)
with Served(program, TRIDEBUGCONTROL="1") as s:
    assert not re.search(r'id="control" hidden', browse(f"{s.url}/debug/tricolor/", "--dump-dom"))
print("looked at")
