//! [`Record`]: one decision; [`Event`]: what was decided; [`Severity`]: who should look.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use crate::error::Code;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal)* } $unknown:literal) => {
        $(#[$about])*
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All there are.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// Its name in a log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                $name::ALL.iter().copied().find(|one| one.as_str() == word).ok_or_else(|| {
                    let all: Vec<&str> = $name::ALL.iter().map(|one| one.as_str()).collect();
                    format!(concat!($unknown, " `{}`; there are {}"), word.escape_debug(), all.join(", "))
                })
            }
        }
    };
}

words! {
    /// What was decided or happened.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    Event {
        /// A plugin was turned away; the record's code says why.
        Refused "refused"
        /// A plugin was given a backend, limits and grants.
        Admitted "admitted"
        /// A plugin is loaded.
        Loaded "loaded"
        /// A plugin is active: it hears events and ticks.
        Enabled "enabled"
        /// A plugin takes neither calls nor events until it is enabled again.
        Disabled "disabled"
        /// A plugin was unloaded.
        Unloaded "unloaded"
        /// The host took a plugin out of service.
        Quarantined "quarantined"
        /// What vouched for a plugin does so no more.
        Revoked "revoked"
        /// A call failed, and the plugin goes on. Further failures of the plugin with the same code are the same record and a count.
        Failed "failed"
        /// A call hit a limit; the plugin is gone. Or its group has nothing left, and it was refused.
        LimitHit "limit-hit"
        /// A call trapped or crashed; the plugin is gone.
        Trapped "trapped"
        /// A call of a host function was denied for want of a capability. Further calls of the same function by the same plugin are the
        /// same record and a count.
        Denied "denied"
        /// A capability was granted while the plugin ran.
        Granted "granted"
        /// A capability was withdrawn while the plugin ran.
        Withdrawn "withdrawn"
        /// A policy that lets code run without protection in the host's process, as native code does, did so.
        Unprotected "unprotected"
        /// The policy is one for a developer's own machine: an engine was made with it, or a plugin is loaded under it.
        Development "development"
        /// There is another trust store or signed set.
        TrustChanged "trust-changed"
        /// Two different trust stores have the same generation, or two revocation lists the same issuer and number; the second was refused.
        Equivocation "equivocation"
        /// The clock was set back since an earlier run; the later time counts.
        ClockSetBack "clock-set-back"
        /// The sink failed to keep so many records as the count says, and works again.
        Lost "lost"
        /// A log file was opened.
        Opened "opened"
        /// A log file was closed in order.
        Closed "closed"
        /// A log file goes on where the one that is named ended.
        Continued "continued"
        /// A log file ended in a part of a record, which was cut off.
        Repaired "repaired"
        /// A signature over all records up to here.
        Checkpoint "checkpoint"
        /// The key of the checkpoints before signed that another key, which `detail` holds, signs those that follow.
        KeyRotated "key-rotated"
    }
    "there is no event"
}

words! {
    /// Who should look at a record.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
    #[serde(rename_all = "lowercase")]
    Severity {
        /// Nobody: what happens every day.
        Info "info"
        /// Whoever wants to know who may do what, or which plugin has a bug.
        Notice "notice"
        /// Whoever runs the host: a plugin was turned away, or reached beyond its limits or rights.
        Warning "warning"
        /// Somebody soon: an attack, a bug of the engine, or a log that is not whole.
        Alert "alert"
    }
    "there is no severity"
}

impl Event {
    /// Whether it gives a plugin something to do that it could not do before: without a record of it, it must not happen.
    #[must_use]
    pub fn is_privileged(self) -> bool {
        matches!(self, Event::Admitted | Event::Loaded | Event::Enabled | Event::Granted | Event::Unprotected)
    }

    fn severity(self, code: Option<Code>) -> Severity {
        let alarming = code.is_some_and(|code| {
            let family = code.as_str().split('.').next();
            code.is_security() || code.is_bug() || matches!(family, Some("verify" | "trust"))
        });
        match self {
            Event::Refused | Event::Trapped | Event::Failed if alarming => Severity::Alert,
            Event::Quarantined | Event::Revoked | Event::Equivocation | Event::Lost | Event::Repaired => {
                Severity::Alert
            }
            Event::Refused
            | Event::LimitHit
            | Event::Trapped
            | Event::Denied
            | Event::Unprotected
            | Event::Development
            | Event::ClockSetBack => Severity::Warning,
            Event::Admitted
            | Event::KeyRotated
            | Event::TrustChanged
            | Event::Granted
            | Event::Withdrawn
            | Event::Failed => Severity::Notice,
            Event::Loaded
            | Event::Enabled
            | Event::Disabled
            | Event::Unloaded
            | Event::Opened
            | Event::Closed
            | Event::Continued
            | Event::Checkpoint => Severity::Info,
        }
    }
}

/// One decision, as a [`Sink`](super::Sink) receives it. Texts of guests are escaped and shortened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Counts the records of one engine from 0 without gaps, except where identical ones were folded into one. A log file counts its own.
    pub sequence: u64,
    /// The engine's clock.
    pub at: Duration,
    /// The date, by the engine's clock.
    pub wall: SystemTime,
    /// Who should look.
    pub severity: Severity,
    /// What happened.
    pub event: Event,
    /// Whose it is; empty where it is nobody's.
    pub plugin: String,
    /// The plugin's version, where it is known.
    pub version: Option<String>,
    /// The code, for what failed.
    pub code: Option<Code>,
    /// One line about it.
    pub detail: String,
    /// How many identical records this one stands for.
    pub count: u64,
}

impl Record {
    /// A record of `event` at no time and of nobody.
    pub(super) fn of(event: Event, code: Option<Code>) -> Self {
        Record {
            sequence: 0,
            at: Duration::ZERO,
            wall: SystemTime::UNIX_EPOCH,
            severity: event.severity(code),
            event,
            plugin: String::new(),
            version: None,
            code,
            detail: String::new(),
            count: 1,
        }
    }
}
