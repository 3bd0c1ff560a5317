//! [`PendingClosure`]: which Rust closures can begin a pending host function; and [`Suspension`], by which such a function knows
//! whether the running call can wait for its answer.

use crossbeam::atomic::AtomicCell;
use modhost_abi::{FromArgs, FromValue, Type, Value};
use modhost_backend::scope;

use super::closure::{Failure, IntoResult, Stateful, Stateless, not_lent};
use crate::call::{PluginId, Ticket};

/// A closure that begins something, erased.
pub(crate) type ErasedBegin = dyn Fn(Ticket, &mut [Value]) -> Result<(), Failure> + Send + Sync;

/// A closure that can begin a pending host function: `Fn(&mut S, Ticket, A, B, ...) -> R`, which borrows the embedder's own state while
/// it begins, or `Fn(Ticket, A, B, ...) -> R` without state. `A`, `B` are [`FromValue`] types; `R` is nothing, or a `Result` of nothing
/// with any error that can be displayed, or with a [`HostError`](super::HostError): then nothing was begun and the plugin gets the error
/// at once.
///
/// The parameter `Marker` only keeps the implementations apart; the compiler finds it.
pub trait PendingClosure<Marker>: Send + Sync + 'static {
    #[doc(hidden)]
    fn params() -> Vec<Type>;
    #[doc(hidden)]
    fn erase(self) -> ErasedPending;
}

/// A closure that begins something and whose types are forgotten.
#[doc(hidden)]
pub struct ErasedPending(pub(crate) Box<ErasedBegin>);

fn begun<M, R: IntoResult<M, Value = ()>>(result: R) -> Result<(), Failure> {
    match result.into_result() {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Host(error.failure, error.message)),
    }
}

macro_rules! closures {
    ($(($($arg:ident),*))*) => {$(
        impl<Func, State, Ret, Mark, $($arg),*> PendingClosure<(Stateful, fn(&mut State, $($arg),*) -> Ret, Mark)> for Func
        where
            Func: Fn(&mut State, Ticket, $($arg),*) -> Ret + Send + Sync + 'static,
            State: 'static,
            Ret: IntoResult<Mark, Value = ()>,
            $($arg: FromValue,)*
        {
            fn params() -> Vec<Type> {
                <($($arg,)*)>::types()
            }
            #[allow(non_snake_case)]
            fn erase(self) -> ErasedPending {
                ErasedPending(Box::new(move |ticket, args| {
                    let ($($arg,)*) = <($($arg,)*)>::from_args(args)?;
                    match scope::borrow(|state: &mut State| self(state, ticket, $($arg),*)) {
                        Ok(result) => begun(result),
                        Err(cause) => Err(not_lent(cause)),
                    }
                }))
            }
        }

        impl<Func, Ret, Mark, $($arg),*> PendingClosure<(Stateless, fn($($arg),*) -> Ret, Mark)> for Func
        where
            Func: Fn(Ticket, $($arg),*) -> Ret + Send + Sync + 'static,
            Ret: IntoResult<Mark, Value = ()>,
            $($arg: FromValue,)*
        {
            fn params() -> Vec<Type> {
                <($($arg,)*)>::types()
            }
            #[allow(non_snake_case)]
            fn erase(self) -> ErasedPending {
                ErasedPending(Box::new(move |ticket, args| {
                    let ($($arg,)*) = <($($arg,)*)>::from_args(args)?;
                    begun(self(ticket, $($arg),*))
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

/// Whether one plugin's running call can wait, and for which answer it is about to. Only the thread that runs the plugin touches it.
#[derive(Debug, Default)]
pub(crate) struct Suspension {
    /// The plugin, while a call of it runs that may be suspended.
    open: AtomicCell<Option<PluginId>>,
    begun: AtomicCell<Option<Ticket>>,
}

impl Suspension {
    /// A call of `plugin` runs that may be suspended, until [`Suspension::close`].
    pub(crate) fn open(&self, plugin: PluginId) {
        self.open.store(Some(plugin));
    }

    /// The call has stopped; the ticket that was minted meanwhile.
    pub(crate) fn close(&self) -> Option<Ticket> {
        self.open.store(None);
        self.begun.take()
    }

    /// Whose call may be suspended, if it may.
    pub(super) fn plugin(&self) -> Option<PluginId> {
        self.open.load()
    }

    /// `ticket` is the one to wait for. Gives back one that was and that nothing waits for after all.
    pub(super) fn begin(&self, ticket: Ticket) -> Option<Ticket> {
        self.begun.swap(Some(ticket))
    }

    /// Nothing was begun.
    pub(super) fn withdraw(&self) {
        self.begun.store(None);
    }
}
