//! Values and wasm numbers, one against the other, and how large values may be. The codec's bytes are not touched here.

use std::fmt::Write;

use modhost_backend::{Fault, FaultKind, Meter, Resource, Signature, Type, TypeError, Value, ValueBudget};
use wasmi::{FuncType, Val, ValType};

/// [`FaultKind::WasmAbi`].
pub(crate) fn broken(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::WasmAbi { message: message.into() })
}

/// The type that a plain number has, `None` for references.
fn number(ty: ValType) -> Option<Type> {
    match ty {
        ValType::I32 | ValType::I64 => Some(Type::Int),
        ValType::F32 | ValType::F64 => Some(Type::Float),
        _ => None,
    }
}

/// The signature of a function of plain numbers, as far as it has one: `None` if a reference is among its parameters
/// and results, and the result is nil for a function of several.
pub(crate) fn signature_of(ty: &FuncType) -> Option<Signature> {
    let params = ty.params().iter().map(|ty| number(*ty)).collect::<Option<Vec<_>>>()?;
    let results = ty.results().iter().map(|ty| number(*ty)).collect::<Option<Vec<_>>>()?;
    let result = match <[Type; 1]>::try_from(results) {
        Ok([one]) => one,
        Err(_) => Type::Nil,
    };
    Some(Signature::of(params, result))
}

/// `value` as a number of type `ty`: an int that fits for `i32` and `i64`, a float for `f32` (rounded) and `f64`.
///
/// # Errors
/// [`TypeError`] for every other value.
#[inline]
pub(crate) fn to_wasm(value: &Value, ty: ValType) -> Result<Val, TypeError> {
    match (ty, value) {
        (ValType::I32, Value::Int(int)) => match i32::try_from(*int) {
            Ok(int) => Ok(Val::I32(int)),
            Err(_) => Err(TypeError::new("an int that fits i32", int.to_string())),
        },
        (ValType::I64, Value::Int(int)) => Ok(Val::I64(*int)),
        (ValType::F32, Value::Float(float)) => Ok(Val::F32((*float as f32).into())),
        (ValType::F64, Value::Float(float)) => Ok(Val::F64((*float).into())),
        (ty, value) => Err(TypeError::new(number(ty).unwrap_or(Type::Nil).expected(), value.type_name())),
    }
}

/// The value of a plain number; integers are signed.
#[inline]
pub(crate) fn from_wasm(value: &Val) -> Result<Value, TypeError> {
    match value {
        Val::I32(int) => Ok(Value::Int(i64::from(*int))),
        Val::I64(int) => Ok(Value::Int(*int)),
        Val::F32(float) => Ok(Value::Float(f64::from(float.to_float()))),
        Val::F64(float) => Ok(Value::Float(float.to_float())),
        _ => Err(TypeError::new("a number", "a reference")),
    }
}

/// What a host function receives for a plain number: as [`from_wasm`], and a bool where the signature says so.
pub(crate) fn from_wasm_as(value: &Val, ty: &Type) -> Result<Value, TypeError> {
    match (ty.present(), from_wasm(value)?) {
        (Type::Bool, Value::Int(int)) => Ok(Value::Bool(int != 0)),
        (_, value) => Ok(value),
    }
}

/// What a guest receives for the result of a host function: as [`to_wasm`], and 0 or 1 for a bool.
pub(crate) fn to_wasm_as(value: &Value, ty: ValType) -> Result<Val, TypeError> {
    match value {
        Value::Bool(bool) => to_wasm(&Value::Int(i64::from(*bool)), ty),
        value => to_wasm(value, ty),
    }
}

/// Whether a host function may be imported as a plain function of type `ty`.
///
/// # Errors
/// What the host's signature needs, in words.
pub(crate) fn check_plain(signature: &Signature, ty: &FuncType) -> Result<(), String> {
    let fits = |declared: &ValType, ty: &Type| match ty.present() {
        Type::Int | Type::Bool => matches!(declared, ValType::I32 | ValType::I64),
        Type::Float => matches!(declared, ValType::F32 | ValType::F64),
        Type::Any => number(*declared).is_some(),
        _ => false,
    };
    let (params, results) = (ty.params(), ty.results());
    let count = (signature.required()..=signature.params.len()).contains(&params.len());
    let params_fit = count && params.iter().zip(&signature.params).all(|(declared, param)| fits(declared, &param.ty));
    let result_fits = match results {
        [] => matches!(signature.result, Type::Nil | Type::Any),
        [one] => fits(one, &signature.result),
        _ => false,
    };
    if params_fit && result_fits {
        return Ok(());
    }
    let wasm = |ty: &Type| match ty.present() {
        Type::Int | Type::Bool => Some("i32 or i64"),
        Type::Float => Some("f32 or f64"),
        Type::Any => Some("any number"),
        Type::Nil => Some("nothing"),
        _ => None,
    };
    let mut needs = format!("the module declares {}, the host's signature is {signature}", show(ty));
    let texts: Option<Vec<&str>> = signature.params.iter().map(|param| wasm(&param.ty)).collect();
    let _ = match (texts, wasm(&signature.result)) {
        (Some(params), Some(result)) => write!(needs, ", which needs ({}) -> {result}", params.join(", ")),
        _ => write!(needs, ", which only the codec can carry: list it in the module's `modhost` section"),
    };
    Err(needs)
}

/// A function type as people write it.
pub(crate) fn show(ty: &FuncType) -> String {
    let list = |types: &[ValType]| {
        types.iter().map(|ty| format!("{ty:?}").to_ascii_lowercase()).collect::<Vec<_>>().join(", ")
    };
    format!("({}) -> ({})", list(ty.params()), list(ty.results()))
}

/// Checks values that the host passes in: too large is the host's mistake, and nothing is killed.
///
/// # Errors
/// [`Resource::Value`]'s fault.
pub(crate) fn check_size(values: &[Value], meter: &Meter) -> Result<(), Fault> {
    let mut budget = ValueBudget::new(meter.limits().value);
    values.iter().try_for_each(|value| budget.measure(value)).map_err(|_| meter.limit_fault(Resource::Value))
}
