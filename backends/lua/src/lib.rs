//! modhost's backend for Lua, in the dialect Luau: [`LuaBackend`] loads one script as one state of its own.
//!
//! * **Exports** are the functions among the fields of the table that the main chunk returns, else the script's global
//!   functions.
//! * **Host functions** are read-only global tables: `world.spawn("wolf", 1, 2)`. What one fails with is an error that
//!   `pcall` catches and whose `tostring` is the message; uncaught, the caller gets the host's own fault back.
//! * **Pending host functions** suspend a call that was started as one that can be: it runs on a coroutine then. That works
//!   in nested functions, in `pcall` and in required files; not in the script's own coroutines, in metamethods and in
//!   callbacks of the library, where nothing is begun and the error is `host.cannot-suspend`.
//! * **Values**: text is a string, bytes are a `buffer`, a list is a table with keys 1 to n, a map a table with string
//!   keys, a handle opaque userdata. Lua has floats only: a whole number within +-2^53 comes back as an int unless a
//!   signature asks for a float; an int beyond does not go in. An empty table is a list unless a signature asks for a map,
//!   and a list has no holes.
//! * **Files**: `require("lib/util")` gives what the plugin's file `lib/util.lua` returns, `require("./util")` what the one
//!   in the same folder does. Each runs once, with globals of its own; exports are those of the entry alone.
//! * **Libraries**: `bit32 buffer coroutine math string table utf8 vector`; a policy may close each.
//! * **Limits** hold in coroutines, metamethods, comparators and error handlers. A call that hit one cannot go on,
//!   whatever it catches. Fuel is counted in safepoints: calls, returns, back edges, steps of string patterns, points within
//!   long straight-line code, and 256 bytes each that a library function handles in one go.
//! * **Straight-line code**: an expression that could take more than 80 ms between two safepoints is refused when it is
//!   loaded. A text with more than 160 KiB of digits in a row, or more than 256 KiB of white space, ends its plugin with
//!   `limit.deadline`: reading it as a number could not be stopped.
//!
//! ```
//! use modhost_backend::{Value, rig::Rig};
//! use modhost_lua::LuaBackend;
//!
//! let mut rig = Rig::builder()
//!     .file("main.lua", "local hp = 12\nfunction hit(by) hp -= by return hp end\nfunction spin() while true do end end")
//!     .load(&LuaBackend::new())?;
//! assert_eq!(rig.call("hit", &[Value::Int(5)])?, Value::Int(7));
//! assert_eq!(rig.call("spin", &[]).unwrap_err().code(), "limit.fuel");
//! # Ok::<(), modhost_backend::Fault>(())
//! ```
#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod arguments;
mod convert;
#[allow(unsafe_code)]
mod coroutine;
mod instance;
#[allow(unsafe_code)]
mod interrupt;
mod limits;
mod link;
mod load;
#[allow(unsafe_code)]
mod memory;
#[allow(unsafe_code)]
mod metered;
mod modules;
mod numeral;
mod raise;
mod sets;
#[allow(unsafe_code)]
mod shift;
mod source;
mod straight;

use modhost_backend::{Backend, Enforcement, Fault, Instance, Kind, LoadRequest};

/// The backend for Lua scripts. It holds nothing: each plugin has a state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct LuaBackend {
    density: straight::Density,
}

impl LuaBackend {
    /// The backend.
    #[must_use]
    pub fn new() -> Self {
        LuaBackend::default()
    }

    /// The backend with a safepoint at each expression. Scripts must behave the same, but for the fuel that they take.
    #[doc(hidden)]
    #[must_use]
    pub fn with_all_safepoints() -> Self {
        LuaBackend { density: straight::Density::Everywhere }
    }
}

impl Backend for LuaBackend {
    fn kind(&self) -> Kind {
        Kind::LUA
    }

    fn enforcement(&self) -> Enforcement {
        limits::ENFORCEMENT
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        load::load(&request, self.density).map(|instance| Box::new(instance) as Box<dyn Instance>)
    }
}
