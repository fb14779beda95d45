-- Lua's own collector, incremental and generational: weak tables, ephemerons, finalizers, resurrection, counted memory.
local function churn(n)
  local keep = {}
  for i = 1, n do keep[i % 100 + 1] = {i, tostring(i), function() return i end} end
  return keep
end

local function weak_things()
  local weak, strong = setmetatable({}, {__mode = "v"}), {}
  for i = 1, 5000 do
    local t = {i}
    weak[i] = t
    if i % 10 == 0 then strong[#strong + 1] = t end
  end
  collectgarbage() collectgarbage()
  local n = 0
  for i, t in pairs(weak) do assert(t[1] == i) n = n + 1 end
  assert(n == 500 and #strong == 500)
  local ephemerons = setmetatable({}, {__mode = "k"})
  local first = {}
  local key = first
  for i = 1, 3000 do
    local next = {i}
    ephemerons[key] = {value = next}
    key = next
  end
  key = nil
  collectgarbage() collectgarbage()
  n = 0
  key = first
  while ephemerons[key] do key = ephemerons[key].value n = n + 1 end
  assert(n == 3000)
  first, key = nil, nil
  collectgarbage() collectgarbage()
  assert(next(ephemerons) == nil)
end

local function finalizers()
  local done, order, saved = 0, {}, nil
  for i = 1, 2000 do setmetatable({i}, {__gc = function(o) done = done + 1 order[#order + 1] = o[1] end}) end
  collectgarbage() collectgarbage()
  assert(done == 2000 and #order == 2000)
  setmetatable({name = "back"}, {__gc = function(o) saved = o end})
  collectgarbage()
  assert(saved and saved.name == "back")
  for i = 1, 100 do
    setmetatable({}, {__gc = function() local t = {} for k = 1, 100 do t[k] = {k} end setmetatable({}, {__gc = function() done = done + 1 end}) end})
  end
  for _ = 1, 4 do collectgarbage() end
  assert(done == 2100, done)
end

local function memory()
  collectgarbage()
  local before = collectgarbage("count")
  local t = {}
  for i = 1, 50000 do t[i] = {i} end
  local full = collectgarbage("count")
  assert(full > before + 2000)
  t = nil
  collectgarbage()
  assert(collectgarbage("count") < before + 500)
end

for _, mode in ipairs {"incremental", "generational", "incremental", "generational"} do
  collectgarbage(mode)
  churn(60000)
  weak_things()
  finalizers()
  memory()
  local tree
  local function make(d) if d == 0 then return {} end return {make(d - 1), make(d - 1)} end
  local function check(t) return t[1] and 1 + check(t[1]) + check(t[2]) or 1 end
  tree = make(14)
  for i = 1, 20 do assert(check(make(9)) == 1023) end
  assert(check(tree) == 32767)
  local list
  for i = 1, 100000 do list = {next = i % 1000 > 0 and list or nil, value = i} end
  for i = 1, 100 do collectgarbage("step", 1) churn(50) end
end
collectgarbage("stop")
churn(20000)
collectgarbage("restart")
collectgarbage("setpause", 100)
collectgarbage("setstepmul", 400)
churn(100000)
print "ok"
