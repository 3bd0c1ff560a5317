-- The rules of the battle: who stands on the field at the start, and what a blow does.
local garrison = { "knight", "archer", "knight", "archer", "squire" }
local strength = { knight = { 40, 6 }, archer = { 22, 9 }, squire = { 18, 4 } }

function on_enable()
  for place, kind in garrison do
    local hp, attack = strength[kind][1], strength[kind][2]
    world.spawn("player", kind, -place, hp, attack)
  end
end

-- A blow does the attacker's strength, less or more by a die; one in twelve lands twice as hard.
function damage(attacker, defender)
  local roll = dice.roll(12)
  if roll == 12 then
    return attacker.attack * 2
  end
  return math.max(1, attacker.attack - 2 + roll // 4)
end
