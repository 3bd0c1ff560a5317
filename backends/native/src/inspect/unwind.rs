//! [`Functions`]: where functions begin, as far as the table says by which the unwinder finds them. The loader calls
//! some by their address; one that is damaged leads into the middle of another.

use super::image::Image;

/// Both tables in the encodings that all linkers use: distances of four bytes.
const HEADER: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
/// Distances from the place where they stand, in four bytes; what a description's augmentation `R` says.
const FROM_HERE: u8 = 0x1b;

/// Where functions begin.
pub(super) struct Functions<'a, 'data> {
    image: &'a Image<'data>,
    /// The address of the table's header, from which its distances count.
    header: u64,
    /// Pairs of distances: of a function and of its description, sorted.
    pairs: &'data [u8],
}

fn number(bytes: &[u8], at: usize) -> Option<i64> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(i32::from_ne_bytes(*four).into())
}

impl<'a, 'data> Functions<'a, 'data> {
    /// The table of `image`; an empty one where there is none or its form is another.
    pub(super) fn new(image: &'a Image<'data>) -> Self {
        let header = image.unwind.map_or(0, |unwind| unwind.address);
        let pairs = image.unwind.and_then(|unwind| {
            let bytes = image.bytes(unwind.address, unwind.len)?;
            let count = bytes.starts_with(&HEADER).then(|| number(bytes, 8))??;
            bytes.get(12..)?.get(..usize::try_from(count).ok()?.checked_mul(8)?)
        });
        Functions { image, header, pairs: pairs.unwrap_or_default() }
    }

    /// Whether a function may begin at `address`: it is code, and no function is known that it is in the middle of.
    pub(super) fn may_begin(&self, address: u64) -> bool {
        self.image.is_entry(address) && self.containing(address).is_none_or(|start| start == address)
    }

    /// The beginning of the function that has `address`, if it is known.
    fn containing(&self, address: u64) -> Option<u64> {
        let distance = address.checked_signed_diff(self.header)?;
        let (pairs, _) = self.pairs.as_chunks::<8>();
        let after = pairs.partition_point(|pair| number(pair, 0).is_some_and(|start| start <= distance));
        let pair = pairs.get(after.checked_sub(1)?)?;
        let start = self.header.checked_add_signed(number(pair, 0)?)?;
        let len = self.len(self.header.checked_add_signed(number(pair, 4)?)?, start)?;
        (address - start < len).then_some(start)
    }

    /// The length of the function from `start` on that the description at `at` is of.
    fn len(&self, at: u64, start: u64) -> Option<u64> {
        let description = self.image.from(at)?;
        // Its own length, how far back the common part begins, the function's place and length.
        let common = at.checked_add(4)?.checked_add_signed(number(description, 4)?.checked_neg()?)?;
        let begins = at.checked_add(8)?.checked_add_signed(number(description, 8)?)?;
        (begins == start && self.counts_from_here(common)?).then_some(())?;
        u64::try_from(number(description, 12)?).ok()
    }

    /// Whether the common part at `at` says that places count from where they stand. It is a length, an id of zero, a
    /// version, letters that say what follows, three numbers and what the letters announced.
    fn counts_from_here(&self, at: u64) -> Option<bool> {
        let common = self.image.from(at)?;
        let (head, rest) = common.split_at_checked(9)?;
        let end = rest.iter().take(8).position(|byte| *byte == 0)?;
        let letters = rest.get(..end)?.strip_prefix(b"z")?;
        let mut rest = rest.get(end + 1..)?;
        // The alignment of code and of data, the register of the return address, and the length of what follows.
        for _ in 0..4 {
            let len = rest.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
            rest = rest.get(len..)?;
        }
        (head.get(4..)? == [0, 0, 0, 0, 1]).then_some(())?;
        for letter in letters {
            match letter {
                b'R' => return Some(*rest.first()? == FROM_HERE),
                // The encoding of a language's own data, of one byte.
                b'L' => rest = rest.get(1..)?,
                // An encoding and an address of four bytes.
                b'P' if matches!(rest.first()?, 0x1b | 0x9b) => rest = rest.get(5..)?,
                b'S' => {}
                _ => return None,
            }
        }
        None
    }
}
