//! Finds a symbol the way `dlsym` would: through the hash table, which stripping leaves in place. It runs nothing.

use object::{
    NativeEndian as Endian, U32, elf,
    read::elf::{FileHeader, Sym},
};

use super::image::{Header, Image};

type Symbol = <Header as FileHeader>::Sym;
type Number = U32<Endian>;

/// Where an image keeps its symbols, by address.
pub(super) struct Symbols<'a> {
    pub(super) image: &'a Image<'a>,
    pub(super) table: u64,
    pub(super) strings: &'a [u8],
    pub(super) hash: Option<u64>,
    pub(super) gnu_hash: Option<u64>,
}

impl Symbols<'_> {
    /// Whether a function `name` is defined for others to call; `None` for tables that lead nowhere.
    pub(super) fn defines(&self, name: &[u8]) -> Option<bool> {
        match (self.gnu_hash, self.hash) {
            (Some(address), _) => self.by_gnu_hash(address, name),
            (None, Some(address)) => self.by_hash(address, name),
            (None, None) => Some(false),
        }
    }

    fn by_gnu_hash(&self, address: u64, name: &[u8]) -> Option<bool> {
        let [buckets, first, bloom, _shift] = *self.image.array::<Number>(address, 4)?.first_chunk()?;
        let (buckets, first, bloom) = (buckets.get(Endian), first.get(Endian), bloom.get(Endian));
        // The loader divides by one and masks with the other.
        if buckets == 0 || !bloom.is_power_of_two() {
            return None;
        }
        let word = size_of::<usize>() as u64;
        let bucket_table = address.checked_add(16)?.checked_add(u64::from(bloom) * word)?;
        let hash = elf::gnu_hash(name);
        let head = self.image.array::<Number>(bucket_table, buckets as usize)?;
        let start = head[(hash % buckets) as usize].get(Endian);
        if start == 0 {
            return Some(false);
        }
        let chain_table = bucket_table.checked_add(u64::from(buckets) * 4)?;
        let chain = chain_table.checked_add(u64::from(start.checked_sub(first)?) * 4)?;
        let chain = self.image.from(chain)?;
        for (step, value) in chain.chunks_exact(4).enumerate() {
            let value = u32::from_ne_bytes(value.try_into().ok()?);
            if value | 1 == hash | 1 && self.is(u64::from(start) + step as u64, name)? {
                return Some(true);
            }
            if value & 1 == 1 {
                return Some(false);
            }
        }
        None
    }

    fn by_hash(&self, address: u64, name: &[u8]) -> Option<bool> {
        let [buckets, chains] = *self.image.array::<Number>(address, 2)?.first_chunk()?;
        let (buckets, chains) = (buckets.get(Endian) as usize, chains.get(Endian) as usize);
        let numbers = self.image.array::<Number>(address.checked_add(8)?, buckets.checked_add(chains)?)?;
        let (heads, chain) = numbers.split_at(buckets);
        let mut at = heads.get((elf::hash(name) as usize).checked_rem(buckets)?)?.get(Endian) as usize;
        // As many steps as there are links: a chain that runs in a circle ends.
        for _ in 0..chains {
            if at == 0 {
                return Some(false);
            }
            if self.is(at as u64, name)? {
                return Some(true);
            }
            at = chain.get(at)?.get(Endian) as usize;
        }
        if at == 0 { Some(false) } else { None }
    }

    /// Whether the symbol at `index` is a function `name` that has its code here.
    fn is(&self, index: u64, name: &[u8]) -> Option<bool> {
        let address = self.table.checked_add(index.checked_mul(size_of::<Symbol>() as u64)?)?;
        let symbol = self.image.array::<Symbol>(address, 1)?.first()?;
        let found = self.strings.get(symbol.st_name(Endian) as usize..)?.split(|byte| *byte == 0).next()?;
        Some(
            found == name
                && symbol.st_shndx(Endian) != elf::SHN_UNDEF
                && symbol.st_type() == elf::STT_FUNC
                && matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK)
                && self.image.is_code(symbol.st_value(Endian)),
        )
    }
}
