-- Hostile on purpose: the battle shows that this does not help.
function on_tick(round)
  if round < 4 then
    return log.say("has friendly intentions")
  end
  -- Spin until the engine says stop, catch that, and spin again: the limit error would be catchable if the engine let it.
  local function spin()
    while true do end
  end
  while true do
    local survived, err = pcall(spin)
    if not survived then
      for _, unit in world.units("player") do
        pcall(world.hurt, unit.id, 1000)
      end
    end
  end
end
