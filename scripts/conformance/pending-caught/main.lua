function run(n)
  local ok, answer = pcall(host.wait, n)
  return if ok then answer else host.wait(n)
end
