//! Calls of the commonest shapes, for which wasmi needs no look at types: up to two parameters of one type and at most
//! one result. Every other shape goes the general way, which does the same.

use modhost_backend::{Fault, HostEntry, TypeError, Value};
use wasmi::{Caller, Error, Func, FuncType, Store, TypedFunc, Val, ValType, WasmParams, WasmResults, WasmTy};

use crate::{
    convert::{from_wasm, to_wasm},
    guest::{self, State},
    host::call_plain,
};

/// An argument that does not fit, with its place, or what ended the call.
#[derive(Debug)]
pub(crate) enum Failed {
    Argument(usize, TypeError),
    Ended(Fault),
}

/// A function of one of the shapes.
pub(crate) trait Typed: Send {
    /// The same function without its type.
    fn func(&self) -> Func;

    /// Calls it; the number of arguments was checked.
    fn call(&self, store: &mut Store<State>, args: &[Value]) -> Result<Value, Failed>;
}

trait Number: WasmTy + Into<Val> {
    /// The number that a host function gives.
    fn given(value: Option<Val>) -> Result<Self, Error>;

    fn take(args: &[Value], at: usize) -> Result<Self, Failed>;
}

macro_rules! numbers {
    ($($ty:ty, $variant:ident => $read:expr;)*) => {$(
        impl Number for $ty {
            #[inline]
            fn given(value: Option<Val>) -> Result<Self, Error> {
                match value {
                    Some(Val::$variant(number)) => Ok($read(number)),
                    _ => Err(Error::new("a number was converted to another type")),
                }
            }

            #[inline]
            fn take(args: &[Value], at: usize) -> Result<Self, Failed> {
                let value = args.get(at).unwrap_or(&Value::Nil);
                match to_wasm(value, wasmi::ValType::$variant) {
                    Ok(Val::$variant(number)) => Ok($read(number)),
                    Ok(_) => Err(Failed::Ended(Fault::bug("a number was converted to another type"))),
                    Err(error) => Err(Failed::Argument(at, error)),
                }
            }
        }
    )*};
}
numbers! {
    i32, I32 => |number| number;
    i64, I64 => |number| number;
    f32, F32 => |number: wasmi::F32| number.to_float();
    f64, F64 => |number: wasmi::F64| number.to_float();
}

trait Params: WasmParams {
    fn take(args: &[Value]) -> Result<Self, Failed>;
}

impl Params for () {
    #[inline]
    fn take(_args: &[Value]) -> Result<Self, Failed> {
        Ok(())
    }
}

impl<A: Number> Params for (A,)
where
    (A,): WasmParams,
{
    #[inline]
    fn take(args: &[Value]) -> Result<Self, Failed> {
        Ok((A::take(args, 0)?,))
    }
}

impl<A: Number> Params for (A, A)
where
    (A, A): WasmParams,
{
    #[inline]
    fn take(args: &[Value]) -> Result<Self, Failed> {
        Ok((A::take(args, 0)?, A::take(args, 1)?))
    }
}

trait Results: WasmResults {
    fn give(self) -> Result<Value, TypeError>;
}

impl Results for () {
    #[inline]
    fn give(self) -> Result<Value, TypeError> {
        Ok(Value::Nil)
    }
}

macro_rules! results {
    ($($ty:ty)*) => {$(
        impl Results for $ty {
            #[inline]
            fn give(self) -> Result<Value, TypeError> {
                from_wasm(&self.into())
            }
        }
    )*};
}
results!(i32 i64 f32 f64);

impl<P: Params + 'static, R: Results + 'static> Typed for TypedFunc<P, R> {
    fn func(&self) -> Func {
        *TypedFunc::func(self)
    }

    fn call(&self, store: &mut Store<State>, args: &[Value]) -> Result<Value, Failed> {
        let result = guest::run_typed(store, self, P::take(args)?).map_err(Failed::Ended)?;
        result.give().map_err(|error| Failed::Ended(error.into()))
    }
}

/// `func` as a function of one of the shapes; `None` where it has another.
pub(crate) fn typed(func: &Func, store: &Store<State>) -> Option<Box<dyn Typed>> {
    macro_rules! first {
        ($($params:ty),*) => {
            None$(
                .or_else(|| shape::<$params, ()>(func, store))
                .or_else(|| shape::<$params, i32>(func, store))
                .or_else(|| shape::<$params, i64>(func, store))
                .or_else(|| shape::<$params, f32>(func, store))
                .or_else(|| shape::<$params, f64>(func, store))
            )*
        };
    }
    first!((), (i32,), (i64,), (f32,), (f64,), (i32, i32), (i64, i64), (f32, f32), (f64, f64))
}

fn shape<P: Params + 'static, R: Results + 'static>(func: &Func, store: &Store<State>) -> Option<Box<dyn Typed>> {
    func.typed::<P, R>(store).ok().map(|func| Box::new(func) as Box<dyn Typed>)
}

/// The host function `entry` as a function of type `ty`, if that is one of the shapes: wasmi has no list of its arguments on the
/// heap then.
pub(crate) fn host(store: &mut Store<State>, ty: &FuncType, entry: &HostEntry) -> Option<Func> {
    let entry = entry.clone();
    macro_rules! wrap {
        ($($arg:ident: $param:ty),*) => {
            match ty.results() {
                [] => Func::wrap(store, move |caller: Caller<'_, State>, $($arg: $param),*| {
                    call_plain(caller, &entry, &[$($arg.into()),*], None).map(drop)
                }),
                [ValType::I32] => wrap!(@one I32 i32, $($arg: $param),*),
                [ValType::I64] => wrap!(@one I64 i64, $($arg: $param),*),
                [ValType::F32] => wrap!(@one F32 f32, $($arg: $param),*),
                [ValType::F64] => wrap!(@one F64 f64, $($arg: $param),*),
                _ => return None,
            }
        };
        (@one $variant:ident $result:ty, $($arg:ident: $param:ty),*) => {
            Func::wrap(store, move |caller: Caller<'_, State>, $($arg: $param),*| {
                let given = call_plain(caller, &entry, &[$($arg.into()),*], Some(ValType::$variant))?;
                <$result>::given(given)
            })
        };
    }
    use ValType::{F32, F64, I32, I64};
    Some(match ty.params() {
        [] => wrap!(),
        [I32] => wrap!(a: i32),
        [I64] => wrap!(a: i64),
        [F32] => wrap!(a: f32),
        [F64] => wrap!(a: f64),
        [I32, I32] => wrap!(a: i32, b: i32),
        [I64, I64] => wrap!(a: i64, b: i64),
        [F32, F32] => wrap!(a: f32, b: f32),
        [F64, F64] => wrap!(a: f64, b: f64),
        _ => return None,
    })
}
