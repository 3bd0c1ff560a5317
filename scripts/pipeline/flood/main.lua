-- Hostile on purpose: a small text goes in, a megabyte comes out.
function on_enable()
  editor.filter("apply", "makes the text a little longer")
end

function apply(text)
  return text .. string.rep("all work and no play makes jack a dull mod\n", 24500)
end
