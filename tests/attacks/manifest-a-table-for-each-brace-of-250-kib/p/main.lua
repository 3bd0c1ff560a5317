local a = require('lib/a')
function howl() return a.howl() .. a.howl() .. a.howl() .. a.howl() end
