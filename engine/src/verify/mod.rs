//! Who vouches for a plugin: turns a [`Package`](crate::package::Package) into [`Vetted`] with a trust level. Until packages are
//! signed every plugin is untrusted, or what a development policy assumes.

mod vetted;

pub(crate) use vetted::Vetted;
pub(crate) use vetted::vet;
