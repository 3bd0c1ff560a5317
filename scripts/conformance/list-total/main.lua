function total(numbers) local sum = 0 for _, number in numbers do sum += number end return sum end
