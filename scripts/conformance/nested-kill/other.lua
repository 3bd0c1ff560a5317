function fall() while true do end end
