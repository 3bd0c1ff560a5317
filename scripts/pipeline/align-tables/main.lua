-- Lines that begin with `|` are a table; its second line says how columns are set.
local function cells(line)
  local found = {}
  for cell in line:gmatch("|([^|]*)") do
    table.insert(found, cell:match("^%s*(.-)%s*$"))
  end
  if found[#found] == "" then
    table.remove(found)
  end
  return found
end

local function rule(cell, width)
  local left, right = cell:sub(1, 1) == ":", cell:sub(-1) == ":"
  return (left and ":" or "-") .. string.rep("-", width - 2) .. (right and ":" or "-")
end

local function pad(cell, width, how)
  local room = width - (utf8.len(cell) or #cell)
  local before = if how:sub(-1) ~= ":" then 0 elseif how:sub(1, 1) == ":" then room // 2 else room
  return string.rep(" ", before) .. cell .. string.rep(" ", room - before)
end

local function align(lines, first, last)
  local rows, widths = {}, {}
  for at = first, last do
    local row = cells(lines[at])
    table.insert(rows, row)
    for column, cell in row do
      widths[column] = math.max(widths[column] or 3, utf8.len(cell) or #cell)
    end
  end
  for at, row in rows do
    local made = {}
    for column, width in widths do
      local cell, how = row[column] or "", rows[2][column] or "-"
      made[column] = at == 2 and rule(how, width) or pad(cell, width, how)
    end
    lines[first + at - 1] = "| " .. table.concat(made, " | ") .. " |"
  end
end

function on_enable()
  editor.filter("apply", "columns of tables in line")
end

function apply(text)
  local lines = text:split("\n")
  local first
  for at = 1, #lines + 1 do
    local inside = lines[at] ~= nil and lines[at]:sub(1, 1) == "|"
    if inside and not first then
      first = at
    elseif first and not inside then
      -- Without a rule below its head it is no table.
      if at - first > 1 and lines[first + 1]:match("^[|:%- ]+$") then
        align(lines, first, at - 1)
      end
      first = nil
    end
  end
  return table.concat(lines, "\n")
end
