//! Makes attacks of what is a row elsewhere: a package in a changed world, which a host loads under that world's store and policy.

use modhost::{Code, Policy, TrustLevel, verify::TrustStore};

use crate::{
    play::{host_store, with_good},
    table::Attack,
    world::{Case, NOW, World},
};

/// The kind of attack that ends with this code.
pub(crate) fn kind_of(code: Code) -> &'static str {
    match code {
        Code::VerifyThreshold | Code::DeniedTrust | Code::TrustThreshold => "threshold",
        Code::VerifyKey
        | Code::VerifyUnknownSigner
        | Code::TrustKeyExpired
        | Code::TrustKeyNotYet
        | Code::TrustCeiling => "key",
        Code::TrustNamespace => "namespace",
        Code::TrustRevoked => "revocation",
        code if code.as_str().starts_with("trust.delegation") => "delegation",
        code if code.as_str().starts_with("verify.") => "signature",
        code => panic!("an attack of which kind ends with {code}?"),
    }
}

/// The policy as a file, where it is not the usual one.
fn policy(policy: &Policy) -> Option<String> {
    let base = Policy::preset(&policy.name).unwrap();
    let mut text = String::new();
    if policy.unsigned != base.unsigned {
        text += &format!("unsigned = {}\n", policy.unsigned);
    }
    if policy.signatures != base.signatures {
        text += &format!("signatures = {}\n", policy.signatures);
    }
    if policy.require_trusted_signer != base.require_trusted_signer {
        text += &format!("require_trusted_signer = {}\n", policy.require_trusted_signer);
    }
    if let Some(age) = policy.signature_max_age {
        text += &format!("signature_max_age = \"{}s\"\n", age.as_secs());
    }
    if policy.vendors != base.vendors {
        text += &format!("vendors = {:?}\n", policy.vendors);
    }
    (policy.name != "mods" || !text.is_empty()).then(|| format!("base = \"{}\"\n{text}", policy.name))
}

/// A world as a folder; `None` for one that lies in no file: a list that is not of these files, a built-in key, an envelope that no package can hold.
pub(crate) fn attack(kind: &str, name: &str, world: &World, code: Code) -> Option<Attack> {
    let builtin = TrustStore::parse(&world.store.to_string(), "trust.toml").ok().as_ref() != Some(&world.store);
    let long = world.envelope.as_ref().is_some_and(|text| text.len() > 64 << 10);
    if world.index != world.listed() || builtin || long {
        return None;
    }
    let mut steps = Vec::new();
    let store = with_good(world.store.clone());
    let other = store != host_store();
    if other {
        steps.push("store trust.toml -> ok".to_owned());
    }
    let now = modhost::verify::Date::of(world.now).to_string();
    if now != NOW {
        steps.push(format!("date {now}"));
    }
    steps.push(format!("load p.modpkg -> {code}"));
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let mut attack = Attack::new(kind, name, code, &steps).with("p.modpkg", world.packed());
    if other {
        attack = attack.with("trust.toml", store.to_string());
    }
    if let Some(policy) = policy(&world.policy) {
        attack = attack.with("policy.toml", policy);
    }
    Some(attack)
}

/// The cases that are refused.
pub(crate) fn attacks(cases: &[Case], prefix: &str) -> Vec<Attack> {
    let made = |(name, change, expected): &Case| -> Option<Attack> {
        let code = expected.err()?;
        let mut world = World::new();
        change(&mut world);
        attack(kind_of(code), &format!("{prefix}{name}"), &world, code)
    };
    cases.iter().filter_map(made).collect()
}

/// How far a package is trusted that is changed in no way.
#[test]
fn the_world_is_a_package_that_a_host_verifies() {
    let world = World::new();
    let package =
        modhost::package::Package::from_bytes("p.modpkg", &world.packed(), &modhost::package::Caps::default()).unwrap();
    assert_eq!(package.index().as_bytes(), world.index);
    assert_eq!(world.judge().level, TrustLevel::Verified);
}
