function broken(
