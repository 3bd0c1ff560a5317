//! The library `blob`, with replacements of what allocates without a bound.

use rhai::{
    Blob, INT, Module, NativeCallContext,
    packages::{BasicBlobPackage, Package},
};

use super::{Outcome, set, too_large};

pub(super) fn open(m: &mut Module) {
    BasicBlobPackage::init(m);
    set!(m, "pad", pad_blob);
}

fn pad_blob(ctx: NativeCallContext, blob: &mut Blob, length: INT, byte: INT) -> Outcome<()> {
    let length = usize::try_from(length).unwrap_or(0);
    if length > blob.len() {
        if length > ctx.engine().max_array_size() {
            return Err(too_large("Size of array/BLOB"));
        }
        blob.resize(length, byte.to_le_bytes()[0]);
    }
    Ok(())
}
