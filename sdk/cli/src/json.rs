//! JSON: [`read`] and [`write`] carry values to and from their JSON form, [`body`] holds the shapes of `--json`.

pub(crate) mod body;
pub(crate) mod read;
pub(crate) mod write;
