//! The library `map`.

use rhai::{
    Dynamic, Map, Module,
    packages::{BasicMapPackage, Package},
};

use super::{set, too_large};
use crate::text::{self, TooDeep};

pub(super) fn open(m: &mut Module) {
    BasicMapPackage::init(m);
    set!(m, "to_json", |map: &mut Map| {
        let map = Dynamic::from_map(map.clone());
        text::json(&map).map_err(|TooDeep| too_large("Depth of containers"))
    });
}
