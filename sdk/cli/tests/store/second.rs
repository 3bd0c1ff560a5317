//! Second ones of a number: lists and stores that two people made of one base, and the way on from there.

use std::fs;

use super::{id, said, verified, world};
use crate::support::{
    See::{self, Err, Json as At, JsonHas, OutHas},
    check_in,
};

#[test]
fn a_second_list_of_a_number_is_refused_and_named() {
    let here = world();
    let here = here.path();
    for line in [
        "trust add acme.pem --namespace acme.* --store there.toml",
        "trust add root.pem --namespace * --role revoke --store there.toml",
        "trust threshold * 1 --store here.toml",
        "trust publish --key root.pem --until 30d --out first.revoked --store here.toml",
        "trust revoke acme.wolf@* --reason bites --store here.toml",
        "trust publish --key root.pem --until 30d --out second.revoked --store here.toml",
    ] {
        said(here, line);
    }
    let take = |list: &str| format!("trust revoke --list {list} --store there.toml");
    said(here, &take("first.revoked"));
    let there = || fs::read_to_string(here.join("there.toml")).unwrap();
    let before = there();
    let again = said(here, &take("first.revoked"));
    assert_eq!((&again["generation"], there()), (&3.into(), before.clone()), "what is there is no change");
    let second = take("second.revoked");
    let rows: [(&str, &[See]); 2] = [
        ("", &[Err("trust.equivocation"), Err("second.revoked: this revocation list 1 of"), Err("--number 2")]),
        (
            " --json",
            &[At("error.code", "\"trust.equivocation\""), JsonHas("error.message", "it revokes versions acme.wolf *")],
        ),
    ];
    for (more, sees) in rows {
        check_in(here, &format!("{second}{more}").split(' ').collect::<Vec<_>>(), 4, sees);
    }
    assert_eq!(there(), before);
    assert_eq!(verified(here, "--store there.toml"), "verified", "the list of the issuer is not in force");
    // What the remedy says leads on.
    said(here, "trust publish --key root.pem --until 30d --number 2 --out second.revoked --store here.toml");
    said(here, &second);
    assert_eq!(verified(here, "--store there.toml"), "trust.revoked");
    // A later list that lacks what was revoked restores it, and says so.
    said(here, "trust restore acme.wolf@* --store here.toml");
    said(here, "trust publish --key root.pem --until 30d --out second.revoked --store here.toml");
    check_in(here, &second.split(' ').collect::<Vec<_>>(), 0, &[OutHas("0 revocations; revoked no more: acme.wolf@*")]);
    let list = said(here, "trust list --store there.toml");
    let digest = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.starts_with("sha256:"));
    assert!(digest(&list["digest"]) && digest(&list["lists"][0]["digest"]), "{list}");
    assert_eq!(list["lists"][0]["issuer"].as_str(), Some(&*id(here, "root.pem")));
}

#[test]
fn a_second_store_of_a_generation_is_refused_until_it_is_joined_or_raised() {
    let here = world();
    let here = here.path();
    let run = |store: &str, status: i32, sees: &[See]| {
        let line = format!("run acme.wolf-1.0.0.modpkg --store {store} --seen seen --audit log.jsonl");
        check_in(here, &line.split(' ').collect::<Vec<_>>(), status, sees);
    };
    said(here, "trust add acme.pem --namespace acme.* --store ada.toml");
    fs::copy(here.join("ada.toml"), here.join("bob.toml")).unwrap();
    said(here, "trust threshold acme.* 1 --store ada.toml");
    said(here, "trust revoke acme.wolf@* --reason bites --store bob.toml");
    run("ada.toml", 0, &[]);
    let refused =
        [Err("trust.equivocation"), Err("bob.toml: this trust store of generation 2"), Err("modhost trust raise")];
    run("bob.toml", 4, &refused);
    let log = said(here, "audit show log.jsonl");
    let told = log["records"].as_array().into_iter().flatten().rfind(|record| record["event"] == "equivocation");
    let told = told.map(|record| (record["severity"].as_str(), record["code"].as_str()));
    assert_eq!(told, Some((Some("alert"), Some("trust.equivocation"))), "{log}");
    // The verbs that only look say the same.
    for words in ["verify acme.wolf-1.0.0.modpkg", "resolve wolf"] {
        let line = format!("{words} --store bob.toml --seen seen --json");
        check_in(here, &line.split(' ').collect::<Vec<_>>(), 4, &[At("error.code", "\"trust.equivocation\"")]);
    }
    // Bob's changes are made on Ada's copy, or Bob's is the right one and is counted on.
    said(here, "trust revoke acme.wolf@* --reason bites --store ada.toml");
    run("ada.toml", 4, &[Err("trust.revoked")]);
    let raise = |more: &str| format!("trust raise --store bob.toml{more}");
    assert_eq!(said(here, &raise(""))["generation"], 3);
    assert_eq!(said(here, &raise(" --generation 7"))["generation"], 7);
    let digests =
        ["ada.toml", "bob.toml"].map(|store| said(here, &format!("trust list --store {store}"))["digest"].clone());
    assert_ne!(digests[0], digests[1]);
    run("bob.toml", 4, &[Err("trust.revoked")]);
    let rows: [(&str, i32, &[See]); 4] = [
        ("trust raise --generation 7 --store bob.toml", 4, &[Err("trust.generation"), Err("of generation 7 already")]),
        ("trust raise --generation 18446744073709551615 --store bob.toml", 4, &[Err("trust.value")]),
        ("trust raise --store none.toml", 2, &[Err("io.not-found")]),
        ("trust raise --generation soon --store bob.toml", 2, &[Err("--generation")]),
    ];
    for (line, status, sees) in rows {
        check_in(here, &line.split(' ').collect::<Vec<_>>(), status, sees);
    }
    // Who edits the file by hand is told to count it up.
    let bob = fs::read_to_string(here.join("bob.toml")).unwrap();
    said(here, "trust restore acme.wolf@* --store bob.toml");
    run("bob.toml", 0, &[]);
    fs::write(here.join("bob.toml"), bob.replace("generation = 7", "generation = 8")).unwrap();
    run("bob.toml", 4, &[Err("trust.equivocation")]);
    said(here, &raise(""));
    run("bob.toml", 4, &[Err("trust.revoked")]);
}
