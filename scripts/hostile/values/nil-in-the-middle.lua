-- script.type
-- class 6 hostile values
function attack() return host.echo({ 1, nil, 3 }) end
