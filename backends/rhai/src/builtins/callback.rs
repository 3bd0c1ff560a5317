//! Calling a callback from a function over a container. Rhai's own wraps what comes out of it into an error that a script can
//! catch, limits too; here they stay what they are.

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, INT, NativeCallContext, Position};

use super::Outcome;

/// One callback of the function `within`.
pub(super) struct Callback<'a> {
    pub(super) ctx: &'a NativeCallContext<'a>,
    pub(super) within: &'static str,
    pub(super) function: &'a FnPtr,
}

impl Callback<'_> {
    /// Calls it with `item` as `this`, else as its argument, else with its `index` as well.
    pub(super) fn item(&self, item: &mut Dynamic, index: usize) -> Outcome<Dynamic> {
        self.or(self.raw(Some(item), []), || self.raw(None, [item.clone()]))
            .or_else(|error| self.or(Err(error), || self.raw(None, [item.clone(), number(index)])))
            .map_err(|error| self.wrap(error))
    }

    /// Whether it says true of `item`.
    pub(super) fn says(&self, item: &mut Dynamic, index: usize) -> Outcome<bool> {
        self.item(item, index).map(|said| said.as_bool().unwrap_or(false))
    }

    /// Calls it with `item` as `this`, else with its `index` as well.
    pub(super) fn each(&self, item: &mut Dynamic, index: usize) -> Outcome<Dynamic> {
        let first = self.raw(Some(item), []);
        self.or(first, || self.raw(Some(item), [number(index)])).map_err(|error| self.wrap(error))
    }

    /// Calls it with `first` and `item` as `this`, else with both, else with an `index` as well.
    pub(super) fn after(&self, first: &Dynamic, item: &mut Dynamic, index: Option<usize>) -> Outcome<Dynamic> {
        let mut result = self.raw(Some(item), [first.clone()]);
        result = self.or(result, || self.raw(None, [first.clone(), item.clone()]));
        if let Some(index) = index {
            result = self.or(result, || self.raw(None, [first.clone(), item.clone(), number(index)]));
        }
        result.map_err(|error| self.wrap(error))
    }

    /// Calls it with two values, else with an `index` as well.
    pub(super) fn pair(&self, a: &Dynamic, b: &Dynamic, index: usize) -> Outcome<Dynamic> {
        let result = self.raw(None, [a.clone(), b.clone()]);
        self.or(result, || self.raw(None, [a.clone(), b.clone(), number(index)])).map_err(|error| self.wrap(error))
    }

    fn raw<const N: usize>(&self, this: Option<&mut Dynamic>, args: [Dynamic; N]) -> Outcome<Dynamic> {
        self.function.call_raw(self.ctx, this, args)
    }

    /// `result`, or another way where it was not found so.
    fn or(&self, result: Outcome<Dynamic>, other: impl FnOnce() -> Outcome<Dynamic>) -> Outcome<Dynamic> {
        match &result {
            Err(error) => match &**error {
                EvalAltResult::ErrorFunctionNotFound(signature, _)
                    if signature.starts_with(self.function.fn_name()) =>
                {
                    other()
                }
                _ => result,
            },
            Ok(_) => result,
        }
    }

    fn wrap(&self, error: Box<EvalAltResult>) -> Box<EvalAltResult> {
        if error.is_system_exception() {
            return error;
        }
        let source = self.ctx.call_source().unwrap_or("").to_owned();
        EvalAltResult::ErrorInFunctionCall(self.within.into(), source, error, Position::NONE).into()
    }
}

fn number(index: usize) -> Dynamic {
    INT::try_from(index).unwrap_or(INT::MAX).into()
}

/// Where a search that starts at `start` begins in an array of `length`; it counts from the end where it is negative.
pub(super) fn start(length: usize, start: INT) -> usize {
    match usize::try_from(start) {
        Ok(start) => start.min(length),
        Err(_) => length.saturating_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

/// Takes out of `array` what `callback` says `out` of; what is before a failure is done.
pub(super) fn take_out(array: &mut Array, callback: &Callback<'_>, out: bool) -> Outcome<Array> {
    let (mut taken, mut at, mut index) = (Array::new(), 0, 0);
    while at < array.len() {
        if callback.says(&mut array[at], index)? == out {
            taken.push(array.remove(at));
        } else {
            at += 1;
        }
        index += 1;
    }
    Ok(taken)
}
