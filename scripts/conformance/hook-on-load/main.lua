local own
function on_load(info) own = info.id end
function id() return own end
