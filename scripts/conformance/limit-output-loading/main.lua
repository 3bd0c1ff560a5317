print("more than ten bytes")
