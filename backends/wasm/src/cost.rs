//! What compiling a module takes at worst, counted before it begins: wasmi compiles in one go, which nothing can
//! interrupt. The prices are those of the dearest code found of each kind, in fuel (20 million units a second) and in
//! bytes of the host's memory, compiler and result together; ordinary code takes a fifth of the time and half the
//! memory. It judges nothing but what the reader of operators cannot read.

use std::time::Duration;

use wasmparser::{BinaryReader, BlockType, FunctionBody, Operator};

use crate::limits::FUEL_PER_SECOND;

/// Fuel for each byte of code and of element segments: 105 ms for each MiB.
const BYTE: u64 = 2;
/// Fuel for each function: to begin one takes as long as some bytes of code.
const FUNCTION: u64 = 16;
/// Bytes of memory for each function, however small.
const FUNCTION_BYTES: u64 = 320;
/// Bytes of memory for each byte of an element segment: an element is one byte in the file, and an expression here.
const ELEMENT_BYTES: u64 = 48;
/// Bytes of memory for each export or type, and for each parameter or result of it: callers see a signature of each, and
/// the engine keeps a copy.
const ENTRY_BYTES: u64 = 400;
const SLOT_BYTES: u64 = 200;

/// Time, as fuel, and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Units of fuel.
    pub(crate) fuel: u64,
    /// Bytes.
    pub(crate) memory: u64,
}

/// The sizes of a module's function types.
#[derive(Debug, Default)]
pub(crate) struct Types {
    /// Parameters and results of each.
    slots: Vec<u32>,
    /// The most results of one.
    results: u64,
    /// The most parameters and results of one.
    widest: u64,
}

impl Types {
    /// The next type has so many parameters and results.
    pub(crate) fn add(&mut self, [params, results]: [u32; 2]) {
        self.slots.push(params + results);
        self.results = self.results.max(results.into());
        self.widest = self.widest.max((params + results).into());
    }

    fn of(&self, block: BlockType) -> u64 {
        match block {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            // A type that is not there is found when the module is validated.
            BlockType::FuncType(index) => self.slots.get(index as usize).map_or(0, |slots| (*slots).into()),
        }
    }
}

impl Cost {
    /// How long compiling takes at worst, where 20 million units are a second.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_micros(self.fuel / (FUEL_PER_SECOND / 1_000_000))
    }

    /// Counts the section `id` of `length` bytes with `count` entries.
    pub(crate) fn section(&mut self, id: u8, length: usize, count: u32, types: &Types) {
        let (length, count) = (length as u64, u64::from(count));
        match id {
            // Types, imports and exports: names, and what is remembered of each.
            1 | 2 => self.memory += count * ENTRY_BYTES + 4 * length,
            7 => self.memory += count * (ENTRY_BYTES + types.widest * SLOT_BYTES) + 4 * length,
            9 => {
                self.fuel += BYTE * length;
                self.memory += ELEMENT_BYTES * length;
            }
            10 => self.fuel += BYTE * length,
            11 => self.memory += 2 * length,
            _ => {}
        }
    }

    /// Counts the function `body`, of so many locals, beside its bytes.
    ///
    /// # Errors
    /// What the reader says of bytes that are no operators.
    pub(crate) fn body(&mut self, body: &[u8], locals: u64, types: &Types) -> Result<(), String> {
        // Several results are copied by each branch that leaves with them.
        let results = types.results.saturating_sub(1);
        self.fuel += FUNCTION + locals / 16;
        self.memory += FUNCTION_BYTES;
        let operators = FunctionBody::new(BinaryReader::new(body, 0)).get_operators_reader();
        for operator in operators.map_err(|error| error.to_string())? {
            let (fuel, memory) = match operator.map_err(|error| error.to_string())? {
                Operator::Nop | Operator::End | Operator::Drop => (0, 2),
                Operator::Block { blockty } => sized(48, 4, types.of(blockty)),
                Operator::Loop { blockty } => sized(64, 4, types.of(blockty)),
                Operator::If { blockty } => sized(112, 24, types.of(blockty)),
                Operator::BrIf { .. } => (2 * results, 48 + 24 * results),
                Operator::BrTable { targets } => {
                    let targets = u64::from(targets.len());
                    (targets * results.div_ceil(2), 64 + targets * (8 + 4 * results))
                }
                Operator::Call { .. } | Operator::CallIndirect { .. } => (0, 40),
                Operator::LocalGet { .. } | Operator::I32Const { .. } | Operator::I64Const { .. } => (0, 12),
                _ => (0, 28),
            };
            self.fuel += fuel;
            self.memory += memory;
        }
        Ok(())
    }
}

/// The price of a block of `base` bytes that takes and gives `slots` values at `each` bytes.
fn sized(base: u64, each: u64, slots: u64) -> (u64, u64) {
    (2 * slots.saturating_sub(1), base + each * slots)
}
