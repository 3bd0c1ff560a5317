//! The library `map`.

use rhai::{
    Dynamic, FnPtr, Map, Module, NativeCallContext,
    packages::{BasicMapPackage, Package},
};

use super::{Made, Outcome, call, noted, set, too_large};
use crate::text::{self, TooDeep};

pub(super) fn open(m: &mut Module) {
    BasicMapPackage::init(m);
    set!(m, "+", |ctx: NativeCallContext, mut a: Map, b: Map| {
        a.extend(b);
        noted(&ctx, a)
    });
    set!(m, "map", map);
    set!(m, "to_json", |map: &mut Map| {
        let map = Dynamic::from_map(map.clone());
        text::json(&map).map_err(|TooDeep| too_large("Depth of containers"))
    });
}

fn map(ctx: NativeCallContext, map: &mut Map, callback: FnPtr) -> Outcome<Map> {
    let (mut results, mut made) = (Map::new(), Made::new(&ctx));
    for (key, item) in map.iter_mut() {
        let result = call(&ctx, "map", &callback, Some((item, 1)), vec![key.into()], None)?;
        made.add(&key.into())?;
        made.add(&result)?;
        results.insert(key.clone(), result);
    }
    Ok(results)
}
