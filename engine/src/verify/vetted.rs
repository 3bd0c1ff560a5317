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

/// What to do about a policy that wants signatures.
const LATER: &str = "Signed packages come with a later release. Until then use a policy that takes unsigned plugins: `mods`, `development`, \
     `testing`, or one of your own with unsigned = true and signatures = 0.";

/// Vets `package` under `policy`.
pub(crate) fn vet(package: Package, policy: &Policy) -> Result<Vetted<Package>> {
    let refuse = |message: String| {
        let id = package.id().to_string();
        Err(Error::new(Code::DeniedTrust, Stage::Vet, message).of(id))
    };
    let name = &policy.name;
    let signatures = policy.signatures.max(u32::from(policy.require_trusted_signer));
    if signatures > 0 {
        let wants = match signatures {
            1 => "a signature of a trusted key".to_owned(),
            count => format!("signatures of {count} trusted keys"),
        };
        let message = format!("the plugin is unsigned, and the policy `{name}` wants {wants}");
        return refuse(message).map_err(|error| error.with_help(LATER));
    }
    if !policy.unsigned {
        let message = format!("the plugin is unsigned, and the policy `{name}` takes signed ones only");
        return refuse(message).map_err(|error| error.with_help(LATER));
    }
    let (trust, vouched) = match policy.assume {
        Some(level) if policy.development => (level, "assumed by policy development"),
        _ => (TrustLevel::Untrusted, "unsigned"),
    };
    if !policy.level(trust).admitted {
        let help = format!("A policy takes them with `admitted = true` under [{trust}].");
        return refuse(format!("the policy `{name}` takes no {trust} plugins")).map_err(|error| error.with_help(help));
    }
    Ok(Vetted { inner: package, trust, vouched })
}
