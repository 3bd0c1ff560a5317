//! [`plugin!`](crate::plugin): the one list of what a plugin is. It expands to safe code, except for the attribute that
//! gives the entry symbol its name.

/// Makes a plugin of a state, the host functions it calls and the functions it exports.
///
/// - `state: Type = expression;` runs when an instance is made; the expression may be a `Result`, and may call imports.
/// - `imports { fn name(param: Type, ...) -> Type => "contract.function"; }` declares `host::name`, which returns a
///   [`Result`](crate::Result) of that type. May be left out.
/// - `exports { fn name(param, ...) => path; }` exports the function at `path`, whose first parameter is `&mut Type` or
///   `&Type`; the signature that the host sees has these names and the function's types.
///
/// One per crate. See the [crate's front page](crate) for an example.
#[macro_export]
macro_rules! plugin {
    (
        state: $State:ty = $make:expr;
        $(imports { $(fn $import:ident($($param:ident: $Param:ty),* $(,)?) $(-> $Ret:ty)? => $host:literal;)* })?
        exports { $(fn $export:ident($($arg:ident),* $(,)?) => $path:expr;)* }
    ) => {
        #[cfg(all(panic = "abort", not(target_family = "wasm")))]
        compile_error!("a native plugin must be built with panic = \"unwind\": a panic would end the host");

        /// The host functions that this plugin calls.
        #[allow(dead_code, unused_imports)]
        mod host {
            use super::*;

            #[allow(non_camel_case_types)]
            pub(super) enum Index { $($($import,)*)? #[doc(hidden)] End }

            pub(super) const NAMES: &[&str] = &[$($($host),*)?];

            $($(
                #[doc = concat!("Calls `", $host, "`.")]
                pub(crate) fn $import($($param: $Param),*) -> $crate::Result<$crate::__result!($($Ret)?)> {
                    $crate::ffi::call_host(Index::$import as u32, ($($param,)*))
                }
            )*)?
        }

        const _: () = {
            // A name that an author will not have: items of a macro are not hygienic.
            struct __ModhostPlugin;

            impl $crate::ffi::Guest for __ModhostPlugin {
                type State = $State;

                fn imports() -> &'static [&'static str] {
                    host::NAMES
                }
                fn exports() -> ::std::vec::Vec<$crate::ffi::Export<$State>> {
                    ::std::vec![$($crate::ffi::Export::new(stringify!($export), [$(stringify!($arg)),*], $path)),*]
                }
                fn create() -> $crate::Result<$State> {
                    $crate::Made::<$State, _>::made($make)
                }
            }

            #[allow(unsafe_code)]
            #[unsafe(no_mangle)]
            extern "C" fn modhost_plugin_1() -> *const $crate::abi::vtable::Plugin {
                static TABLE: $crate::ffi::Table = $crate::ffi::Table::new();
                TABLE.of::<__ModhostPlugin>()
            }
        };
    };
}

/// The result type of an import; nil where none is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __result {
    () => {
        ()
    };
    ($Ret:ty) => {
        $Ret
    };
}
