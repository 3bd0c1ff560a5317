//! [`Method`]: a Rust function as an export. It reads types off the function, so that [`plugin!`](crate::plugin) needs
//! only names.
//!
//! The last type parameter of each trait tells apart implementations that would otherwise overlap; it is always inferred.

use modhost_abi::{FromArgs, FromValue, IntoValue, Param, Signature, Type, Value};

use crate::Error;

/// What an export may return: a type that crosses, or a `Result` of one with an error that becomes [`Error`].
pub trait Outcome<Kind> {
    /// The type of the result.
    fn ty() -> Type;

    /// The result as a value.
    ///
    /// # Errors
    /// The function's own, or a [`TypeError`](modhost_abi::TypeError) where no value says the result exactly.
    fn finish(self) -> Result<Value, Error>;
}

/// Marks functions that cannot fail.
#[derive(Debug)]
pub enum Plain {}
/// Marks functions that return a `Result`.
#[derive(Debug)]
pub enum Fallible {}

impl<T: IntoValue> Outcome<Plain> for T {
    fn ty() -> Type {
        <T as IntoValue>::ty()
    }
    fn finish(self) -> Result<Value, Error> {
        Ok(self.into_value()?)
    }
}

impl<T: IntoValue, E: Into<Error>> Outcome<Fallible> for Result<T, E> {
    fn ty() -> Type {
        <T as IntoValue>::ty()
    }
    fn finish(self) -> Result<Value, Error> {
        Ok(self.map_err(Into::into)?.into_value()?)
    }
}

/// What may make a plugin's state `S`: a state, or a `Result` of one.
pub trait Made<S, Kind> {
    /// The state.
    ///
    /// # Errors
    /// The expression's own.
    fn made(self) -> Result<S, Error>;
}

impl<S> Made<S, Plain> for S {
    fn made(self) -> Result<S, Error> {
        Ok(self)
    }
}

impl<S, E: Into<Error>> Made<S, Fallible> for Result<S, E> {
    fn made(self) -> Result<S, Error> {
        self.map_err(Into::into)
    }
}

/// A function that can be exported from a plugin with state `S`: `fn(&mut S, ...)` or `fn(&S, ...)` with up to eight
/// further parameters.
pub trait Method<S, Kind> {
    /// How many parameters it has after the state.
    const ARITY: usize;

    /// The types of those parameters, and of the result.
    fn types() -> (Vec<Type>, Type);

    /// Calls it.
    ///
    /// # Errors
    /// The function's own, or the first argument that is of a wrong type.
    fn invoke(&self, state: &mut S, args: &mut [Value]) -> Result<Value, Error>;
}

macro_rules! methods {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<S, Func, Ret, Kind, $($name: FromValue),*> Method<S, (Kind, &'static mut S, fn($($name),*))> for Func
        where
            Func: Fn(&mut S, $($name),*) -> Ret,
            Ret: Outcome<Kind>,
        {
            methods!(@body $($name $at)*);
        }
        impl<S, Func, Ret, Kind, $($name: FromValue),*> Method<S, (Kind, &'static S, fn($($name),*))> for Func
        where
            Func: Fn(&S, $($name),*) -> Ret,
            Ret: Outcome<Kind>,
        {
            methods!(@body $($name $at)*);
        }
    )*};
    (@body $($name:ident $at:tt)*) => {
        const ARITY: usize = 0 $(+ { let _ = $at; 1 })*;

        fn types() -> (Vec<Type>, Type) {
            (<($($name,)*) as FromArgs>::types(), Ret::ty())
        }
        fn invoke(&self, state: &mut S, args: &mut [Value]) -> Result<Value, Error> {
            let _args = <($($name,)*) as FromArgs>::from_args(args)?;
            self(state, $(_args.$at),*).finish()
        }
    };
}
methods! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// A [`Method`] with its types forgotten.
type Erased<S> = dyn Fn(&mut S, &mut [Value]) -> Result<Value, Error>;

/// One export of a plugin with state `S`, as [`plugin!`](crate::plugin) lists it.
pub struct Export<S> {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) invoke: Box<Erased<S>>,
}

impl<S> Export<S> {
    /// An export called `name`; a number of parameter names that is not the function's does not compile.
    pub fn new<Kind, M: Method<S, Kind> + 'static, const N: usize>(
        name: &'static str,
        params: [&'static str; N],
        method: M,
    ) -> Self {
        const { assert!(N == M::ARITY, "the export lists another number of parameters than the function has") };
        let (types, result) = M::types();
        let params = params.into_iter().zip(types).map(|(name, ty)| Param { name: name.into(), ty }).collect();
        let invoke = Box::new(move |state: &mut S, args: &mut [Value]| method.invoke(state, args));
        Export { name, signature: Signature { params, result }, invoke }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counter(i64);

    impl Counter {
        fn add(&mut self, by: i64) -> i64 {
            self.0 += by;
            self.0
        }
        fn divided(&self, by: i64, _rest: Option<bool>) -> Result<i64, &'static str> {
            self.0.checked_div(by).ok_or("divided by zero")
        }
    }

    fn check(export: &Export<Counter>, signature: &str, args: &[Value], expected: Result<Value, &str>) {
        assert_eq!(export.signature.to_string(), signature);
        let result = (export.invoke)(&mut Counter(40), &mut args.to_vec());
        assert_eq!(result.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn types_are_read_off_functions() {
        let add = Export::new("add", ["by"], Counter::add);
        check(&add, "(by: int) -> int", &[Value::Int(2)], Ok(Value::Int(42)));
        check(&add, "(by: int) -> int", &[Value::Nil], Err("argument 1: expected int, found nil"));

        let divided = Export::new("divided", ["by", "rest"], Counter::divided);
        let signature = "(by: int, rest: bool?) -> int";
        check(&divided, signature, &[Value::Int(4)], Ok(Value::Int(10)));
        check(&divided, signature, &[Value::Int(0), Value::Bool(true)], Err("divided by zero"));

        let nothing = Export::new("nothing", [], |_: &mut Counter| ());
        check(&nothing, "()", &[], Ok(Value::Nil));
    }
}
