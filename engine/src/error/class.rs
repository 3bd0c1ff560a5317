//! The kinds of failure that a host tells apart: `is_...` of [`Code`] and [`Error`].
//!
//! A code belongs to one kind at most; [`Code::is_security`] cuts across them.

use super::{Code, Error};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident($code:ident) $holds:expr)*) => {
        impl Code {
            $($(#[doc = $doc])*
            #[must_use]
            pub fn $name(self) -> bool {
                let $code = self;
                $holds
            })*

            fn family(self) -> &'static str {
                self.as_str().split('.').next().unwrap_or_default()
            }
        }

        impl Error {
            $($(#[doc = $doc])*
            #[must_use]
            pub fn $name(&self) -> bool {
                self.code().$name()
            })*
        }
    };
}

kinds! {
    /// Whether a limit was hit (`limit.*`): the plugin was ended, or was one too many, or an event was. [`Error::limit`] has the numbers.
    is_limit(code) code.family() == "limit"

    /// Whether the plugin was turned away, or a call of it, before anything was done: by package, manifest, trust, policy or
    /// a missing capability.
    is_refusal(code) code.exit_status() == 4

    /// Whether it is a matter of security, worth an administrator's look: something reached for what trust, policy or
    /// capabilities do not give it (`denied.*`), or for files outside of its own (`package.escapes`,
    /// `package.special-file`); or somebody changed, forged or brought back what was refused before: a signature that does not
    /// hold, something revoked, an older package, list or store, or a second one of the same number; or the host's own check refused it. A limit is none: most plugins that hit one are slow, not hostile.
    is_security(code) {
        let tampering = matches!(
            code,
            Code::VerifyBadSignature
                | Code::VerifyKey
                | Code::VerifyRefused
                | Code::TrustRevoked
                | Code::TrustGeneration
                | Code::TrustEquivocation
                | Code::TrustSealed
                | Code::TrustKeyExposed
                | Code::TrustDelegationSignature
                | Code::TrustListSignature
                | Code::TrustListSequence
                | Code::TrustRollback
        );
        tampering || code.family() == "denied" || matches!(code, Code::PackageEscapes | Code::PackageSpecialFile)
    }

    /// Whether the plugin's own code or artefact failed (`script.*`, `wasm.*`, `native.*`): a matter for its author.
    is_guest(code) matches!(code.family(), "script" | "wasm" | "native") && code.exit_status() == 1

    /// Whether the host's own function or use of the engine failed, not the plugin (`host.*`).
    is_host(code) code.family() == "host"

    /// Whether what the plugin needs is not there: other plugins, contracts, a version of modhost (`resolve.*`).
    is_dependency(code) code.family() == "resolve"

    /// Whether the plugin is not there (any more): killed, unloaded or never loaded. Loading it again may help.
    is_gone(code) matches!(code, Code::PluginKilled | Code::PluginNotFound)

    /// Whether modhost itself did what it must never do.
    is_bug(code) code == Code::InternalBug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_overlap_and_are_told_by_name() {
        for code in Code::ALL {
            let kinds = [
                code.is_limit(),
                code.is_refusal(),
                code.is_guest(),
                code.is_host(),
                code.is_dependency(),
                code.is_gone(),
                code.is_bug(),
            ];
            assert!(kinds.iter().filter(|is| **is).count() <= 1, "{code}");
            assert_eq!(code.is_limit(), code.exit_status() == 3, "{code}");
            assert_eq!(code.is_dependency(), code.exit_status() == 5, "{code}");
            assert!(!code.is_security() || code.is_refusal(), "{code}");
        }
        let all = |is: fn(Code) -> bool| Code::ALL.iter().copied().filter(|code| is(*code)).count();
        assert!(all(Code::is_limit) >= 7 && all(Code::is_guest) >= 15 && all(Code::is_host) >= 5);
        assert!(Code::DeniedCapability.is_security() && Code::PackageEscapes.is_security());
        assert!(Code::VerifyBadSignature.is_security() && !Code::VerifyExpired.is_security());
        assert!(!Code::ManifestSyntax.is_security() && !Code::LimitFuel.is_security());
        assert!(!Code::NativeIsolationUnavailable.is_guest() && Code::NativeCrashed.is_guest());
        assert!(Error::new(Code::PluginKilled, crate::Stage::Call, "").is_gone());
    }
}
