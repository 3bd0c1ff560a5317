//! [`Map`]: string keys to values, sorted and unique.

use alloc::{
    string::String,
    vec::{self, Vec},
};
use core::iter;

use crate::{Key, Value};

/// A map with string keys, in the order of their bytes. It never holds [`Value::Nil`]: inserting `Nil` removes the key.
///
/// ```
/// use modhost_abi::{Map, Value};
///
/// let mut map = Map::from_iter([("b", Value::Int(2)), ("a", Value::Int(1))]);
/// assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "b"]);
/// map.insert("a", Value::Nil);
/// assert_eq!(map.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<(Key, Value)>,
}

impl Map {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Map { entries: Vec::new() }
    }

    /// Makes a map of `entries` in any order; of equal keys the last one holds.
    #[must_use]
    pub fn from_entries(entries: Vec<(String, Value)>) -> Self {
        Map::from_keys(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// [`Map::from_entries`] without a `String` for each key.
    #[must_use]
    pub fn from_keys(mut entries: Vec<(Key, Value)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.reverse();
            entries.dedup_by(|a, b| a.0 == b.0);
            entries.reverse();
        }
        entries.retain(|(_, value)| *value != Value::Nil);
        Map { entries }
    }

    /// Makes a map of `entries` that ascend strictly by key and hold no nil.
    pub(crate) fn from_ascending(entries: Vec<(Key, Value)>) -> Self {
        Map { entries }
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(key).ok().map(|index| &self.entries[index].1)
    }

    /// Puts `value` under `key` and returns what was there; [`Value::Nil`] removes the key.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.find(key.as_str()) {
            Ok(index) if value == Value::Nil => Some(self.entries.remove(index).1),
            Ok(index) => Some(core::mem::replace(&mut self.entries[index].1, value)),
            Err(_) if value == Value::Nil => None,
            Err(index) => {
                self.entries.insert(index, (key, value));
                None
            }
        }
    }

    /// Takes `key` and its value out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.find(key).ok().map(|index| self.entries.remove(index).1)
    }

    /// The entries, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.as_bytes().cmp(key.as_bytes()))
    }

    /// The entries, sorted by key, with the bytes of their keys.
    pub(crate) fn iter_bytes(&self) -> impl ExactSizeIterator<Item = (&[u8], &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_bytes(), value))
    }

    /// The entries, sorted by key.
    #[must_use]
    pub fn into_keys(self) -> vec::IntoIter<(Key, Value)> {
        self.entries.into_iter()
    }
}

impl<K: Into<Key>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Map::from_keys(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = iter::Map<vec::IntoIter<(Key, Value)>, fn((Key, Value)) -> (String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter().map(|(key, value)| (key.into(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_keys_the_last_holds_and_nil_is_dropped() {
        let map = Map::from_iter([("b", Value::Int(1)), ("a", Value::Int(2)), ("b", Value::Int(3)), ("c", Value::Nil)]);
        let entries: Vec<_> = map.iter().map(|(key, value)| (key, value.clone())).collect();
        assert_eq!(entries, [("a", Value::Int(2)), ("b", Value::Int(3))]);
    }
}
