//! The library `map`.

use rhai::{
    Dynamic, FnPtr, ImmutableString, Map, Module, NativeCallContext,
    packages::{BasicMapPackage, Package},
};

use super::{Made, Outcome, callback::Callback, noted, set, too_large};
use crate::text::{self, TooDeep};

pub(super) fn open(m: &mut Module) {
    BasicMapPackage::init(m);
    set!(m, "+", |ctx: NativeCallContext, mut a: Map, b: Map| {
        a.extend(b);
        noted(&ctx, a)
    });
    set!(m, "map", map);
    set!(m, "filter", filter);
    for (name, out) in [("drain", true), ("retain", false)] {
        set!(m, name, move |ctx: NativeCallContext, map: &mut Map, function: FnPtr| {
            take_out(map, &Callback { ctx: &ctx, within: name, function: &function }, out)
        });
    }
    set!(m, "to_json", |map: &mut Map| {
        let map = Dynamic::from_map(map.clone());
        text::json(&map).map_err(|TooDeep| too_large("Depth of containers"))
    });
}

fn map(ctx: NativeCallContext, map: &mut Map, function: FnPtr) -> Outcome<Map> {
    let callback = Callback { ctx: &ctx, within: "map", function: &function };
    let (mut results, mut made) = (Map::new(), Made::new(&ctx));
    for (key, item) in map.iter_mut() {
        let shown = Dynamic::from(ImmutableString::from(key.as_str()));
        let result = callback.after(&shown, item, None)?;
        made.add(&shown)?;
        made.add(&result)?;
        results.insert(key.clone(), result);
    }
    Ok(results)
}

/// Whether `callback` says true of an entry.
fn says(callback: &Callback<'_>, key: &str, item: &mut Dynamic) -> Outcome<bool> {
    callback.after(&ImmutableString::from(key).into(), item, None).map(|said| said.as_bool().unwrap_or(false))
}

fn filter(ctx: NativeCallContext, map: &mut Map, function: FnPtr) -> Outcome<Map> {
    let callback = Callback { ctx: &ctx, within: "filter", function: &function };
    let mut kept = Map::new();
    for (key, item) in map.iter_mut() {
        if says(&callback, key, item)? {
            kept.insert(key.clone(), item.clone());
        }
    }
    Ok(kept)
}

/// Takes out of `map` what `callback` says `out` of; where it fails, the rest stays.
fn take_out(map: &mut Map, callback: &Callback<'_>, out: bool) -> Outcome<Map> {
    let (mut taken, mut rest, mut failed) = (Map::new(), Map::new(), None);
    for (key, mut item) in std::mem::take(map) {
        let said = if failed.is_some() { Ok(!out) } else { says(callback, &key, &mut item) };
        let said = said.unwrap_or_else(|error| {
            failed = Some(error);
            !out
        });
        let target = if said == out { &mut taken } else { &mut rest };
        target.insert(key, item);
    }
    *map = rest;
    failed.map_or(Ok(taken), Err)
}
