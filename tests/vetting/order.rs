//! The order: what a package's signatures and the policy say comes before anything that the signatures are over is parsed. Each package
//! here is wrong twice, and gets the code of what comes first.

use std::fs;

use modhost::{
    Code, Engine, Policy,
    verify::{Envelope, sign_index},
};

use crate::{
    build::{MAIN, Part, Zip, index},
    world::{area, key, options, trusted},
};

/// A package whose `plugin.toml` is none, signed by this key over this list, or by nobody.
fn broken(signed: Option<(u8, &str)>) -> (Zip, String) {
    let files: [(&str, &[u8]); 2] = [("main.lua", MAIN.as_bytes()), ("plugin.toml", b"this [is no TOML")];
    let own = index("acme.wolf", "1.2.0", &files);
    let mut zip = Zip::with(&own, &files);
    let over = |text: &str| if text == "own" { own.clone() } else { text.to_owned() };
    let envelope = signed.map(|(seed, text)| {
        Envelope::of(sign_index(over(text).as_bytes(), &key(seed), options("Acme")).unwrap()).to_string()
    });
    if let Some(envelope) = &envelope {
        zip.parts.insert(1, Part::new("META/signatures", envelope.as_bytes()));
    }
    (zip, envelope.unwrap_or_default())
}

#[track_caller]
fn check(signed: Option<(u8, &str)>, policy: Policy, code: Code) {
    let name = format!("{signed:?} under {}", policy.name);
    let mut store = modhost::verify::TrustStore::default();
    store.add_key(trusted(1, "acme.*")).unwrap();
    let engine = Engine::builder().policy(policy).trust_store(store).build().unwrap();
    let (zip, envelope) = broken(signed);

    let area = area();
    let file = area.path().join("wolf.modpkg");
    fs::write(&file, zip.bytes()).unwrap();
    assert_eq!(engine.load_path(&file).unwrap_err().code(), code, "{name}: a package");
    assert_eq!(engine.load_source("wolf.modpkg", zip.bytes()).unwrap_err().code(), code, "{name}: in memory");

    let folder = area.path().join("mods/wolf");
    fs::create_dir_all(folder.join("META")).unwrap();
    for (path, bytes) in [("main.lua", MAIN), ("plugin.toml", "this [is no TOML")] {
        fs::write(folder.join(path), bytes).unwrap();
    }
    let files: [(&str, &[u8]); 2] = [("main.lua", MAIN.as_bytes()), ("plugin.toml", b"this [is no TOML")];
    fs::write(folder.join("META/files"), index("acme.wolf", "1.2.0", &files)).unwrap();
    if !envelope.is_empty() {
        fs::write(folder.join("META/signatures"), envelope).unwrap();
    }
    let mods = engine.load_dir(area.path().join("mods")).unwrap();
    assert_eq!(mods.refused[0].error.code(), code, "{name}: a folder");
    assert_eq!(mods.refused[0].name, "acme.wolf", "{name}");
}

#[test]
fn nothing_is_parsed_before_its_signatures_hold() {
    check(None, Policy::mods(), Code::ManifestSyntax);
    check(Some((1, "own")), Policy::mods(), Code::ManifestSyntax);
    check(Some((9, "own")), Policy::mods(), Code::ManifestSyntax);
    check(Some((1, "modhost-files 1\nacme.wolf\n1.2.0\n")), Policy::mods(), Code::VerifyBadSignature);
    check(Some((9, "something else")), Policy::mods(), Code::VerifyBadSignature);
    check(None, Policy::standard(), Code::DeniedTrust);
    check(Some((9, "own")), Policy::standard(), Code::VerifyUnknownSigner);
    check(Some((1, "own")), Policy::standard(), Code::ManifestSyntax);
    check(Some((1, "own")), Policy::strict(), Code::VerifyThreshold);
}
