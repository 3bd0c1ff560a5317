//! Spans for `tracing`: one for each stage of each plugin (`open`, `vet`, `resolve`, `admit`, `load`) at the level of information, and
//! `call` in call/slot.rs at that of debugging.
//!
//! The fields are the same everywhere and stable: `plugin version backend trust digest fuel`. A stage leaves empty what is not known
//! yet; `digest`, the SHA-256 of a package, is always empty until packages are signed.

/// A span for `$name`, about a plugin (an id or a path) of a version, where that is known.
macro_rules! stage_span {
    ($name:literal, $plugin:expr) => {
        tracing::info_span!(
            $name,
            plugin = $plugin,
            version = tracing::field::Empty,
            backend = tracing::field::Empty,
            trust = tracing::field::Empty,
            digest = tracing::field::Empty,
            fuel = tracing::field::Empty
        )
    };
    ($name:literal, $plugin:expr, $version:expr) => {{
        let span = $crate::spans::stage_span!($name, $plugin);
        span.record("version", tracing::field::display($version));
        span
    }};
}

pub(crate) use stage_span;
