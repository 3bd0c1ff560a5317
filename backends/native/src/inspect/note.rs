//! Notes: the loader reads them for the system and the processor features that a library needs.

/// The size of a note's header: three 32-bit numbers.
const HEADER: usize = 12;
/// The type of the note, by `GNU`, that lists properties.
const PROPERTIES: u32 = 5;

/// Whether the loader stays within `data` when it reads the notes there.
pub(super) fn is_sound(mut data: &[u8], align: u64) -> bool {
    // The loader leaves notes of another alignment alone.
    let Ok(align @ (4 | 8)) = usize::try_from(align) else { return true };
    while let Some((header, rest)) = data.split_at_checked(HEADER) {
        let number = |at: usize| header.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_ne_bytes);
        let (Some(name), Some(len), Some(kind)) = (number(0), number(4), number(8)) else { return false };
        let place = (HEADER + name as usize).next_multiple_of(align) - HEADER;
        let body = rest.get(place..).and_then(|rest| rest.get(..len as usize));
        let is_gnu = rest.starts_with(b"GNU\0");
        match body {
            Some(body) if name == 4 && is_gnu && kind == PROPERTIES && !has_sound_properties(body) => return false,
            Some(_) => {}
            // Foreign notes may be cut short: the loader skips them by their sizes and stops at the end.
            None => return !is_gnu,
        }
        let next = (HEADER + place + len as usize).next_multiple_of(align);
        data = data.get(next..).unwrap_or_default();
    }
    true
}

/// Whether each property, a type and a length before its data, ends within `body`.
fn has_sound_properties(mut body: &[u8]) -> bool {
    while let Some((header, rest)) = body.split_at_checked(8) {
        let len = header.get(4..).and_then(|four| four.try_into().ok()).map(u32::from_ne_bytes);
        let Some(rest) = len.and_then(|len| rest.get(len as usize..)) else { return false };
        let padding =
            len.map_or(0, |len| len as usize).next_multiple_of(size_of::<usize>()) - len.unwrap_or(0) as usize;
        body = rest.get(padding..).unwrap_or_default();
    }
    body.is_empty()
}
