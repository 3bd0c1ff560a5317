//! [`HostClosure`]: which Rust closures can be host functions.

use std::fmt::Display;

use super::HostError;
use modhost_abi::{FromArgs, FromValue, IntoValue, Signature, Type, Value};
use modhost_backend::{
    Fault, HostFailure,
    scope::{self, NotLent},
};

/// What a closure may go wrong with, before the function's name is known.
pub(crate) enum Failure {
    /// A fault that needs no name.
    Fault(Fault),
    /// A failure of the host function itself.
    Host(HostFailure, String),
}

impl From<modhost_abi::TypeError> for Failure {
    fn from(error: modhost_abi::TypeError) -> Self {
        Failure::Fault(error.into())
    }
}

/// A closure, erased.
pub(crate) type Erased = dyn Fn(&mut [Value]) -> Result<Value, Failure> + Send + Sync;

/// What a host closure may return: a value, or a `Result` of one with any error that can be displayed, or with a [`HostError`].
pub trait IntoResult<Marker> {
    /// The value's own type.
    type Value;
    /// The type of the value.
    fn ty() -> Type;
    /// The value, or why there is none.
    ///
    /// # Errors
    /// The closure's own error.
    fn into_result(self) -> Result<Result<Value, modhost_abi::TypeError>, HostError>;
}

/// Marks closures that borrow the host's state.
pub struct Stateful;
/// Marks closures without state.
pub struct Stateless;
/// Marks [`IntoResult`] of a plain value.
pub struct Plain;
/// Marks [`IntoResult`] of a `Result`.
pub struct Fallible;
/// Marks [`IntoResult`] of a `Result` with a [`HostError`].
pub struct Told;

impl<T: IntoValue> IntoResult<Plain> for T {
    type Value = T;
    fn ty() -> Type {
        T::ty()
    }
    fn into_result(self) -> Result<Result<Value, modhost_abi::TypeError>, HostError> {
        Ok(self.into_value())
    }
}

impl<T: IntoValue, E: Display> IntoResult<Fallible> for Result<T, E> {
    type Value = T;
    fn ty() -> Type {
        T::ty()
    }
    fn into_result(self) -> Result<Result<Value, modhost_abi::TypeError>, HostError> {
        self.map(IntoValue::into_value).map_err(HostError::new)
    }
}

impl<T: IntoValue> IntoResult<Told> for Result<T, HostError> {
    type Value = T;
    fn ty() -> Type {
        T::ty()
    }
    fn into_result(self) -> Result<Result<Value, modhost_abi::TypeError>, HostError> {
        self.map(IntoValue::into_value)
    }
}

/// A closure that can be a host function: `Fn(&mut S, A, B, ...) -> R`, which borrows the embedder's own state for the length of the
/// call, or `Fn(A, B, ...) -> R` without state. `A`, `B` are [`FromValue`] types, `R` is [`IntoResult`].
///
/// The parameter `Marker` only keeps the implementations apart; the compiler finds it.
pub trait HostClosure<Marker>: Send + Sync + 'static {
    #[doc(hidden)]
    fn signature() -> Signature;
    #[doc(hidden)]
    fn erase(self) -> ErasedClosure;
}

/// A host closure whose types are forgotten.
#[doc(hidden)]
pub struct ErasedClosure(pub(crate) Box<Erased>);

fn finish<M, R: IntoResult<M>>(result: R) -> Result<Value, Failure> {
    match result.into_result() {
        Ok(value) => Ok(value?),
        Err(error) => Err(Failure::Host(error.failure, error.message)),
    }
}

pub(super) fn not_lent(cause: NotLent) -> Failure {
    match cause {
        NotLent::Nothing => Failure::Host(
            HostFailure::NoState,
            "needs the host's state, and none is lent: plugins load without it, and one host function has it at a time"
                .into(),
        ),
        NotLent::OtherType => Failure::Host(
            HostFailure::StateMismatch,
            "needs the host's state, and the call lent one of another type".into(),
        ),
    }
}

macro_rules! closures {
    ($(($($arg:ident),*))*) => {$(
        impl<Func, State, Ret, Mark, $($arg),*> HostClosure<(Stateful, fn(&mut State, $($arg),*) -> Ret, Mark)> for Func
        where
            Func: Fn(&mut State, $($arg),*) -> Ret + Send + Sync + 'static,
            State: 'static,
            Ret: IntoResult<Mark>,
            $($arg: FromValue,)*
        {
            fn signature() -> Signature {
                Signature::of(<($($arg,)*)>::types(), Ret::ty())
            }
            #[allow(non_snake_case)]
            fn erase(self) -> ErasedClosure {
                ErasedClosure(Box::new(move |args| {
                    let ($($arg,)*) = <($($arg,)*)>::from_args(args)?;
                    match scope::borrow(|state: &mut State| self(state, $($arg),*)) {
                        Ok(result) => finish(result),
                        Err(cause) => Err(not_lent(cause)),
                    }
                }))
            }
        }

        impl<Func, Ret, Mark, $($arg),*> HostClosure<(Stateless, fn($($arg),*) -> Ret, Mark)> for Func
        where
            Func: Fn($($arg),*) -> Ret + Send + Sync + 'static,
            Ret: IntoResult<Mark>,
            $($arg: FromValue,)*
        {
            fn signature() -> Signature {
                Signature::of(<($($arg,)*)>::types(), Ret::ty())
            }
            #[allow(non_snake_case)]
            fn erase(self) -> ErasedClosure {
                ErasedClosure(Box::new(move |args| {
                    let ($($arg,)*) = <($($arg,)*)>::from_args(args)?;
                    finish(self($($arg),*))
                }))
            }
        }
    )*};
}
closures! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
}
