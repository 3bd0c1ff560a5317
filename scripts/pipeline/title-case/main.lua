-- A filter takes the whole text and gives it back. What the mod does not return in its table stays its own.
local small = { a = true, an = true, ["and"] = true, at = true, by = true, ["for"] = true, ["in"] = true, of = true, on = true,
  ["or"] = true, the = true, to = true, with = true }

local function title(heading)
  local first = true
  return (heading:gsub("%a[%w']*", function(word)
    local keep = small[word] and not first
    first = false
    return keep and word or word:sub(1, 1):upper() .. word:sub(2)
  end))
end

local mod = {}

function mod.on_enable()
  editor.filter("apply", "headings in title case")
end

function mod.apply(text)
  local lines = text:split("\n")
  local fenced = false
  for at, line in lines do
    if line:sub(1, 3) == "```" then
      fenced = not fenced
    end
    local marks, heading = line:match("^(#+%s+)(.+)$")
    if heading and not fenced then
      lines[at] = marks .. title(heading)
    end
  end
  return table.concat(lines, "\n")
end

return mod
