//! An embedded plugin engine for games and editors: Lua, Rhai, WebAssembly and native mods under limits
