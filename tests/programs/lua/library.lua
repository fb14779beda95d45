-- The library: strings and patterns, tables, packing, utf8, files.
local unpack = table.unpack
math.randomseed(42)

-- strings
local pieces = {}
for i = 1, 20000 do pieces[i] = string.format("%05d:%s;", i, ("x"):rep(i % 17)) end
local text = table.concat(pieces)
local n, sum = 0, 0
for number, xs in text:gmatch("(%d+):(x*);") do
  n = n + 1
  sum = sum + #xs
  assert(tonumber(number) == n and #xs == n % 17)
end
assert(n == 20000)
assert(text:gsub("%d+", function(d) return tonumber(d) % 2 == 0 and "" or nil end):find("^00001:x;:xx;00003"))
assert(("hello world"):gsub("o", {o = "0"}) == "hell0 w0rld" and ("abc"):gsub("%w", "%0%0") == "aabbcc")
assert(("  trim  "):match("^%s*(.-)%s*$") == "trim" and ("[[x]]"):find("[[", 1, true) == 1)
assert(("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key" and ("f(a(b)c)d"):match("%b()") == "(a(b)c)")
assert(("%q"):format("a\n\0b\"") == '"a\\\n\\0b\\""' and ("%10.3f|%-5s|%x"):format(math.pi, "ab", 255) == "     3.142|ab   |ff")
local s = ""
for i = 1, 3000 do s = s .. string.char(i % 26 + 97) end
assert(#s == 3000 and s:sub(-3) == "ijk" and s:reverse():sub(1, 3) == "kji" and s:upper():lower() == s)
assert(s:byte(1, 3) == 98 and #{s:byte(1, -1)} == 3000)

-- packing
local packed = {}
for i = 1, 2000 do packed[i] = string.pack("<i4 s2 d z", i, ("y"):rep(i % 50), i / 3, "name" .. i) end
for i = 1, 2000 do
  local a, b, c, d = string.unpack("<i4 s2 d z", packed[i])
  assert(a == i and #b == i % 50 and c == i / 3 and d == "name" .. i)
end
assert(string.packsize("<i8 i2 !8 d") == 24 and not pcall(string.pack, "i17", 1))

-- utf8
local points = {}
for i = 1, 1000 do points[i] = i * 97 % 0xd000 + 1 end
local encoded = utf8.char(unpack(points))
assert(utf8.len(encoded) == 1000)
local k = 0
for _, c in utf8.codes(encoded) do k = k + 1 assert(c == points[k]) end
assert(utf8.codepoint(encoded, utf8.offset(encoded, 500)) == points[500] and utf8.len("\xff") == nil)

-- tables: growing, shrinking, sorting, holes, moves
local t = {}
for i = 1, 50000 do t[i] = math.random(1 << 30) end
local copy = table.move(t, 1, #t, 1, {})
table.sort(t)
for i = 2, #t do assert(t[i - 1] <= t[i]) end
table.sort(copy, function(a, b) return a > b end)
for i = 1, #t do assert(copy[i] == t[#t + 1 - i]) end
for i = #t, 1, -1 do if i % 3 == 0 then table.remove(t, i) end if #t < 33400 then break end end
local h = {}
for i = 1, 20000 do h["k" .. i] = {i} h[i * 1.5] = i h[i] = "v" .. i end
for i = 1, 20000, 2 do h["k" .. i] = nil h[i] = nil end
local count = 0
for key, v in pairs(h) do count = count + 1 if type(v) == "table" then assert(key == "k" .. v[1] and v[1] % 2 == 0) end end
assert(count > 20000)
for key in pairs(h) do h[key] = nil end
assert(next(h) == nil)
local names = {}
for i = 1, 3000 do table.insert(names, i * 7919 % i + 1, "n" .. i) end
table.sort(names)
assert(#names == 3000 and names[1] == "n1" and names[3000] == "n999")

-- files
local path = os.tmpname()
local f = assert(io.open(path, "w"))
for i = 1, 5000 do f:write(i, " ", ("z"):rep(i % 100), "\n") end
assert(f:seek("cur") > 5000 and f:close())
local i = 0
for line in io.lines(path) do
  i = i + 1
  local a, z = line:match("^(%d+) (z*)$")
  assert(tonumber(a) == i and #z == i % 100)
end
assert(i == 5000)
f = io.open(path)
assert(f:read("n") == 1 and f:read("l") == " z" and f:read(3) == "2 z" and #f:read("a") > 200000 and f:read("l") == nil)
f:close()
f = io.open(path, "a+")
f:setvbuf("full", 1 << 16)
f:write(("w"):rep(100000))
f:seek("set")
assert(#f:read("a") > 300000)
f:close()
local p = io.popen("cat " .. path .. " | wc -c")
assert(tonumber(p:read("a")) > 300000 and p:close())
os.remove(path)
assert(not io.open(path) and os.getenv("HOME") and os.time{year = 2020, month = 1, day = 1, hour = 12} > 1577000000)
assert(os.date("!%Y-%m-%d", 86400) == "1970-01-02" and os.setlocale("C") == "C")
print "ok"
