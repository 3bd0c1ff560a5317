function howl() return 'awoo' end
