//! Symbols: the table, and the hash tables through which the loader finds a name in it. Stripping leaves both in place.

use object::{
    NativeEndian as Endian, U32, elf,
    read::elf::{FileHeader, Sym},
};

use super::{
    Refusal, corrupt,
    dynamic::{Dynamic, Strings},
    image::{Header, Image},
    unwind::Functions,
};

pub(super) type Symbol = <Header as FileHeader>::Sym;
type Number = U32<Endian>;

/// A hash table in GNU's form: symbols from `first` on, sorted by bucket; the lowest bit of a hash ends a bucket.
struct Gnu<'data> {
    first: u32,
    buckets: &'data [Number],
    hashes: &'data [Number],
}

impl<'data> Gnu<'data> {
    fn read(image: &Image<'data>, address: u64) -> Option<Self> {
        let [buckets, first, bloom, _shift] = *image.array::<Number>(address, 4)?.first_chunk()?;
        let (buckets, first, bloom) = (buckets.get(Endian), first.get(Endian), bloom.get(Endian));
        // The loader divides by one and masks with the other.
        if buckets == 0 || !bloom.is_power_of_two() {
            return None;
        }
        let bloom_len = u64::from(bloom).checked_mul(size_of::<usize>() as u64)?;
        let bucket_table = address.checked_add(16)?.checked_add(bloom_len)?;
        let chain_table = bucket_table.checked_add(u64::from(buckets).checked_mul(4)?)?;
        image.bytes(address, bucket_table - address)?;
        let buckets = image.array::<Number>(bucket_table, buckets as usize)?;
        let starts = || buckets.iter().map(|start| start.get(Endian)).filter(|start| *start != 0);
        let Some(last) = starts().max() else { return Some(Gnu { first, buckets, hashes: &[] }) };
        if starts().any(|start| start < first) {
            return None;
        }
        let hashes = image.from(chain_table)?;
        let skip = usize::try_from(last - first).ok()?;
        let chain = hashes.get(skip.checked_mul(4)?..)?.chunks_exact(4);
        let end =
            chain.take_while(|hash| hash.first_chunk::<4>().is_some_and(|hash| u32::from_ne_bytes(*hash) & 1 == 0));
        let hashes = image.array::<Number>(chain_table, skip.checked_add(end.count())?.checked_add(1)?)?;
        Some(Gnu { first, buckets, hashes })
    }

    /// How many symbols there are in all.
    fn count(&self) -> usize {
        (self.first as usize).saturating_add(self.hashes.len())
    }

    fn find(&self, name: &[u8]) -> impl Iterator<Item = usize> {
        let hash = elf::gnu_hash(name);
        let start = self.buckets.get(hash as usize % self.buckets.len().max(1)).map_or(0, |start| start.get(Endian));
        let first = self.first as usize;
        let chain = (start != 0).then(|| self.hashes.get((start as usize).saturating_sub(first)..)).flatten();
        let mut ended = false;
        let chain = chain.unwrap_or_default().iter().map(|value| value.get(Endian)).enumerate();
        let chain = chain.take_while(move |(_, value)| !std::mem::replace(&mut ended, value & 1 == 1));
        chain.filter(move |(_, value)| value | 1 == hash | 1).map(move |(step, _)| start as usize + step)
    }
}

/// A hash table in System V's form: each bucket is a linked list of symbols.
struct SystemV<'data> {
    heads: &'data [Number],
    links: &'data [Number],
}

impl<'data> SystemV<'data> {
    fn read(image: &Image<'data>, address: u64) -> Option<Self> {
        let [heads, links] = *image.array::<Number>(address, 2)?.first_chunk()?;
        let (heads, links) = (heads.get(Endian) as usize, links.get(Endian) as usize);
        let numbers = image.array::<Number>(address.checked_add(8)?, heads.checked_add(links)?)?;
        let (heads, links) = numbers.split_at_checked(heads)?;
        let table = SystemV { heads, links };
        // No symbol is in two lists, so that all lists together take as many steps as there are symbols.
        let mut left = links.len();
        for head in heads {
            let mut at = head.get(Endian);
            while at != 0 {
                left = left.checked_sub(1)?;
                at = links.get(at as usize)?.get(Endian);
            }
        }
        (!heads.is_empty()).then_some(table)
    }

    fn find(&self, name: &[u8]) -> impl Iterator<Item = usize> {
        let bucket = elf::hash(name) as usize % self.heads.len().max(1);
        let next = |at: u32| (at != 0).then_some(at as usize);
        let head = self.heads.get(bucket).and_then(|head| next(head.get(Endian)));
        std::iter::successors(head, move |at| self.links.get(*at).and_then(|link| next(link.get(Endian))))
    }
}

/// A library's symbols.
pub(super) struct Symbols<'data> {
    pub(super) table: &'data [Symbol],
    strings: Strings<'data>,
    gnu: Option<Gnu<'data>>,
    system_v: Option<SystemV<'data>>,
}

impl<'data> Symbols<'data> {
    pub(super) fn new(
        image: &Image<'data>,
        dynamic: &Dynamic<'data>,
        strings: Strings<'data>,
    ) -> Result<Self, Refusal> {
        let address = dynamic.one(elf::DT_SYMTAB).ok_or_else(|| corrupt("it has no symbols"))?;
        let broken = || corrupt("its hash table of symbols leads beyond its end");
        let gnu = dynamic.one(elf::DT_GNU_HASH).map(|at| Gnu::read(image, at).ok_or_else(broken)).transpose()?;
        let system_v = dynamic.one(elf::DT_HASH).map(|at| SystemV::read(image, at).ok_or_else(broken)).transpose()?;
        let count = match (&gnu, &system_v) {
            (Some(gnu), Some(system_v)) if gnu.count() > system_v.links.len() => return Err(broken()),
            (_, Some(system_v)) => system_v.links.len(),
            (Some(gnu), None) => gnu.count(),
            (None, None) => 0,
        };
        let table = image.array(address, count).ok_or_else(|| corrupt("its symbols are not within its segments"))?;
        Ok(Symbols { table, strings, gnu, system_v })
    }

    /// The address of the function `name` that it defines for others to call.
    pub(super) fn function(&self, name: &[u8], image: &Image<'_>) -> Option<u64> {
        let is = |number: &usize| {
            self.table.get(*number).is_some_and(|symbol| {
                self.name(symbol) == Some(name)
                    && symbol.st_shndx(Endian) != elf::SHN_UNDEF
                    && symbol.st_type() == elf::STT_FUNC
                    && matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK)
                    && matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED)
                    && image.is_code(value(symbol))
            })
        };
        let found = match (&self.gnu, &self.system_v) {
            (Some(gnu), _) => gnu.find(name).find(is),
            (None, Some(system_v)) => system_v.find(name).find(is),
            (None, None) => None,
        };
        found.and_then(|number| self.table.get(number)).map(value)
    }

    /// The name of `symbol`.
    pub(super) fn name(&self, symbol: &Symbol) -> Option<&'data [u8]> {
        self.strings.name(symbol.st_name(Endian).into())
    }

    /// Refuses symbols that mean nothing, or something that is not in the image: the loader hands their addresses out,
    /// and calls some.
    pub(super) fn check(&self, image: &Image<'_>, functions: &Functions<'_, '_>) -> Result<(), Refusal> {
        match self.table.iter().enumerate().skip(1).find(|(_, symbol)| !self.is_sound(symbol, image, functions)) {
            None => self.check_hashes(),
            Some((number, symbol)) => {
                let name: String =
                    String::from_utf8_lossy(self.name(symbol).unwrap_or_default()).chars().take(80).collect();
                Err(corrupt(format!("its symbol {number} (`{}`) is damaged", name.escape_debug())))
            }
        }
    }

    fn is_sound(&self, symbol: &Symbol, image: &Image<'_>, functions: &Functions<'_, '_>) -> bool {
        let (kind, value) = (symbol.st_type(), value(symbol));
        let bound = matches!(symbol.st_bind(), elf::STB_LOCAL | elf::STB_GLOBAL | elf::STB_WEAK | elf::STB_GNU_UNIQUE);
        // Types from 13 on belong to the processors.
        let typed = matches!(kind.0, 0..=6 | 10 | 13..);
        if !bound || !typed || self.name(symbol).is_none() {
            return false;
        }
        match symbol.st_shndx(Endian) {
            // The loader takes what no other library may define for defined here, whatever its value.
            elf::SHN_UNDEF => {
                symbol.st_bind() != elf::STB_LOCAL
                    && matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED)
            }
            elf::SHN_ABS => kind != elf::STT_GNU_IFUNC,
            _ => match kind {
                elf::STT_FUNC => image.is_code(value),
                // The loader calls it to be told the address.
                elf::STT_GNU_IFUNC => functions.may_begin(value),
                elf::STT_TLS => image.tls.is_some_and(|tls| value <= tls.size),
                _ => image.holds(value),
            },
        }
    }

    /// Refuses a hash table whose hashes are not those of the names: the loader would not find what is there.
    fn check_hashes(&self) -> Result<(), Refusal> {
        let Some(gnu) = &self.gnu else { return Ok(()) };
        let symbols = self.table.get(gnu.first as usize..).unwrap_or_default();
        let agrees = |(hash, symbol): (&Number, &Symbol)| {
            self.name(symbol).is_some_and(|name| elf::gnu_hash(name) | 1 == hash.get(Endian) | 1)
        };
        match gnu.hashes.iter().zip(symbols).all(agrees) {
            true => Ok(()),
            false => Err(corrupt("its hash table of symbols does not agree with their names")),
        }
    }
}

/// The value of `symbol`.
#[allow(clippy::useless_conversion, reason = "the field is narrower in 32-bit files")]
pub(super) fn value(symbol: &Symbol) -> u64 {
    symbol.st_value(Endian).into()
}
