//! The library `string`, with replacements of what takes long or allocates without a bound.

use rhai::{
    INT, ImmutableString, Module, NativeCallContext,
    packages::{MoreStringPackage, Package},
};

use super::{Outcome, set, too_large};

pub(super) fn open(m: &mut Module) {
    MoreStringPackage::init(m);
    set!(m, "pad", |ctx: NativeCallContext, text: &mut ImmutableString, length: INT, with: char| {
        pad_text(&ctx, text, length, with.encode_utf8(&mut [0; 4]))
    });
    set!(m, "pad", |ctx: NativeCallContext, text: &mut ImmutableString, length: INT, with: ImmutableString| {
        pad_text(&ctx, text, length, &with)
    });
    set!(m, "replace", |ctx: NativeCallContext,
                        text: &mut ImmutableString,
                        old: ImmutableString,
                        new: ImmutableString| { replace(&ctx, text, &old, &new) });
    set!(m, "replace", |ctx: NativeCallContext, text: &mut ImmutableString, old: char, new: ImmutableString| {
        replace(&ctx, text, old.encode_utf8(&mut [0; 4]), &new)
    });
}

/// Rhai's own takes quadratic time.
fn pad_text(ctx: &NativeCallContext, text: &mut ImmutableString, length: INT, with: &str) -> Outcome<()> {
    let most = ctx.engine().max_string_size();
    let (length, has) = (usize::try_from(length).unwrap_or(0), text.chars().count());
    let step = with.chars().count();
    if length <= has || step == 0 {
        return Ok(());
    }
    let times = (length - has).div_ceil(step);
    if length > most || text.len().saturating_add(times.saturating_mul(with.len())) > most + with.len() {
        return Err(too_large("Length of string"));
    }
    let mut padded = String::with_capacity(text.len() + times * with.len());
    padded.push_str(text);
    padded.push_str(&with.repeat(times));
    if let Some((end, _)) = padded.char_indices().nth(length) {
        padded.truncate(end);
    }
    *text = padded.into();
    Ok(())
}

/// Rhai's own looks at the size afterwards.
fn replace(ctx: &NativeCallContext, text: &mut ImmutableString, old: &str, new: &str) -> Outcome<()> {
    if new.len() > old.len() {
        let grows = text.matches(old).count().saturating_mul(new.len() - old.len());
        if text.len().saturating_add(grows) > ctx.engine().max_string_size() {
            return Err(too_large("Length of string"));
        }
    }
    *text = text.replace(old, new).into();
    Ok(())
}
