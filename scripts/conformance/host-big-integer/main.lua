function beyond() return host.add(9007199254740992, 1) end
