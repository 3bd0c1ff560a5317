//! Values to codec bytes and back, within the plugin's limits, through buffers that are used again.

use modhost_backend::{Fault, FaultKind, Meter, Resource, Signature, Value};

use modhost_abi::codec::{self, DecodeError};

/// Encodes the host's arguments into `out`, which is emptied first. Arguments that are too large are the caller's
/// fault: the plugin lives on.
#[inline]
pub(crate) fn arguments(args: &[Value], meter: &Meter, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.clear();
    if args.is_empty() {
        codec::encode_list(args, out);
        return Ok(());
    }
    codec::encode_list_within(args, meter.limits().value, out).map_err(|_| meter.limit_fault(Resource::Value))
}

/// Encodes what a host function returned into `out`, which is emptied first. A result that is too large is the host's
/// fault: the plugin lives on.
pub(crate) fn result(value: &Value, meter: &Meter, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.clear();
    codec::encode_within(value, meter.limits().value, out).map_err(|_| meter.limit_fault(Resource::Value))
}

/// Decodes a plugin's reply; nothing written means nil.
pub(crate) fn reply(bytes: &[u8], meter: &Meter) -> Result<Value, Fault> {
    if bytes.is_empty() {
        return Ok(Value::Nil);
    }
    codec::decode(bytes, meter.limits().value).map_err(|error| undecoded(&error, "a reply", meter))
}

/// Decodes the arguments that a plugin passes to a host function.
pub(crate) fn host_arguments(bytes: &[u8], meter: &Meter) -> Result<Vec<Value>, Fault> {
    codec::decode_list(bytes, meter.limits().value).map_err(|error| undecoded(&error, "arguments", meter))
}

fn undecoded(error: &DecodeError, what: &str, meter: &Meter) -> Fault {
    match error.too_large() {
        Some(_) => meter.exceeded(Resource::Value),
        None => {
            Fault::new(FaultKind::NativeAbi { message: format!("{what} of the plugin cannot be decoded: {error}") })
        }
    }
}

/// Checks arguments against what the plugin declared.
pub(crate) fn check(signature: &Signature, args: &[Value]) -> Result<(), Fault> {
    let (least, most) = (signature.required(), signature.params.len());
    if !(least..=most).contains(&args.len()) {
        let expected = if least == most { most.to_string() } else { format!("{least} to {most}") };
        return Err(Fault::new(FaultKind::Arity { expected, found: args.len() }));
    }
    for (at, (param, arg)) in signature.params.iter().zip(args).enumerate() {
        param.ty.check(arg).map_err(|error| error.inside(format_args!("argument {}", at + 1)))?;
    }
    Ok(())
}
