-- script.raised
-- class 9 text for people
function attack() error("\27]0;owned\7\226\128\174") end
