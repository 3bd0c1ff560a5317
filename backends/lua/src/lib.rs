//! modhost backend: Lua (Luau)
