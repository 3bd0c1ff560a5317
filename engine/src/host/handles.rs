//! [`Handles`]: the host's objects that plugins refer to, and [`HostError`], with which a host function says that a reference is stale.

use std::{error::Error as StdError, fmt, sync::Arc};

use modhost_abi::Handle;
use modhost_backend::{Fault, FaultKind, HostFailure};
use slab::Slab;

use super::{caller::calling, ledger::Charge};

/// Why a host function failed. Any error converts with `?`; [`Handles`] give one whose code is `host.stale-handle`.
///
/// It is no [`std::error::Error`] itself, so that every error can be turned into one.
#[derive(Debug)]
pub struct HostError {
    pub(super) failure: HostFailure,
    pub(super) message: String,
}

impl HostError {
    /// An error with a text; its code is `host.failed`.
    #[must_use]
    pub fn new(message: impl fmt::Display) -> Self {
        HostError { failure: HostFailure::Failed, message: message.to_string() }
    }

    /// The fault of the host function that fails with it.
    pub(crate) fn into_fault(self, function: String) -> Fault {
        Fault::new(FaultKind::Host { failure: self.failure, function, message: self.message })
    }

    #[cold]
    fn stale(handle: Handle) -> Self {
        let message = format!("the handle {handle} is of another plugin, or what it meant is gone");
        HostError { failure: HostFailure::StaleHandle, message }
    }
}

impl<E: StdError> From<E> for HostError {
    fn from(error: E) -> Self {
        HostError::new(error)
    }
}

/// Objects of the host that plugins may refer to but not look into. A handle is minted for one plugin: from another it is refused, and
/// so is one whose object is gone, also when its place was taken again.
///
/// ```
/// use modhost::{Code, Engine, Handle, Handles, HostError, caller};
///
/// struct Game { wolves: Handles<String> }
///
/// let engine = Engine::builder()
///     .function("game.wolf", |game: &mut Game, name: String| {
///         let plugin = caller().map(|caller| caller.plugin).unwrap_or_default();
///         game.wolves.mint(&plugin, name)
///     })
///     .function("game.name", |game: &mut Game, wolf: Handle| -> Result<String, HostError> {
///         let plugin = caller().map(|caller| caller.plugin).unwrap_or_default();
///         Ok(game.wolves.get(&plugin, wolf)?.clone())
///     })
///     .build()?;
/// let mut game = Game { wolves: Handles::new(1) };
/// engine.load_source("a.lua", "function make() return game.wolf('Fenris') end function name(w) return game.name(w) end")?;
/// engine.load_source("b.lua", "function name(w) return game.name(w) end")?;
///
/// let wolf: Handle = engine.call(&mut game, "a", "make", ())?;
/// assert_eq!(engine.call::<_, String>(&mut game, "a", "name", (wolf,))?, "Fenris");
/// let foreign = engine.call::<_, String>(&mut game, "b", "name", (wolf,)).unwrap_err();
/// assert_eq!(foreign.code(), Code::HostStaleHandle);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handles<T> {
    kind: u32,
    objects: Slab<Minted<T>>,
    /// The generation of the next handle: our own, since a slab uses its places again.
    next: u32,
}

#[derive(Clone, Debug)]
struct Minted<T> {
    generation: u32,
    plugin: String,
    object: T,
    /// Of the plugin whose call led to it; a copy of the table is the host's own.
    _charge: Option<Arc<Charge>>,
}

/// Bytes that the allocator takes for an object's name and charge, beside the name's own.
const BLOCKS: usize = 96;

impl<T> Handles<T> {
    /// An empty table; `kind` tells its handles from those of the host's other tables.
    #[must_use]
    pub fn new(kind: u32) -> Self {
        Handles { kind, objects: Slab::new(), next: 0 }
    }

    /// Keeps `object` and mints a handle for `plugin`. Within a host function its place in the table counts as memory of the
    /// plugin that called; what the object itself holds is the host's to bound.
    ///
    /// # Errors
    /// When the table holds 2^32 objects, or the plugin's memory is used up (which ends it).
    pub fn mint(&mut self, plugin: &str, object: T) -> Result<Handle, HostError> {
        // The table grows by doubling; the name and the charge are blocks of their own.
        let bytes = (2 * size_of::<Minted<T>>() + plugin.len() + BLOCKS) as u64;
        let charge = calling(|origin| origin.ledger.charge(bytes)).transpose().map_err(HostError::new)?.map(Arc::new);
        let place = self.objects.vacant_entry();
        let slot = u32::try_from(place.key())?;
        let generation = self.next;
        self.next = self.next.wrapping_add(1);
        place.insert(Minted { generation, plugin: plugin.into(), object, _charge: charge });
        Ok(Handle { kind: self.kind, slot, generation })
    }

    /// The object behind `handle`, as `plugin` holds it.
    ///
    /// # Errors
    /// `host.stale-handle` for another plugin's handle, another table's, or one whose object is gone.
    pub fn get(&self, plugin: &str, handle: Handle) -> Result<&T, HostError> {
        let minted = self.objects.get(handle.slot as usize).filter(|minted| minted.is(self.kind, plugin, handle));
        minted.map(|minted| &minted.object).ok_or_else(|| HostError::stale(handle))
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// As [`Handles::get`].
    pub fn get_mut(&mut self, plugin: &str, handle: Handle) -> Result<&mut T, HostError> {
        let kind = self.kind;
        let minted = self.objects.get_mut(handle.slot as usize).filter(|minted| minted.is(kind, plugin, handle));
        minted.map(|minted| &mut minted.object).ok_or_else(|| HostError::stale(handle))
    }

    /// Takes the object out; its handle is stale from now on.
    ///
    /// # Errors
    /// As [`Handles::get`].
    pub fn take(&mut self, plugin: &str, handle: Handle) -> Result<T, HostError> {
        self.get(plugin, handle)?;
        Ok(self.objects.remove(handle.slot as usize).object)
    }

    /// Drops all objects of `plugin`, for when it was unloaded; how many there were.
    pub fn release(&mut self, plugin: &str) -> usize {
        let before = self.objects.len();
        self.objects.retain(|_, minted| minted.plugin != plugin);
        before - self.objects.len()
    }

    /// How many objects it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

impl<T> Minted<T> {
    fn is(&self, kind: u32, plugin: &str, handle: Handle) -> bool {
        handle.kind == kind && handle.generation == self.generation && self.plugin == plugin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_good_for_its_plugin_and_its_object_only() {
        let mut handles = Handles::new(7);
        let first = handles.mint("a", "one").unwrap();
        assert_eq!(handles.get("a", first).unwrap(), &"one");
        let stale = |result: Result<&&str, HostError>| result.is_err_and(|e| e.failure == HostFailure::StaleHandle);
        assert!(stale(handles.get("b", first)));
        assert!(stale(handles.get("a", Handle { kind: 8, ..first })));
        assert!(stale(handles.get("a", Handle { slot: 99, ..first })));
        assert_eq!(handles.take("a", first).unwrap(), "one");
        let second = handles.mint("a", "two").unwrap();
        assert_eq!(second.slot, first.slot, "the place is used again");
        assert!(stale(handles.get("a", first)));
        *handles.get_mut("a", second).unwrap() = "three";
        handles.mint("b", "four").unwrap();
        assert_eq!((handles.release("a"), handles.len()), (1, 1));
    }
}
