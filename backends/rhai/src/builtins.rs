//! The functions that all plugins share: Rhai's packages without what must not be, and replacements of what allocates,
//! recurses or swallows errors without a bound. It registers functions; it never runs a plugin.

use std::sync::OnceLock;

use rhai::{
    Array, Blob, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, INT, ImmutableString, Map, Module,
    NativeCallContext, Position, Shared,
    packages::{
        ArithmeticPackage, BasicArrayPackage, BasicBlobPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
        BasicMathPackage, BasicStringPackage, BitFieldPackage, LogicPackage, MoreStringPackage, Package,
    },
};

use crate::{
    convert::HandleValue,
    limits::VALUE_DEPTH,
    memory,
    text::{self, TooDeep},
};

/// Registers a function for calls without a namespace.
macro_rules! set {
    ($module:expr, $name:expr, $function:expr $(,)?) => {
        FuncRegistration::new($name).in_global_namespace().set_into_module($module, $function);
    };
}

type Outcome<T> = Result<T, Box<EvalAltResult>>;

rhai::def_package! {
    /// One module of all builtins: Rhai asks each module of an engine for each function that a call uses.
    Builtins(module):
        ArithmeticPackage,
        BasicStringPackage,
        BasicIteratorPackage,
        BasicFnPackage,
        BitFieldPackage,
        LogicPackage,
        BasicMathPackage,
        BasicArrayPackage,
        BasicBlobPackage,
        BasicMapPackage,
        MoreStringPackage
    {
        replace_all(module);
    }
}

/// Gives `engine` the builtins; they are made once per process.
pub(crate) fn register(engine: &mut Engine) {
    static SHARED: OnceLock<Shared<Module>> = OnceLock::new();
    let module = SHARED.get_or_init(|| Builtins::new().as_shared_module());
    engine.register_global_module(module.clone());
}

/// Puts replacements in the place of functions of the same names and types.
fn replace_all(m: &mut Module) {
    m.set_custom_type::<HandleValue>("handle");
    set!(m, "==", |a: HandleValue, b: HandleValue| a == b);
    set!(m, "!=", |a: HandleValue, b: HandleValue| a != b);
    for name in ["to_string", "to_debug", "print", "debug"] {
        set!(m, name, |_: HandleValue| ImmutableString::from("handle"));
        set!(m, name, |ctx: NativeCallContext, array: &mut Array| shown(&ctx, array.clone().into()));
        set!(m, name, |ctx: NativeCallContext, map: &mut Map| shown(&ctx, map.clone().into()));
    }
    set!(m, "take", |value: &mut Dynamic| std::mem::take(value));

    set!(m, "==", |a: Array, b: Array| equal(a.into(), b.into()));
    set!(m, "!=", |a: Array, b: Array| equal(a.into(), b.into()).map(|equal| !equal));
    set!(m, "==", |a: Map, b: Map| equal(a.into(), b.into()));
    set!(m, "!=", |a: Map, b: Map| equal(a.into(), b.into()).map(|equal| !equal));

    set!(m, "pad", pad_array);
    set!(m, "pad", pad_blob);
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
    set!(m, "to_json", |map: &mut Map| {
        let map = Dynamic::from_map(map.clone());
        text::json(&map).map_err(|TooDeep| too_large("Depth of containers"))
    });
}

fn shown(ctx: &NativeCallContext, value: Dynamic) -> ImmutableString {
    text::render(&value, ctx.engine().max_string_size()).into()
}

fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.into(), Position::NONE).into()
}

fn equal(a: Dynamic, b: Dynamic) -> Outcome<bool> {
    text::equal(&a, &b, VALUE_DEPTH).map_err(|TooDeep| too_large("Depth of containers"))
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
