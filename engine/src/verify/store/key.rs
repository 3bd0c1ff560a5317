//! [`TrustedKey`]: a key of the store, with what it may do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    policy::TrustLevel,
    verify::{Date, Pattern, PublicKey},
};

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Role {
    /// Vouch for packages in its namespaces.
    Sign,
    /// Hand parts of its own trust on to other keys.
    Delegate,
    /// Sign revocation lists.
    Revoke,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Sign, Role::Delegate, Role::Revoke];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Sign => "sign",
            Role::Delegate => "delegate",
            Role::Revoke => "revoke",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("`{}` is none of sign, delegate, revoke", text.escape_debug()))
    }
}

/// A key of the trust store.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TrustedKey {
    /// The key.
    pub public: PublicKey,
    /// What people call it: 1 to 128 printable ASCII characters.
    pub label: String,
    /// The plugins that it may vouch for.
    pub namespaces: Vec<Pattern>,
    /// The most trust that its signature gives.
    pub ceiling: TrustLevel,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// When it begins to count; `None` for always.
    pub from: Option<Date>,
    /// When it ends; `None` for never.
    pub until: Option<Date>,
}

impl TrustedKey {
    /// A key that may sign packages of these plugins, at any time and up to any trust.
    pub fn new(public: PublicKey, label: impl Into<String>, namespaces: impl IntoIterator<Item = Pattern>) -> Self {
        TrustedKey {
            public,
            label: label.into(),
            namespaces: namespaces.into_iter().collect(),
            ceiling: TrustLevel::Trusted,
            roles: BTreeSet::from([Role::Sign]),
            from: None,
            until: None,
        }
    }
}
