function howl() return 'moo' end
