function heal(unit) unit.hp += 1 return unit end
