//! [`Vetted`]: the proof that something passed vetting. Only this file can make one.

use crate::{
    error::{Code, Error, Result, Stage},
    package::Package,
    policy::{Policy, TrustLevel},
};

/// Something that passed vetting, with the trust it was found to deserve. No backend receives bytes that are not in here.
#[derive(Clone, Debug)]
pub(crate) struct Vetted<T> {
    inner: T,
    trust: TrustLevel,
    vouched: &'static str,
}

impl<T> Vetted<T> {
    /// What was vetted.
    pub(crate) fn get(&self) -> &T {
        &self.inner
    }

    /// How far it is trusted.
    pub(crate) fn trust(&self) -> TrustLevel {
        self.trust
    }

    /// Who vouches for it, in words: `unsigned`, `assumed by policy development`.
    pub(crate) fn vouched(&self) -> &'static str {
        self.vouched
    }
}

/// Vets `package` under `policy`.
pub(crate) fn vet(package: Package, policy: &Policy) -> Result<Vetted<Package>> {
    let refuse = |message: String| {
        let id = package.id().to_string();
        Err(Error::new(Code::DeniedTrust, Stage::Vet, message).of(id))
    };
    if !policy.unsigned {
        return refuse(format!("the plugin is unsigned, and the policy `{}` takes signed ones only", policy.name));
    }
    let (trust, vouched) = match policy.assume {
        Some(level) if policy.development => (level, "assumed by policy development"),
        _ => (TrustLevel::Untrusted, "unsigned"),
    };
    if !policy.level(trust).admitted {
        return refuse(format!("the policy `{}` takes no {trust} plugins", policy.name));
    }
    Ok(Vetted { inner: package, trust, vouched })
}
