//! The library `array`, with replacements of what allocates without a bound or swallows the errors of a callback.

use rhai::{
    Array, Dynamic, FnPtr, INT, Module, NativeCallContext,
    packages::{BasicArrayPackage, Package},
};

use super::{Made, Outcome, call, noted, set, too_large};
use crate::memory;

pub(super) fn open(m: &mut Module) {
    BasicArrayPackage::init(m);
    set!(m, "pad", pad_array);
    for name in ["sort", "sort_by"] {
        set!(m, name, |ctx: NativeCallContext, array: &mut Array, compare: FnPtr| sort(&ctx, array, &compare));
    }
    for name in ["order", "order_by"] {
        set!(m, name, |ctx: NativeCallContext, array: &mut Array, compare: FnPtr| {
            let mut array = array.clone();
            sort(&ctx, &mut array, &compare).map(|()| array)
        });
    }
    set!(m, "dedup", dedup);
    set!(m, "+", |ctx: NativeCallContext, mut a: Array, b: Array| {
        a.extend(b);
        noted(&ctx, a)
    });
    set!(m, "map", map);
    set!(m, "zip", zip);
}

/// Rhai's own multiplies sizes without looking for an overflow.
fn pad_array(ctx: NativeCallContext, array: &mut Array, length: INT, item: Dynamic) -> Outcome<()> {
    let length = usize::try_from(length).unwrap_or(0);
    if length > array.len() {
        let engine = ctx.engine();
        if length > engine.max_array_size() {
            return Err(too_large("Size of array/BLOB"));
        }
        // Each copy of a container weighs in before it is made; the sizes are looked at again afterwards.
        let one = memory::weight(&item).ok_or_else(|| too_large("Depth of containers"))?;
        let plain = memory::weight(&Dynamic::UNIT).unwrap_or(0);
        let most = 4 * (engine.max_string_size() + 64 * engine.max_array_size()) as u64;
        if one > plain && one.saturating_mul((length - array.len()) as u64) > most {
            return Err(too_large("Size of array/BLOB"));
        }
        array.resize(length, item);
    }
    Ok(())
}

/// Rhai's own goes on when the comparer fails, whatever the error was.
fn sort(ctx: &NativeCallContext, array: &mut Array, compare: &FnPtr) -> Outcome<()> {
    let mut run = 1;
    let mut from = std::mem::take(array);
    let count = from.len();
    let mut failed = None;
    // Merges runs of 1, 2, 4, ... elements; unlike the standard library's sort it can stop, and bears any comparer.
    while run < count && failed.is_none() {
        let mut merged = Array::with_capacity(count);
        let mut rest = from.into_iter();
        while rest.len() > 0 {
            let mut left = rest.by_ref().take(run).collect::<Array>().into_iter().peekable();
            let mut right = rest.by_ref().take(run).collect::<Array>().into_iter().peekable();
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                let later = match &failed {
                    None => is_after(ctx, compare, a, b),
                    Some(_) => Ok(false),
                };
                let next = match later {
                    Ok(true) => right.next(),
                    Ok(false) => left.next(),
                    Err(error) => {
                        failed = Some(error);
                        left.next()
                    }
                };
                merged.extend(next);
            }
            merged.extend(left);
            merged.extend(right);
        }
        from = merged;
        run *= 2;
    }
    *array = from;
    failed.map_or(Ok(()), Err)
}

/// Whether the comparer puts `a` after `b`: a number above zero, or false.
fn is_after(ctx: &NativeCallContext, compare: &FnPtr, a: &Dynamic, b: &Dynamic) -> Outcome<bool> {
    let order = compare.call_raw(ctx, None, [a.clone(), b.clone()])?;
    match (order.as_int(), order.as_bool()) {
        (Ok(order), _) => Ok(order > 0),
        (_, Ok(first)) => Ok(!first),
        _ => Err("a comparer returns a number or a bool".into()),
    }
}

/// Rhai's own takes a failing comparer for one that says no.
fn dedup(ctx: NativeCallContext, array: &mut Array, same: FnPtr) -> Outcome<()> {
    let mut kept = Array::with_capacity(array.len());
    for item in std::mem::take(array) {
        let again = match kept.last() {
            Some(last) => same.call_raw(&ctx, None, [item.clone(), Dynamic::clone(last)])?.as_bool().unwrap_or(false),
            None => false,
        };
        if !again {
            kept.push(item);
        }
    }
    *array = kept;
    Ok(())
}

fn map(ctx: NativeCallContext, array: &mut Array, callback: FnPtr) -> Outcome<Array> {
    let (mut results, mut made) = (Array::with_capacity(array.len()), Made::new(&ctx));
    for (at, item) in array.iter_mut().enumerate() {
        let result = call(&ctx, "map", &callback, Some((item, 0)), Vec::new(), Some(index(at)))?;
        made.add(&result)?;
        results.push(result);
    }
    Ok(results)
}

fn zip(ctx: NativeCallContext, array: &mut Array, other: Array, callback: FnPtr) -> Outcome<Array> {
    let (mut results, mut made) = (Array::new(), Made::new(&ctx));
    for (at, (a, b)) in array.iter().zip(other).enumerate() {
        let result = call(&ctx, "zip", &callback, None, vec![a.clone(), b], Some(index(at)))?;
        made.add(&result)?;
        results.push(result);
    }
    Ok(results)
}

fn index(at: usize) -> Dynamic {
    INT::try_from(at).unwrap_or(INT::MAX).into()
}
