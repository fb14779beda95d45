-- The language: closures, varargs, goto, metatables, coroutines, errors, to-be-closed variables, loading code.
local function rep(n, f) for i = 1, n do f(i) end end

-- closures share and keep their variables
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local counters = {}
rep(2000, function(i) counters[i] = {counter()} end)
rep(2000, function(i) for _ = 1, i % 7 do counters[i][1]() end end)
rep(2000, function(i) assert(counters[i][2]() == i % 7) end)
local loops = {}
for i = 1, 500 do local x = i * 2 loops[i] = function(d) x = x + d return x end end
for i = 1, 500 do assert(loops[i](1) == i * 2 + 1 and loops[i](1) == i * 2 + 2) end

-- varargs and multiple results
local function pass(...) return select('#', ...), ... end
local packed = table.pack(pass(table.unpack({1, nil, 3}, 1, 200)))
assert(packed.n == 201 and packed[1] == 200 and packed[2] == 1 and packed[4] == 3)
assert(select(-1, 'a', 'b', 'c') == 'c')

-- goto, nested loops, integer and float arithmetic
do
  local found = {}
  for i = 2, 300 do
    for j = 2, i - 1 do if i % j == 0 then goto continue end end
    found[#found + 1] = i
    ::continue::
  end
  assert(#found == 62 and found[62] == 293)
end
assert(7 // 2 == 3 and -7 // 2 == -4 and 7 % -3 == -2 and 7.5 // 2 == 3.0 and 1 << 62 == 4611686018427387904)
assert(math.maxinteger + 1 == math.mininteger and 2^53 == 9007199254740992.0 and 0x7fp-1 == 63.5)
assert(("10" + 5) == 15 and "0x10" * 1 == 16 and 10 .. 20 == "1020")

-- metatables
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y + b.y}, Vector) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Vector.__lt = function(a, b) return a.x < b.x end
Vector.__le = function(a, b) return a.x <= b.x end
Vector.__call = function(v, k) return v[k] end
Vector.__tostring = function(v) return "(" .. v.x .. "," .. v.y .. ")" end
Vector.__len = function(v) return 2 end
Vector.__concat = function(a, b) return tostring(a) .. tostring(b) end
local sum = setmetatable({x = 0, y = 0}, Vector)
rep(3000, function(i) sum = sum + setmetatable({x = i, y = -i}, Vector) end)
assert(sum.x == 4501500 and sum("y") == -4501500 and #sum == 2 and tostring(sum) == "(4501500,-4501500)")
assert(sum == setmetatable({x = 4501500, y = -4501500}, Vector) and sum .. "!" == "(4501500,-4501500)!")
local proxy, log = setmetatable({}, {__index = function(_, k) return k .. k end, __newindex = function(t, k, v) rawset(t, k, v * 2) end}), nil
proxy.z = 21
assert(proxy.z == 42 and proxy.ab == "abab")
local chain = {value = "deep"}
rep(100, function() chain = setmetatable({}, {__index = chain}) end)
assert(chain.value == "deep")

-- coroutines, thousands of them, suspended in all states
local function generate(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, {i}) end return "end" end) end
local live = {}
rep(1500, function(i) live[i] = generate(i % 10 + 1) end)
for round = 1, 5 do
  for i, g in ipairs(live) do
    if i % 10 + 1 >= round then
      local n, t = g()
      assert(n == round and t[1] == round)
    end
  end
end
local co = coroutine.create(function(...) local a = {...} while true do a = {coroutine.yield(#a, table.unpack(a))} end end)
rep(200, function(i)
  local args = {}
  for k = 1, i do args[k] = k end
  local ok, n, first = coroutine.resume(co, table.unpack(args))
  assert(ok and n == i and first == 1)
end)
assert(coroutine.close(co) and coroutine.status(co) == "dead")
local deep
deep = function(n) if n == 0 then return coroutine.yield("bottom") end local r = deep(n - 1) return r + 1 end
co = coroutine.create(deep)
assert(select(2, coroutine.resume(co, 5000)) == "bottom" and select(2, coroutine.resume(co, 0)) == 5000)

-- errors
local ok, e = pcall(error, {code = 7})
assert(not ok and e.code == 7)
ok, e = xpcall(function() local x = nil; return x.field end, function(m) return debug.traceback("T:" .. m) end)
assert(not ok and e:find("T:.*attempt to index a nil value") and e:find("stack traceback"))
ok, e = pcall(function() local function f() return f() + 1 end return f() end)
assert(not ok and e:find("stack overflow"))
ok, e = pcall(string.rep, "x", 1 << 60)
assert(not ok and e:find("too large"))
local closed = {}
do
  local function closing(name) return setmetatable({}, {__close = function() closed[#closed + 1] = name end}) end
  local a <close> = closing("a")
  local b <close> = closing("b")
  pcall(function() local c <close> = closing("c") error("out") end)
end
assert(table.concat(closed) == "cba")

-- code made at run time
local parts = {"local t = ... return 0"}
for i = 1, 2000 do parts[#parts + 1] = " + t[" .. i .. "]" end
local long = assert(load(table.concat(parts), "=long"))
local ones = {}
for i = 1, 2000 do ones[i] = i end
assert(long(ones) == 2001000)
local dumped = string.dump(long, true)
assert(load(dumped, "dumped", "b")(ones) == 2001000)
for i = 1, 300 do assert(load("local a, b = ... ; return function() return a * " .. i .. " + b end")(2, 1)() == 2 * i + 1) end
assert(select(2, load("x = = 1")):find("unexpected symbol"))
print "ok"
