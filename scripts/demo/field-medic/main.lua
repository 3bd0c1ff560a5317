-- A mod that returns a table exports its fields; everything else stays its own.
local medic = {}
local herbs = 8

function medic.on_tick()
  local worst
  for _, unit in world.units("player") do
    if unit.hp < 12 and (worst == nil or unit.hp < worst.hp) then
      worst = unit
    end
  end
  if worst and herbs > 0 then
    herbs -= 1
    world.hurt(worst.id, -6)
    log.say(`binds the wounds of {worst.kind} {worst.id}, {herbs} herbs left`)
  end
end

return medic
