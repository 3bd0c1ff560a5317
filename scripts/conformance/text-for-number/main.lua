function text_for_number() return host.add("1", 2) end
function one() return 1 end
