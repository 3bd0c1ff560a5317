function sum(n) local all = 0 for i = 1, host.add(n, 0) do all += i end return all end
