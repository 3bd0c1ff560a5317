//! [`choose`]: which export `--call` means.

use modhost::{Code, Engine, Error, Mods, Result, Stage};

use crate::args::usage;

/// What is called when nobody says.
const MAIN: &str = "main";

/// What is to be called.
pub(super) enum Target {
    /// The export of this name of this loaded plugin.
    Export(usize, String),
    /// Nothing.
    None,
    /// A plugin that was refused.
    Refused(usize),
}

/// Which export `call` means; without it, `main` of a single plugin.
pub(super) fn choose(
    engine: &Engine,
    mods: &Mods,
    call: Option<&str>,
    with_args: bool,
    several: bool,
) -> Result<Target> {
    let single = match &mods.loaded[..] {
        [one] if !several || mods.refused.is_empty() => Some(one),
        _ => None,
    };
    let has = |export: &str| match single {
        Some(one) => engine.exports(one.plugin).map(|exports| exports.iter().any(|own| own.name == export)),
        None => Ok(false),
    };
    let Some(call) = call else {
        return match single {
            // Only a plugin named as such is called unasked; one that happens to be alone in its folder is not.
            Some(_) if !several && has(MAIN)? => Ok(Target::Export(0, MAIN.into())),
            _ if with_args && several => Err(usage("--args needs --call ID:FN, because several plugins may be loaded")),
            _ if with_args => Err(usage(format!("--args needs --call FN, because the plugin exports no `{MAIN}`"))),
            _ => Ok(Target::None),
        };
    };
    // A wasm export's own name may hold a colon.
    if has(call)? {
        return Ok(Target::Export(0, call.into()));
    }
    match call.split_once(':') {
        Some((id, export)) => {
            if let Some(at) = mods.loaded.iter().position(|loaded| loaded.name == id) {
                return Ok(Target::Export(at, export.into()));
            }
            if let Some(at) =
                mods.refused.iter().position(|refused| refused.name == id || refused.error.plugin() == Some(id))
            {
                return Ok(Target::Refused(at));
            }
            let message = format!("--call {}: there is no plugin `{}`", call.escape_debug(), id.escape_debug());
            Err(Error::new(Code::PluginNotFound, Stage::Call, message).with_help(format!("Loaded: {}.", ids(mods))))
        }
        None if single.is_some() => Ok(Target::Export(0, call.into())),
        None => {
            let message = format!("--call {0}: whose? Write --call ID:{0}", call.escape_debug());
            Err(usage(message).with_help(format!("Loaded: {}.", ids(mods))))
        }
    }
}

fn ids(mods: &Mods) -> String {
    mods.loaded.iter().map(|loaded| loaded.name.as_str()).collect::<Vec<_>>().join(", ")
}
