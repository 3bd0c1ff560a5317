//! [`ValueBudget`]: how deep and how large a value may be. Every converter, of every backend and the codec, charges it
//! before it allocates.

use core::fmt;

use crate::Value;

/// What each value in a tree counts as, in bytes: its size in the host's memory.
pub const NODE_BYTES: u64 = 32;

/// The most that one crossing value may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ValueLimits {
    /// Nesting: a scalar is 1, a list of scalars 2. Never above [`ValueLimits::DEEPEST`].
    pub depth: u32,
    /// Size in bytes as [`Value::weight`](crate::Value::weight) counts it.
    pub bytes: u64,
}

impl ValueLimits {
    /// Beyond this depth no limit may be set: converters recurse on the host's stack.
    pub const DEEPEST: u32 = 128;
}

impl Default for ValueLimits {
    /// 32 levels and 1 MiB.
    fn default() -> Self {
        ValueLimits { depth: 32, bytes: 1 << 20 }
    }
}

/// A value is deeper or larger than its limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TooLarge {
    /// Nested deeper than this many levels.
    Depth(u32),
    /// Larger than this many bytes.
    Bytes(u64),
}

impl TooLarge {
    /// The limit that was crossed.
    #[must_use]
    pub fn limit(self) -> u64 {
        match self {
            TooLarge::Depth(limit) => u64::from(limit),
            TooLarge::Bytes(limit) => limit,
        }
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooLarge::Depth(limit) => write!(f, "the value is nested deeper than {limit} levels"),
            TooLarge::Bytes(limit) => write!(f, "the value is larger than {limit} bytes"),
        }
    }
}

impl core::error::Error for TooLarge {}

/// What is left of [`ValueLimits`] while one value (or one list of arguments) is converted.
///
/// ```
/// use modhost_abi::{TooLarge, ValueBudget, ValueLimits};
///
/// let mut budget = ValueBudget::new(ValueLimits { depth: 2, bytes: 1024 });
/// budget.enter(5)?;                       // a value with a payload of 5 bytes
/// budget.enter(0)?;                       // one inside it
/// assert_eq!(budget.enter(0), Err(TooLarge::Depth(2)));
/// budget.leave();
/// assert_eq!(budget.enter(2000), Err(TooLarge::Bytes(1024)));
/// # Ok::<(), TooLarge>(())
/// ```
#[derive(Clone, Debug)]
pub struct ValueBudget {
    limits: ValueLimits,
    depth: u32,
    bytes: u64,
}

impl ValueBudget {
    /// A full budget.
    #[inline]
    #[must_use]
    pub fn new(limits: ValueLimits) -> Self {
        let limits = ValueLimits { depth: limits.depth.min(ValueLimits::DEEPEST), ..limits };
        ValueBudget { limits, depth: limits.depth, bytes: limits.bytes }
    }

    /// Steps into a value whose text, bytes or key take `payload` bytes; each call is paired with [`ValueBudget::leave`].
    ///
    /// # Errors
    /// [`TooLarge`] when the value would be too deep or too large; then nothing is charged.
    #[inline]
    pub fn enter(&mut self, payload: usize) -> Result<(), TooLarge> {
        if self.depth == 0 {
            return Err(TooLarge::Depth(self.limits.depth));
        }
        self.charge(NODE_BYTES.saturating_add(payload as u64))?;
        self.depth -= 1;
        Ok(())
    }

    /// Steps into a value that was paid for with [`ValueBudget::charge`] already.
    #[inline]
    pub(crate) fn descend(&mut self) -> Result<(), TooLarge> {
        self.depth = self.depth.checked_sub(1).ok_or(TooLarge::Depth(self.limits.depth))?;
        Ok(())
    }

    /// Steps out of the value that [`ValueBudget::enter`] stepped into.
    #[inline]
    pub fn leave(&mut self) {
        self.depth += 1;
    }

    /// Charges bytes that belong to the value stepped into, a key for instance.
    ///
    /// # Errors
    /// [`TooLarge::Bytes`].
    #[inline]
    pub fn charge(&mut self, bytes: u64) -> Result<(), TooLarge> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(TooLarge::Bytes(self.limits.bytes))?;
        Ok(())
    }

    /// Whether a value with `count` elements could still fit: asked before room for them is reserved.
    ///
    /// # Errors
    /// [`TooLarge::Bytes`].
    #[inline]
    pub fn room_for(&self, count: usize) -> Result<(), TooLarge> {
        if NODE_BYTES.saturating_mul(count as u64) > self.bytes {
            return Err(TooLarge::Bytes(self.limits.bytes));
        }
        Ok(())
    }

    /// Charges a whole value that exists already.
    ///
    /// # Errors
    /// [`TooLarge`]; how much was charged until then is not said.
    pub fn measure(&mut self, value: &Value) -> Result<(), TooLarge> {
        match value {
            Value::Str(text) => self.enter(text.len())?,
            Value::Bytes(bytes) => self.enter(bytes.len())?,
            Value::List(items) => {
                self.enter(0)?;
                items.iter().try_for_each(|item| self.measure(item))?;
            }
            Value::Map(map) => {
                self.enter(0)?;
                for (key, item) in map.iter_bytes() {
                    self.charge(key.len() as u64)?;
                    self.measure(item)?;
                }
            }
            _ => self.enter(0)?,
        }
        self.leave();
        Ok(())
    }
}
