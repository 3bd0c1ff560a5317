//! The loan of the host's state: a thread-local slot that holds `&mut S` for the length of a call, is empty while a host
//! function has it, and is filled again by a nested call.

use std::any::Any;

use scoped_tls_hkt::scoped_thread_local;

scoped_thread_local!(static mut STATE: dyn Any);

/// The state was not to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotLent {
    /// None is lent: while loading, or while another host function of this thread has it.
    Nothing,
    /// A state of another type is lent.
    OtherType,
}

/// Runs `f` while `state` is lent.
///
/// ```
/// use modhost_backend::scope;
///
/// let mut score = 1_u32;
/// scope::lend(&mut score, || {
///     scope::borrow(|score: &mut u32| *score += 1)?;
///     assert_eq!(scope::borrow(|_: &mut String| ()), Err(scope::NotLent::OtherType));
///     Ok::<(), scope::NotLent>(())
/// })?;
/// assert_eq!(score, 2);
/// assert_eq!(scope::borrow(|_: &mut u32| ()), Err(scope::NotLent::Nothing));
/// # Ok::<(), scope::NotLent>(())
/// ```
#[inline]
pub fn lend<S: 'static, R>(state: &mut S, f: impl FnOnce() -> R) -> R {
    STATE.set(state, f)
}

/// Runs `f` while nothing is lent, whatever was: loading runs without host state.
pub fn without<R>(f: impl FnOnce() -> R) -> R {
    if STATE.is_set() { STATE.with(|_| f()) } else { f() }
}

/// Runs `f` with the state that is lent; inside `f` nothing is lent.
///
/// # Errors
/// [`NotLent`] says why `f` did not run.
#[inline]
pub fn borrow<S: 'static, R>(f: impl FnOnce(&mut S) -> R) -> Result<R, NotLent> {
    if !STATE.is_set() {
        return Err(NotLent::Nothing);
    }
    STATE.with(|state| state.downcast_mut::<S>().map(f).ok_or(NotLent::OtherType))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_state_is_lent_again_by_a_nested_call_only() {
        let mut outer = 1_u8;
        lend(&mut outer, || {
            borrow(|state: &mut u8| {
                assert_eq!(borrow(|_: &mut u8| ()), Err(NotLent::Nothing));
                lend(state, || borrow(|state: &mut u8| *state += 1)).unwrap();
                *state += 1;
            })
            .unwrap();
            without(|| assert_eq!(borrow(|_: &mut u8| ()), Err(NotLent::Nothing)));
        });
        assert_eq!(outer, 3);
    }

    #[test]
    fn a_panic_gives_the_loan_back() {
        let mut state = 1_u8;
        lend(&mut state, || {
            let panicked = std::panic::catch_unwind(|| borrow(|_: &mut u8| std::panic::resume_unwind(Box::new(()))));
            assert!(panicked.is_err());
            assert_eq!(borrow(|state: &mut u8| *state), Ok(1));
        });
        assert_eq!(borrow(|_: &mut u8| ()), Err(NotLent::Nothing));
    }
}
