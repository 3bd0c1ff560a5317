//! The functions that plugins share: Rhai's packages without what must not be, by the libraries that a policy can close. It
//! registers functions and makes one module of each choice of libraries; it never runs a plugin.

mod array;
mod basic;
mod blob;
mod callback;
mod iterators;
mod map;
mod string;

use std::sync::OnceLock;

use modhost_backend::LoadRequest;
use rhai::{
    Dynamic, Engine, EvalAltResult, Module, NativeCallContext, Position, Shared,
    packages::{BasicMathPackage, BitFieldPackage, Package},
};

use crate::{limits, memory, stack};

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// Registers a function for calls without a namespace.
macro_rules! set {
    ($module:expr, $name:expr, $function:expr $(,)?) => {
        rhai::FuncRegistration::new($name).in_global_namespace().set_into_module($module, $function);
    };
}
use set;

/// Puts a library into a module.
type Open = fn(&mut Module);

/// What a policy may open or close, by name, with what opens it. Operators, conversions to text and what `for` needs are
/// the language and always open; there is no name for what no plugin gets: time, sleeping, parsing at run time.
const LIBRARIES: [(&str, Open); 7] = [
    ("array", array::open),
    ("bits", BitFieldPackage::init),
    ("blob", blob::open),
    ("iterators", iterators::open),
    ("map", map::open),
    ("math", BasicMathPackage::init),
    ("string", string::open),
];

/// Gives `engine` the builtins that `request` opens. Rhai asks each module of an engine for each function that a call uses,
/// so they are one module; each choice is made once per process.
pub(crate) fn register(engine: &mut Engine, request: &LoadRequest<'_>) {
    static SHARED: [OnceLock<Shared<Module>>; 1 << LIBRARIES.len()] = [const { OnceLock::new() }; 1 << LIBRARIES.len()];
    let is_open = |at: &usize| request.library(LIBRARIES[*at].0);
    let open = (0..LIBRARIES.len()).filter(is_open).fold(0, |open, at| open | 1 << at);
    engine.register_global_module(SHARED[open].get_or_init(|| module(open).into()).clone());
}

/// The core and the libraries whose bits are set in `open`.
fn module(open: usize) -> Module {
    let mut module = Module::new();
    basic::open(&mut module);
    for (at, (_, library)) in LIBRARIES.iter().enumerate() {
        if open & 1 << at != 0 {
            library(&mut module);
        }
    }
    // What was registered here stands before functions of packages, whichever came first.
    module.register_lazy_functions();
    module.build_index();
    module
}

fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.into(), Position::NONE).into()
}

/// A value that a function makes of what a callback gives, part by part: Rhai looks at its size when it is done, which may
/// be after many heavy parts and deep within other calls.
struct Made {
    weight: u64,
    most: u64,
}

impl Made {
    fn new(ctx: &NativeCallContext) -> Self {
        // A text may have this part of the memory limit.
        let memory = limits::TEXTS * ctx.engine().max_string_size() as u64;
        Made { weight: 0, most: memory / memory::HEAVIEST }
    }

    /// `part` is added.
    fn add(&mut self, part: &Dynamic) -> Outcome<()> {
        self.weight += memory::weight(part).ok_or_else(|| too_large("Depth of containers"))?;
        if self.weight > self.most {
            return Err(too_large("Size of array/BLOB"));
        }
        stack::note(self.weight);
        Ok(())
    }
}

/// The result of a function, noted: an expression may hold it while it calls others.
fn noted<T: Into<Dynamic>>(ctx: &NativeCallContext, value: T) -> Outcome<Dynamic> {
    let value = value.into();
    Made::new(ctx).add(&value).map(|()| value)
}

#[cfg(test)]
mod tests {
    use super::{LIBRARIES, module};

    /// Rhai tells no names without its feature `metadata`, but how many functions there are.
    #[test]
    fn the_list_of_functions_is_whole() {
        let all = format!("{:?}", module((1 << LIBRARIES.len()) - 1));
        let count =
            ["PluginFunction\"", "NativePureFunction\"", "NativeMethod\""].map(|kind| all.matches(kind).count());
        assert_eq!(
            count.iter().sum::<usize>(),
            787,
            "another number of functions: bring the lists of tests/numbers.rs up to date, and this number"
        );
    }
}
