//! What is always open: operators, comparisons, texts of values, what `for` walks over. Containers are shown and compared
//! in bounded ways.

use std::{
    any::TypeId,
    ops::{Range, RangeInclusive},
};

use rhai::{
    Array, Blob, Dynamic, INT, ImmutableString, Map, Module, NativeCallContext,
    packages::{ArithmeticPackage, BasicFnPackage, BasicStringPackage, LogicPackage, Package},
};

use super::{Outcome, set, too_large};
use crate::{
    characters::Characters,
    convert::HandleValue,
    limits::VALUE_DEPTH,
    text::{self, TooDeep},
};

pub(super) fn open(m: &mut Module) {
    ArithmeticPackage::init(m);
    BasicStringPackage::init(m);
    BasicFnPackage::init(m);
    LogicPackage::init(m);
    m.set_iterator::<Range<INT>>();
    m.set_iterator::<RangeInclusive<INT>>();
    m.set_iterable::<Array>();
    m.set_iterable::<Blob>();
    m.set_iterator::<Characters>();
    m.set_iter(TypeId::of::<ImmutableString>(), |text| Box::new(Characters::of(text).map(Dynamic::from)));

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
}

fn shown(ctx: &NativeCallContext, value: Dynamic) -> ImmutableString {
    text::render(&value, ctx.engine().max_string_size()).into()
}

fn equal(a: Dynamic, b: Dynamic) -> Outcome<bool> {
    text::equal(&a, &b, VALUE_DEPTH).map_err(|TooDeep| too_large("Depth of containers"))
}
