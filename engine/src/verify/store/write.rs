//! The one text of a [`TrustStore`]: TOML, sorted, with each field that is not its default.

use std::fmt::{self, Display, Formatter};

use super::{Revoked, TrustStore};
use crate::verify::{Date, Pattern};

/// A string in quotes. What a store holds is printable ASCII, of which Rust escapes what TOML does, and as it does.
fn quoted(text: &impl Display) -> String {
    format!("{:?}", text.to_string())
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(&item)).collect();
    format!("[{}]", items.join(", "))
}

fn dates(f: &mut Formatter<'_>, from: Option<Date>, until: Option<Date>) -> fmt::Result {
    for (name, date) in [("from", from), ("until", until)] {
        if let Some(date) = date {
            writeln!(f, "{name} = {}", quoted(&date))?;
        }
    }
    Ok(())
}

fn namespaces(f: &mut Formatter<'_>, patterns: &[Pattern]) -> fmt::Result {
    writeln!(f, "namespaces = {}", list(patterns))
}

/// What a store holds, without its head.
struct Content<'s>(&'s TrustStore);

impl TrustStore {
    /// Its text from the generation on, which says the same for the same content in every release.
    pub(super) fn content(&self) -> String {
        Content(self).to_string()
    }
}

impl Display for TrustStore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# Who is trusted here. Written by modhost, which keeps no comments: `modhost trust` changes it.\n",
        )?;
        writeln!(f, "store = 1\ngeneration = {}", self.generation)?;
        Content(self).fmt(f)
    }
}

impl Display for Content<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Content(store) = self;
        if !store.thresholds.is_empty() {
            f.write_str("\n[thresholds]\n")?;
            for (pattern, count) in &store.thresholds {
                writeln!(f, "{} = {count}", quoted(pattern))?;
            }
        }
        if !store.pins.is_empty() {
            f.write_str("\n[pins]\n")?;
            for (publisher, keys) in &store.pins {
                writeln!(f, "{publisher} = {}", list(keys))?;
            }
        }
        for (id, key) in &store.keys {
            write!(f, "\n[[key]]\nid = {}\npublic = {}\n", quoted(id), quoted(&key.public))?;
            writeln!(f, "label = {}", quoted(&key.label))?;
            namespaces(f, &key.namespaces)?;
            writeln!(f, "ceiling = {}\nroles = {}", quoted(&key.ceiling), list(&key.roles))?;
            dates(f, key.from, key.until)?;
        }
        for one in &store.delegations {
            write!(f, "\n[[delegation]]\nby = {}\npublic = {}\n", quoted(&one.by), quoted(&one.public))?;
            writeln!(f, "label = {}", quoted(&one.label))?;
            namespaces(f, &one.namespaces)?;
            writeln!(f, "ceiling = {}", quoted(&one.ceiling))?;
            dates(f, one.from, one.until)?;
            writeln!(f, "value = {}", quoted(&one.digits()))?;
        }
        for (issuer, seen) in &store.lists {
            write!(f, "\n[[list]]\nissuer = {}\nsequence = {}\n", quoted(issuer), seen.sequence)?;
            write!(f, "issued = {}\nuntil = {}\n", quoted(&seen.issued), quoted(&seen.until))?;
        }
        for one in &store.revoked {
            f.write_str("\n[[revoked]]\n")?;
            match &one.what {
                Revoked::Key(key) => writeln!(f, "key = {}", quoted(key))?,
                Revoked::Package(digest) => writeln!(f, "digest = {}", quoted(digest))?,
                Revoked::Versions(id, versions) => {
                    writeln!(f, "id = {}\nversions = {}", quoted(id), quoted(&super::revoked::written(versions)))?;
                }
            }
            writeln!(f, "reason = {}\nhard = {}", quoted(&one.reason), one.hard)?;
            if let Some(issuer) = &one.list {
                writeln!(f, "list = {}", quoted(issuer))?;
            }
        }
        for one in store.allowed.values() {
            write!(f, "\n[[allowed]]\ndigest = {}\nid = {}\n", quoted(&one.digest), quoted(&one.id))?;
            write!(f, "version = {}\nnote = {}\n", quoted(&one.version), quoted(&one.note))?;
        }
        Ok(())
    }
}
