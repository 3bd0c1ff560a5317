//! The library `array`, with replacements of what allocates without a bound or swallows the errors of a callback.

use rhai::{
    Array, Dynamic, FnPtr, INT, Module, NativeCallContext,
    packages::{BasicArrayPackage, Package},
};

use super::{
    Made, Outcome,
    callback::{self, Callback},
    noted, set, too_large,
};
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
    asking(m);
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

/// What a callback gives is gathered under the limits of one value.
fn map(ctx: NativeCallContext, array: &mut Array, function: FnPtr) -> Outcome<Array> {
    let callback = Callback { ctx: &ctx, within: "map", function: &function };
    let (mut results, mut made) = (Array::with_capacity(array.len()), Made::new(&ctx));
    for (index, item) in array.iter_mut().enumerate() {
        let result = callback.item(item, index)?;
        made.add(&result)?;
        results.push(result);
    }
    Ok(results)
}

fn zip(ctx: NativeCallContext, array: &mut Array, other: Array, function: FnPtr) -> Outcome<Array> {
    let callback = Callback { ctx: &ctx, within: "zip", function: &function };
    let (mut results, mut made) = (Array::new(), Made::new(&ctx));
    for (index, (a, b)) in array.iter().zip(&other).enumerate() {
        let result = callback.pair(a, b, index)?;
        made.add(&result)?;
        results.push(result);
    }
    Ok(results)
}

/// The functions that ask a callback about each element.
fn asking(m: &mut Module) {
    set!(m, "for_each", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| -> Outcome<()> {
        let callback = Callback { ctx: &ctx, within: "for_each", function: &function };
        array.iter_mut().enumerate().try_for_each(|(index, item)| callback.each(item, index).map(drop))
    });
    set!(m, "filter", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| -> Outcome<Array> {
        let callback = Callback { ctx: &ctx, within: "filter", function: &function };
        let mut kept = Array::new();
        for (index, item) in array.iter_mut().enumerate() {
            if callback.says(item, index)? {
                kept.push(item.clone());
            }
        }
        Ok(kept)
    });
    set!(m, "some", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
        first(&Callback { ctx: &ctx, within: "some", function: &function }, array, 0, true).map(|at| at.is_some())
    });
    set!(m, "all", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
        first(&Callback { ctx: &ctx, within: "all", function: &function }, array, 0, false).map(|at| at.is_none())
    });
    set!(m, "index_of", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
        index_of(&ctx, array, &function, 0)
    });
    set!(m, "index_of", |ctx: NativeCallContext, array: &mut Array, function: FnPtr, start: INT| {
        index_of(&ctx, array, &function, start)
    });
    set!(m, "find", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| find(&ctx, array, &function, 0));
    set!(m, "find", |ctx: NativeCallContext, array: &mut Array, function: FnPtr, start: INT| {
        find(&ctx, array, &function, start)
    });
    set!(m, "find_map", |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
        find_map(&ctx, array, &function, 0)
    });
    set!(m, "find_map", |ctx: NativeCallContext, array: &mut Array, function: FnPtr, start: INT| {
        find_map(&ctx, array, &function, start)
    });
    for (name, reverse) in [("reduce", false), ("reduce_rev", true)] {
        set!(m, name, move |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
            let callback = Callback { ctx: &ctx, within: name, function: &function };
            reduce(&callback, array, Dynamic::UNIT, reverse)
        });
        set!(m, name, move |ctx: NativeCallContext, array: &mut Array, function: FnPtr, initial: Dynamic| {
            let callback = Callback { ctx: &ctx, within: name, function: &function };
            reduce(&callback, array, initial, reverse)
        });
    }
    for (name, out) in [("drain", true), ("retain", false)] {
        set!(m, name, move |ctx: NativeCallContext, array: &mut Array, function: FnPtr| {
            callback::take_out(array, &Callback { ctx: &ctx, within: name, function: &function }, out)
        });
    }
}

/// The first element from `start` on of which the callback says `wanted`.
fn first(callback: &Callback<'_>, array: &mut Array, start: usize, wanted: bool) -> Outcome<Option<usize>> {
    for (index, item) in array.iter_mut().enumerate().skip(start) {
        if callback.says(item, index)? == wanted {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn index_of(ctx: &NativeCallContext, array: &mut Array, function: &FnPtr, start: INT) -> Outcome<INT> {
    let (callback, start) = (Callback { ctx, within: "index_of", function }, callback::start(array.len(), start));
    let found = first(&callback, array, start, true)?;
    Ok(found.and_then(|at| INT::try_from(at).ok()).unwrap_or(-1))
}

fn find(ctx: &NativeCallContext, array: &mut Array, function: &FnPtr, start: INT) -> Outcome<Dynamic> {
    let (callback, start) = (Callback { ctx, within: "find", function }, callback::start(array.len(), start));
    let found = first(&callback, array, start, true)?;
    Ok(found.and_then(|at| array.get(at).cloned()).unwrap_or_default())
}

fn find_map(ctx: &NativeCallContext, array: &mut Array, function: &FnPtr, start: INT) -> Outcome<Dynamic> {
    let (callback, start) = (Callback { ctx, within: "find_map", function }, callback::start(array.len(), start));
    for (index, item) in array.iter_mut().enumerate().skip(start) {
        let found = callback.item(item, index)?;
        if !found.is_unit() {
            return Ok(found);
        }
    }
    Ok(Dynamic::UNIT)
}

fn reduce(callback: &Callback<'_>, array: &mut Array, initial: Dynamic, reverse: bool) -> Outcome<Dynamic> {
    let mut result = initial;
    for at in 0..array.len() {
        let index = if reverse { array.len() - 1 - at } else { at };
        result = callback.after(&result, &mut array[index], Some(index))?;
        Made::new(callback.ctx).add(&result)?;
    }
    Ok(result)
}
