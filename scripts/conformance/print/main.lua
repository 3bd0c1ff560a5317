function say() print("one") print("Zoë 🐺") end
