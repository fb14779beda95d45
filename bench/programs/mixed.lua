-- What Lua programs do: trees, tables, strings, closures, sorting, calls.
local function tree(d) if d == 0 then return {} end return {tree(d-1), tree(d-1)} end
local function check(t) return t[1] and 1 + check(t[1]) + check(t[2]) or 1 end
local long = tree(16)
for d = 4, 14, 2 do for i = 1, 1 << (14 - d + 2) do check(tree(d)) end end
assert(check(long) == 131071)
local words = {}
for i = 1, 300000 do local w = "w" .. (i * 7919 % 50021) words[w] = (words[w] or 0) + 1 end
local keys = {} for k in pairs(words) do keys[#keys+1] = k end table.sort(keys)
local s = 0 for i = 1, 30 do for _, k in ipairs(keys) do s = s + #k end end
local parts = {} for i = 1, 200000 do parts[#parts+1] = ("%d:%s"):format(i, "x") end
local text = table.concat(parts, ",") local n = 0 for a in text:gmatch("%d+") do n = n + 1 end assert(n == 200000)
local q = {} for i = 1, 300000 do q[i] = function() return i end end local t = 0 for i = 1, 300000 do t = t + q[i]() end
local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end fib(27)
