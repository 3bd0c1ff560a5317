//! Versions of symbols: lists of what the library needs of others and defines itself, and a number for each symbol. The
//! loader follows the lists without looking where they lead, and takes the numbers as indices.

use object::{NativeEndian as Endian, U16, elf};

use super::{
    Refusal, corrupt,
    dynamic::{Dynamic, Strings},
    image::Image,
};

/// The number of all versions that can be told apart; also the bound of all lists.
const MOST: usize = 0x8000;
/// The bits of a number; the highest hides a symbol.
const NUMBER: u16 = 0x7fff;

/// Numbers that stand for a version.
struct Known(Vec<bool>);

impl Known {
    fn add(&mut self, number: u16) {
        if let Some(known) = self.0.get_mut(usize::from(number & NUMBER)) {
            *known = true;
        }
    }
}

/// Refuses lists that leave the segments or do not end, and symbols whose version is in none.
pub(super) fn check(
    image: &Image<'_>,
    dynamic: &Dynamic<'_>,
    strings: Strings<'_>,
    needs: &[&[u8]],
    symbols: usize,
) -> Result<(), Refusal> {
    let mut known = Known(vec![false; MOST]);
    // Local and global symbols without a version.
    known.add(0);
    known.add(1);
    let needed = dynamic.one(elf::DT_VERNEED);
    let defined = dynamic.one(elf::DT_VERDEF);
    let lists = needed.map_or(Some(0), |at| read_needed(image, at, strings, needs, &mut known));
    let sound = lists == needed.and_then(|_| dynamic.one(elf::DT_VERNEEDNUM)).or(lists);
    if lists.is_none() || !sound {
        return Err(corrupt("its list of versions that it needs is damaged"));
    }
    let lists = defined.map_or(Some(0), |at| read_defined(image, at, strings, &mut known));
    let sound = lists == defined.and_then(|_| dynamic.one(elf::DT_VERDEFNUM)).or(lists);
    if lists.is_none() || !sound {
        return Err(corrupt("its list of versions that it defines is damaged"));
    }
    let Some(numbers) = dynamic.one(elf::DT_VERSYM) else {
        return match needed.or(defined) {
            None => Ok(()),
            Some(_) => Err(corrupt("its symbols have no versions, though it lists some")),
        };
    };
    if needed.or(defined).is_none() {
        return Err(corrupt("its symbols have versions, though it lists none"));
    }
    let numbers: Option<&[U16<Endian>]> = image.array(numbers, symbols);
    let numbers = numbers.ok_or_else(|| corrupt("the versions of its symbols are not within its segments"))?;
    match numbers.iter().all(|number| known.0.get(usize::from(number.get(Endian) & NUMBER)) == Some(&true)) {
        true => Ok(()),
        false => Err(corrupt("a symbol of it has a version that it does not list")),
    }
}

/// Where the next record of a list is; `None` at its end. Offsets are unsigned and at least as long as a record, so
/// that a list cannot turn back.
fn next(at: u64, offset: u32, record: usize) -> Option<Option<u64>> {
    match offset {
        0 => Some(None),
        _ if (offset as usize) < record => None,
        _ => at.checked_add(offset.into()).map(Some),
    }
}

/// Reads the list at `at`; gives its length.
fn read_needed(image: &Image<'_>, at: u64, strings: Strings<'_>, needs: &[&[u8]], known: &mut Known) -> Option<u64> {
    let (mut at, mut count, mut left) = (Some(at), 0_u64, MOST);
    while let Some(here) = at {
        let library = image.array::<elf::Verneed<Endian>>(here, 1)?.first()?;
        // The loader stops the process if it has not loaded a library of this name.
        let named = strings.name(library.vn_file.get(Endian).into())?;
        if library.vn_version.get(Endian) != elf::VER_NEED_CURRENT || !needs.contains(&named) {
            return None;
        }
        let mut version = Some(here.checked_add(library.vn_aux.get(Endian).into())?);
        let mut versions = 0_u16;
        while let Some(here) = version {
            left = left.checked_sub(1)?;
            versions = versions.checked_add(1)?;
            let record = image.array::<elf::Vernaux<Endian>>(here, 1)?.first()?;
            if elf::hash(strings.name(record.vna_name.get(Endian).into())?) != record.vna_hash.get(Endian) {
                return None;
            }
            known.add(record.vna_other.get(Endian).0);
            version = next(here, record.vna_next.get(Endian), size_of_val(record))?;
        }
        if versions != library.vn_cnt.get(Endian) {
            return None;
        }
        count += 1;
        at = next(here, library.vn_next.get(Endian), size_of_val(library))?;
    }
    Some(count)
}

/// As [`read_needed`].
fn read_defined(image: &Image<'_>, at: u64, strings: Strings<'_>, known: &mut Known) -> Option<u64> {
    let (mut at, mut count, mut left) = (Some(at), 0_u64, MOST);
    while let Some(here) = at {
        left = left.checked_sub(1)?;
        let version = image.array::<elf::Verdef<Endian>>(here, 1)?.first()?;
        let name = here.checked_add(version.vd_aux.get(Endian).into())?;
        let name = image.array::<elf::Verdaux<Endian>>(name, 1)?.first()?;
        let name = strings.name(name.vda_name.get(Endian).into())?;
        if version.vd_version.get(Endian) != elf::VER_DEF_CURRENT || elf::hash(name) != version.vd_hash.get(Endian) {
            return None;
        }
        known.add(version.vd_ndx.get(Endian).0);
        count += 1;
        at = next(here, version.vd_next.get(Endian), size_of_val(version))?;
    }
    Some(count)
}
