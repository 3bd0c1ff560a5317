//! JSON: [`read`] and [`write`] carry values to and from their JSON form, [`body`] and [`about`] hold the shapes of `--json`.

pub(crate) mod about;
pub(crate) mod body;
pub(crate) mod read;
pub(crate) mod write;
