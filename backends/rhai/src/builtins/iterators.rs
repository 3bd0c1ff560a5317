//! The library `iterators`, with characters that come one by one.

use std::{
    any::TypeId,
    ops::{Range, RangeInclusive},
};

use rhai::{
    Dynamic, FuncRegistration, INT, ImmutableString, Module,
    packages::{BasicIteratorPackage, Package},
};

use super::set;
use crate::characters::Characters;

pub(super) fn open(m: &mut Module) {
    BasicIteratorPackage::init(m);
    m.set_iter(TypeId::of::<ImmutableString>(), |text| Box::new(Characters::of(text).map(Dynamic::from)));
    set!(m, "chars", |text: ImmutableString| Characters::new(text, 0, INT::MAX));
    set!(m, "chars", |text: ImmutableString, from: INT| Characters::new(text, from, INT::MAX));
    set!(m, "chars", |text: ImmutableString, from: INT, count: INT| Characters::new(text, from, count));
    set!(m, "chars", |text: ImmutableString, range: Range<INT>| {
        let from = range.start.max(0);
        Characters::new(text, from, range.end.max(from) - from)
    });
    set!(m, "chars", |text: ImmutableString, range: RangeInclusive<INT>| {
        let from = (*range.start()).max(0);
        Characters::new(text, from, (*range.end()).max(from - 1).min(INT::MAX - 1) - from + 1)
    });
    FuncRegistration::new_getter("chars")
        .in_global_namespace()
        .set_into_module(m, |text: &mut ImmutableString| Characters::new(text.clone(), 0, INT::MAX));
}
