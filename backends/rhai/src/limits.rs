//! The limits as Rhai takes them: sizes computed from [`Limits`], what a guest may not use, what the backend promises.
//! It never runs anything; `load` applies it to each engine.

use modhost_backend::{Enforcement, Guarantee, Limits};
use rhai::{Engine, OptimizationLevel};

/// What Rhai can promise.
///
/// * `memory`: sizes of single values are held, in parts of containers within some hundred assignments; their sum over the
///   frames of a call is estimated wherever variables are defined or given a value, the syntax tree by its tokens, and what
///   expressions hold unseen by the native stack they use, see [`crate::stack`]. Attacks under limits of 1, 16, 64 and
///   256 MiB made a process grow by at most 5, 15, 37 and 213 MiB.
/// * `interrupt`: looked at before every operation; the longest one compares two maps of the largest size, 0.9 ms. The parser cannot be interrupted: a source within [`SOURCE`], [`TOKENS`] and [`LOOKUPS`] took
///   it at most 60 ms, and 100 ms on a machine with other work.
/// * `call depth`: never above the limit, and below it where the native stack used reaches [`STACK`]: 170 to 270
///   levels of plain functions.
pub(crate) const ENFORCEMENT: Enforcement = Enforcement {
    memory: Guarantee::Approximate,
    interrupt: Guarantee::Approximate,
    call_depth: Guarantee::Approximate,
    ..Enforcement::SANDBOX
};

/// The most nested calls of script functions, whatever the policy says.
pub(crate) const DEEPEST_CALLS: usize = 256;
/// Bytes of native stack that guests may use, for Rhai recurses on it: a thread may have 2 MiB in all. The rest is for the
/// host's own frames and for builtins that recurse over a container.
pub(crate) const STACK: usize = 1408 << 10;
/// How deep expressions and blocks nest in functions, and on the top level.
pub(crate) const EXPRESSION_DEPTH: usize = 32;
/// How deep containers may nest where they are given to a variable, a part, a method or a closure: Rhai recurses over them
/// on the native stack, and so does dropping them.
pub(crate) const VALUE_DEPTH: usize = 64;
/// The longest identifier, in bytes: the name of a function is copied whenever one is printed.
pub(crate) const IDENTIFIER: usize = 128;
/// The longest literal number, in characters: Rhai parses them in quadratic time.
pub(crate) const NUMBER: usize = 128;
/// The most arguments of a call with `::`, unless a host function takes more: Rhai looks for such a function in
/// `2^arguments` ways.
pub(crate) const QUALIFIED_ARGUMENTS: usize = 8;
/// The most arguments of any other call, and parameters of a function: Rhai looks for one that it does not find in 65,536 ways,
/// each of which goes through all arguments. 10,000 of them took it 3 s.
pub(crate) const ARGUMENTS: usize = 128;
/// The longest source, in bytes, all files of a plugin together, whatever the policy says: the parser cannot be interrupted.
pub(crate) const SOURCE: usize = 512 << 10;
/// The most words and signs of a plugin's files, see [`SOURCE`]: the parser takes about 0.3 us for each.
pub(crate) const TOKENS: u64 = 64 << 10;
/// The most names that the parser may have to look at: it looks through lists for each name that a source uses.
pub(crate) const LOOKUPS: u64 = 8 << 20;
/// The most imports of one file, and the most files of a plugin beside the entry.
pub(crate) const IMPORTS: usize = 64;

/// What a stock Rhai has and a plugin does not, and why.
///
/// The packages `LanguageCore` (`sleep`, `exit`, `parse_json`, `get_fn_metadata_list`) and `BasicTime` (`timestamp`) are
/// not registered at all; the symbols here are built into the language.
pub(crate) const REMOVED: [(&str, &str); 4] = [
    ("eval", "nested, it overflows the native stack; its cost is not bounded by the source's length"),
    ("curry", "function pointers that hold function pointers nest without a limit; capture a variable instead"),
    ("Fn", "it holds a name of any length; name the function itself: `list.map(double)`"),
    ("export", "public functions are the exports"),
];

/// The part of the memory limit that the texts of one value may have.
pub(crate) const TEXTS: u64 = 4096;

/// Sizes of Rhai values, made of [`Limits`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sizes {
    /// Bytes of all texts in one value.
    pub(crate) string: usize,
    /// Elements (and bytes of blobs) in one value.
    pub(crate) array: usize,
    /// Entries of maps in one value.
    pub(crate) map: usize,
    /// Variables of one call.
    pub(crate) variables: usize,
    /// Functions of a plugin.
    pub(crate) functions: usize,
    /// Nested calls.
    pub(crate) calls: usize,
}

impl Sizes {
    /// 64 MiB of memory give texts of 16 KiB, 1024 elements and 1024 entries; other amounts scale. Nothing is zero here,
    /// for Rhai takes that as unlimited: a limit of zero is held by the meter, or by a size of one that nothing reaches.
    pub(crate) fn of(limits: &Limits) -> Self {
        let share = |of: u64, most: usize| usize::try_from(limits.memory / of).unwrap_or(most).clamp(1, most);
        Sizes {
            string: share(TEXTS, 64 << 10),
            array: share(64 << 10, 1024),
            map: share(64 << 10, 1024),
            variables: share(64 << 10, 256),
            functions: share(16 << 10, 4096),
            calls: usize::try_from(limits.call_depth).unwrap_or(usize::MAX).min(DEEPEST_CALLS),
        }
    }

    /// Sets every limit of `engine`.
    pub(crate) fn apply(self, engine: &mut Engine, limits: &Limits) {
        engine.set_optimization_level(OptimizationLevel::None);
        engine.set_max_operations(limits.fuel.max(1));
        engine.set_max_call_levels(self.calls);
        engine.set_max_expr_depths(EXPRESSION_DEPTH, EXPRESSION_DEPTH);
        engine.set_max_string_size(self.string);
        engine.set_max_array_size(self.array);
        engine.set_max_map_size(self.map);
        engine.set_max_variables(self.variables);
        engine.set_max_functions(self.functions);
        // And one more: a file's own constants.
        engine.set_max_modules(IMPORTS + 1);
        for (symbol, _) in REMOVED {
            engine.disable_symbol(symbol);
        }
    }
}
