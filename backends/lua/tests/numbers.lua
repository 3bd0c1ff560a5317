-- Driven by numbers.rs: each library function gets odd numbers in each place of otherwise plausible arguments.
-- `plausible` has a row for each function that a plugin can reach; numbers.rs holds the names against those of a live state.

local long = string.rep("abc ", 2048)
local function list() local t = table.create(1000) for at = 1, 1000 do t[at] = at end return t end
local function keyed() local t = {} for at = 1, 1000 do t[at * 3] = at end return t end
local function nothing() end
local lasting = list()
local data = buffer.create(65536)
local v = vector.create(1, 2, 3)
local format = string.rep("%d %5.3f %s %x ", 4)

local plausible = {
  assert = function() return 1, "why" end,
  error = function() return "why", 1 end,
  getmetatable = function() return "a" end,
  ipairs = function() return list() end,
  next = function() return lasting, 1 end,
  pairs = function() return list() end,
  pcall = function() return string.rep, "a", 3 end,
  print = function() return 1 end,
  rawequal = function() return 1, 2 end,
  rawget = function() return lasting, 1 end,
  rawlen = function() return long end,
  rawset = function() return {}, 1, 2 end,
  require = function() return "lib" end,
  select = function() return 1, 2, 3 end,
  setmetatable = function() return {}, {} end,
  tonumber = function() return "10", 16 end,
  tostring = function() return 1 end,
  type = function() return 1 end,
  typeof = function() return 1 end,
  unpack = function() return list(), 1, 3 end,
  xpcall = function() return string.rep, nothing, "a", 3 end,
  bit32 = {
    arshift = function() return 1, 2 end, band = function() return 1, 2, 3 end, bnot = function() return 1 end,
    bor = function() return 1, 2, 3 end, btest = function() return 1, 2, 3 end, bxor = function() return 1, 2, 3 end,
    byteswap = function() return 1 end, countlz = function() return 1 end, countrz = function() return 1 end,
    extract = function() return 1, 2, 3 end, lrotate = function() return 1, 2 end, lshift = function() return 1, 2 end,
    replace = function() return 1, 2, 3, 4 end, rrotate = function() return 1, 2 end, rshift = function() return 1, 2 end,
  },
  buffer = {
    copy = function() return data, 0, data, 0, 9 end, create = function() return 8 end,
    fill = function() return data, 0, 7, 9 end, fromstring = function() return long end, len = function() return data end,
    readbits = function() return data, 1, 2 end, readf32 = function() return data, 1 end,
    readf64 = function() return data, 1 end, readi16 = function() return data, 1 end,
    readi32 = function() return data, 1 end, readi8 = function() return data, 1 end,
    readstring = function() return data, 1, 2 end, readu16 = function() return data, 1 end,
    readu32 = function() return data, 1 end, readu8 = function() return data, 1 end,
    tostring = function() return data end, writebits = function() return data, 1, 2, 3 end,
    writef32 = function() return data, 1, 2 end, writef64 = function() return data, 1, 2 end,
    writei16 = function() return data, 1, 2 end, writei32 = function() return data, 1, 2 end,
    writei8 = function() return data, 1, 2 end,
    writestring = function() return data, 1, long, 3 end,
    writeu16 = function() return data, 1, 2 end, writeu32 = function() return data, 1, 2 end,
    writeu8 = function() return data, 1, 2 end,
  },
  coroutine = {
    close = function() return coroutine.create(nothing) end, create = function() return nothing end,
    isyieldable = function() return 1 end, resume = function() return coroutine.create(nothing), 1 end,
    running = function() return 1 end, status = function() return coroutine.create(nothing) end,
    wrap = function() return nothing end, yield = function() return 1, 2 end,
  },
  math = {
    abs = function() return 1 end, acos = function() return 1 end, asin = function() return 1 end,
    atan = function() return 1 end, atan2 = function() return 1, 2 end, ceil = function() return 1 end,
    clamp = function() return 1, 2, 3 end, cos = function() return 1 end, cosh = function() return 1 end,
    deg = function() return 1 end, exp = function() return 1 end, floor = function() return 1 end,
    fmod = function() return 1, 2 end, frexp = function() return 1 end, isfinite = function() return 1 end,
    isinf = function() return 1 end, isnan = function() return 1 end, ldexp = function() return 1, 2 end,
    lerp = function() return 1, 2, 3 end, log = function() return 1, 2 end, log10 = function() return 1 end,
    map = function() return 1, 2, 3, 4, 5 end, max = function() return 1, 2, 3 end, min = function() return 1, 2, 3 end,
    modf = function() return 1 end, noise = function() return 1, 2, 3 end, pow = function() return 1, 2 end,
    rad = function() return 1 end, random = function() return 1, 2 end, randomseed = function() return 1 end,
    round = function() return 1 end, sign = function() return 1 end, sin = function() return 1 end,
    sinh = function() return 1 end, sqrt = function() return 1 end, tan = function() return 1 end,
    tanh = function() return 1 end,
  },
  string = {
    byte = function() return long, 1, 3 end, char = function() return 1, 2, 3 end,
    find = function() return long, "c a", 2, true end, format = function() return format, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6 end,
    gmatch = function() return long, "c" end, gsub = function() return long, "c", "d", 3 end,
    len = function() return long end, lower = function() return long end, match = function() return long, "c a", 2 end,
    pack = function() return "!8 i4 I7 n s c9 x Xd", 1, 2, 3, "a", "b", "c" end, packsize = function() return "!8 i4 I7 n x Xd" end,
    rep = function() return long, 3 end, reverse = function() return long end, split = function() return long, " " end,
    sub = function() return long, 2, 3 end, unpack = function() return "i4 i4 z", long, 1 end,
    upper = function() return long end,
  },
  table = {
    clear = function() return list() end, clone = function() return lasting end, concat = function() return lasting, ", ", 2, 5 end,
    create = function() return 5, 1 end, find = function() return lasting, 700, 2 end, freeze = function() return list() end,
    getn = function() return lasting end, insert = function() return list(), 3, 4 end, isfrozen = function() return lasting end,
    maxn = function() return lasting end, move = function() return keyed(), 1, 3, 5, list() end,
    pack = function() return 1, 2, 3 end, remove = function() return list(), 3 end,
    sort = function() return list(), function(a, b) return a > b end end, unpack = function() return lasting, 1, 3 end,
  },
  utf8 = {
    char = function() return 1, 2, 3 end, codepoint = function() return long, 1, 3 end, codes = function() return long end,
    len = function() return long, 1, 300 end, offset = function() return long, 3, 1 end,
  },
  vector = {
    abs = function() return v end, angle = function() return v, v, v end, ceil = function() return v end,
    clamp = function() return v, v, v end, create = function() return 1, 2, 3 end, cross = function() return v, v end,
    dot = function() return v, v end, floor = function() return v end, lerp = function() return v, v, 1 end,
    magnitude = function() return v end, max = function() return v, v end, min = function() return v, v end,
    normalize = function() return v end, sign = function() return v end,
  },
}

-- Names of functions, sorted: those of a state, as `library.name`, or those that have a row.
local function listed(of)
  local names = {}
  for name, value in of do
    if type(value) == "function" then
      names[#names + 1] = name
    elseif type(value) == "table" and plausible[name] then
      for field, value in value do
        if type(value) == "function" then names[#names + 1] = name .. "." .. field end
      end
    end
  end
  table.sort(names)
  return names
end

local there = {}
for name, value in getmetatable(_G) and getmetatable(_G).__index or _G do there[name] = value end

function names() return { there = listed(there), rows = listed(plausible) } end

local function found(of, name)
  local library, field = string.match(name, "^(%w+)%.(%w+)$")
  return library and of[library][field] or not library and of[name]
end

local huge = math.huge
-- The last but one is just within what a table may have under the limit of numbers.rs.
local odd = {
  0 / 0, huge, -huge, -0.0, 0, 2147483647, 2147483648, 2147483649, 4294967296, 4294967297, 9007199254740992, 1e10, 1e308, 1.5,
  -1, -9, -2147483640, -2147483648, -2147483649, -1e10, -1e308, 0.1, 1999000, 1e6,
}
-- Those that stand in two and three places at once.
local few = { 0 / 0, huge, -huge, -9, 2147483647, 2147483649, -2147483640, -2147483648, 1e10, 1999000 }

local function put(arguments, ...)
  for at = 1, select("#", ...), 2 do
    local place, number = select(at, ...)
    arguments[place] = number
    arguments.n = math.max(arguments.n, place)
  end
  return arguments
end

-- One way for each number in one place, one beyond the last included, then for pairs and triples of neighbours. What takes numbers
-- alone does no more work for several.
local function placed(row)
  local places, plain = math.min(row.n, 5), true
  local all = {}
  for place = 1, places + 1 do
    for _, a in odd do all[#all + 1] = { place, a } end
  end
  for place = 1, row.n do plain = plain and type(row[place]) == "number" end
  for place = 1, plain and 0 or places - 1 do
    for _, a in few do
      for _, b in few do
        all[#all + 1] = { place, a, place + 1, b }
        if place + 2 <= places then all[#all + 1] = { place, a, place + 2, b } end
        for _, c in place + 2 <= places and few or {} do all[#all + 1] = { place, a, place + 1, b, place + 2, c } end
      end
    end
  end
  return all
end

-- Each function as a metamethod of a list.
local methods = {
  __index = function(t, n) return t[n] end, __newindex = function(t, n) t[n] = n end, __call = function(t, n) return t(n, n, n) end,
  __len = function(t) return #t end, __unm = function(t) return -t end, __add = function(t, n) return t + n, n + t end,
  __concat = function(t, n) return t .. n, n .. t end, __eq = function(t, _, u) return t == u end,
  __lt = function(t, _, u) return t < u end, __le = function(t, _, u) return t <= u end, __iter = function(t) for _ in t do break end end,
  __tostring = function(t) return tostring(t) end, __idiv = function(t, n) return t // n, n // t end,
}

-- Drives the function `name` from way `from` on, telling the host of each way before it is tried. Gives how many there are.
function drive(name, from)
  local row, tried = found(plausible, name), found(there, name)
  local ways = placed(table.pack(row()))
  for at = from, #ways do
    bench.at(at)
    local arguments = put(table.pack(row()), table.unpack(ways[at]))
    pcall(tried, table.unpack(arguments, 1, arguments.n))
  end
  local at = #ways
  for method, use in methods do
    for _, number in few do
      at += 1
      if at >= from then
        bench.at(at)
        local t, u = setmetatable({ 3, 2, 1 }, { [method] = tried }), setmetatable(list(), { [method] = tried })
        pcall(use, u, number, t)
      end
    end
  end
  return at
end
