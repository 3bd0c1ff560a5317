//! Reasons in words: who wants what, why it cannot be, what to change.

use super::{super::*, resolver, taken};
use crate::Code;

/// These plugins give this order, and these are left out, each `id code: message`.
#[track_caller]
fn check(plugins: &[(&str, &str)], order: &[&str], left_out: &[&str]) -> Plan {
    let plan = resolver(plugins).plan();
    assert_eq!(taken(&plan), order);
    let told: Vec<String> =
        plan.left_out.iter().map(|out| format!("{} {}: {}", out.id, out.code(), out.message)).collect();
    assert_eq!(told, left_out);
    for out in &plan.left_out {
        let error = out.to_error();
        assert!(error.help().len() > 10 && error.plugin() == Some(&out.id), "{error}");
        assert!(error.message().len() < 200, "too long to be read: {error}");
    }
    plan
}

#[test]
fn each_cause_says_who_wants_what() {
    check(
        &[("wolf", "[dependencies]\nforrest = \"^1.2\""), ("forest", "")],
        &["forest 1.0.0"],
        &["wolf resolve.missing: needs forrest ^1.2, and it is not there"],
    );
    check(
        &[("wolf", "[dependencies]\nforest = \"2.1\""), ("forest", "")],
        &["forest 1.0.0"],
        &["wolf resolve.unsatisfiable: needs forest ^2.1, and only 1.0.0 is there"],
    );
    check(
        &[
            ("wolf", "[dependencies]\nforest = \"^2\""),
            ("forest 1.0.0", ""),
            ("forest 1.1.0", ""),
            ("forest 1.2.0", ""),
            ("forest 1.3.0", ""),
            ("forest 1.4.0", ""),
        ],
        &["forest 1.4.0"],
        &["wolf resolve.unsatisfiable: needs forest ^2, and only 5 versions from 1.0.0 to 1.4.0 are there"],
    );
    check(
        &[("wolf", "[dependencies]\nforest = \"^1\""), ("forest 1.0.0-beta", "")],
        &["forest 1.0.0-beta"],
        &[
            "wolf resolve.prerelease: needs forest ^1, and only 1.0.0-beta is there; 1.0.0-beta is a prerelease, which only a \
           requirement that names one takes",
        ],
    );
    check(
        &[("wolf", "[conflicts]\nbear = \"<2\""), ("bear", "")],
        &["bear 1.0.0"],
        &["wolf resolve.conflict: cannot be loaded together with bear <2, and 1.0.0 is there"],
    );
    check(
        &[("bear", ""), ("wolf", "[conflicts]\nbear = \"*\""), ("pack", "[dependencies]\nwolf = \"*\"")],
        &["wolf 1.0.0", "pack 1.0.0"],
        &["bear resolve.conflict: wolf 1.0.0 cannot be loaded together with bear"],
    );
    check(
        &[("wolf", "[requires]\nworld = \"^2\""), ("owl", "[requires]\nmoon = \"*\"")],
        &[],
        &[
            "owl resolve.contract: needs moon *, this game offers no such contract",
            "wolf resolve.contract: needs world ^2, this game offers 1.4.0",
        ],
    );
    let plan = check(
        &[("wolf", "[requires]\nmoon = \"^2\""), ("sky 1.0.0", "[provides]\nmoon = \"1.3.0\"")],
        &["sky 1.0.0"],
        &["wolf resolve.contract: needs moon ^2, this game offers no such contract, and sky 1.0.0 provides 1.3.0"],
    );
    let help = plan.left_out("wolf").unwrap().help.as_deref();
    assert_eq!(help, Some("Install a plugin that provides moon ^2, or take wolf out."));
    check(
        &[("wolf", "[requires]\nmoon = \"^1\"\n[provides]\nmoon = \"1.3.0\"")],
        &[],
        &[
            "wolf resolve.contract: needs moon ^1, this game offers no such contract, and only wolf itself provides 1.3.0",
        ],
    );
    let plan = check(
        &[("wolf", "[requires]\nwrold = \"^1\"")],
        &[],
        &["wolf resolve.contract: needs wrold ^1, this game offers no such contract"],
    );
    assert_eq!(plan.left_out("wolf").unwrap().help.as_deref(), Some("Did you mean `world`?"));
    // What has to be mended in any case is the reason, not the circle around it.
    let around = [
        ("owl", "[requires]\nmoon = \"^1\""),
        ("rat", "[provides]\nmoon = \"1.0.0\"\n[dependencies]\nowl = \"*\"\ngone = \"*\""),
    ];
    let plan = check(
        &around,
        &[],
        &[
            "owl resolve.contract: needs moon ^1, this game offers no such contract, and rat, which provides it, cannot be there \
             because rat needs gone, and it is not there",
            "rat resolve.missing: needs gone, and it is not there",
        ],
    );
    assert_eq!(plan.left_out("owl").unwrap().help.as_deref(), Some("Mend rat first, or take owl out too."));
    check(
        &[
            ("owl", "[requires]\nmoon = \"^1\""),
            ("rat", "[provides]\nmoon = \"1.0.0\"\n[dependencies]\nowl = \"*\"\n[any-of]\nx = [\"gone\"]"),
        ],
        &[],
        &[
            "owl resolve.contract: needs moon ^1, this game offers no such contract, and rat, which provides it, cannot be there \
             because rat needs one of gone (any-of x), and none is there",
            "rat resolve.missing: needs one of gone (any-of x), and none is there",
        ],
    );
    check(&[("wolf", "engine = \"^7\"")], &[], &["wolf resolve.engine: needs modhost ^7, this is 0.1.0"]);
    check(
        &[("wolf", "[any-of]\nmobs = [\"bear ^2\", \"fox\"]"), ("bear", "")],
        &["bear 1.0.0"],
        &["wolf resolve.missing: needs one of bear ^2, fox (any-of mobs), and none is there"],
    );
    check(&[("wolf", "[dependencies]\nwolf = \"^1\"")], &[], &["wolf resolve.cycle: it needs itself before itself"]);
    check(
        &[("wolf 1.0.0+a", ""), ("wolf 1.0.0+b", ""), ("pack", "[dependencies]\nwolf = \"^1\"")],
        &[],
        &[
            "pack resolve.missing: needs wolf ^1, which is left out itself because there are 1.0.0+b and 1.0.0+a of it, which differ in \
             build metadata only: that has no order",
            "wolf package.same-version: there are 1.0.0+a and 1.0.0+b of it, which differ in build metadata only: that has no order",
            "wolf package.same-version: there are 1.0.0+b and 1.0.0+a of it, which differ in build metadata only: that has no order",
        ],
    );
}

#[test]
fn a_circle_is_shown_as_its_path() {
    let needs = |id: &str| format!("[dependencies]\n{id} = \"*\"");
    let (a, b, c) = (needs("b"), needs("c"), needs("a"));
    let plan = check(
        &[("a", &a), ("b", &b), ("c", &c), ("d", &needs("c")), ("e", "")],
        &["e 1.0.0"],
        &[
            "a resolve.cycle: plugins need each other in a circle: a -> b -> c -> a",
            "b resolve.cycle: plugins need each other in a circle: b -> c -> a -> b",
            "c resolve.cycle: plugins need each other in a circle: c -> a -> b -> c",
            "d resolve.missing: needs c, which is left out itself because plugins need each other in a circle: c -> a -> b -> c",
        ],
    );
    assert_eq!(plan.left_out("d").unwrap().sake, ["c"]);
    // An older version breaks it.
    check(&[("a", &a), ("b 1.0.0", ""), ("b 2.0.0", &needs("a"))], &["b 1.0.0", "a 1.0.0"], &[]);
}

#[test]
fn the_end_of_a_chain_is_told_at_its_beginning() {
    let plan = check(
        &[("a", "[dependencies]\nb = \"^1\""), ("b", "[dependencies]\nc = \"*\""), ("c", "[requires]\nworld = \"^2\"")],
        &[],
        &[
            "a resolve.missing: needs b ^1, which is left out itself because c needs world ^2, this game offers 1.4.0",
            "b resolve.missing: needs c, which is left out itself because c needs world ^2, this game offers 1.4.0",
            "c resolve.contract: needs world ^2, this game offers 1.4.0",
        ],
    );
    assert_eq!(plan.left_out("a").unwrap().help.as_deref(), Some("Mend c first, or take a out too."));
    assert_eq!(plan.left_out("a").unwrap().at.as_ref().unwrap().to_string(), "plugin.toml:5:1");
}

#[test]
fn who_holds_a_version_is_named() {
    let plan = check(
        &[
            ("game", "[dependencies]\nlib = \"^2\""),
            ("hud", "[dependencies]\nlib = \"^2\""),
            ("mod", "[dependencies]\nlib = \"~1.3\""),
            ("lib 1.3.0", ""),
            ("lib 2.1.0", ""),
        ],
        &["lib 2.1.0", "game 1.0.0", "hud 1.0.0"],
        &["mod resolve.unsatisfiable: needs lib ~1.3, and 2.1.0 is taken because game 1.0.0 needs lib ^2"],
    );
    assert_eq!(plan.left_out("mod").unwrap().sake, ["game"]);
    assert_eq!(
        plan.left_out("mod").unwrap().help.as_deref(),
        Some("Find versions of mod and game that agree, or take one of them out.")
    );
    check(
        &[
            ("a", "[dependencies]\nb = { version = \"^2\", optional = true }"),
            ("b", ""),
            ("c", "[dependencies]\na = \"*\""),
        ],
        &["a 1.0.0", "c 1.0.0"],
        &["b resolve.unsatisfiable: a 1.0.0 works only with b ^2"],
    );
    check(
        &[("a", "[dependencies]\nb = { version = \"^2\", optional = true }"), ("b", "")],
        &["b 1.0.0"],
        &["a resolve.unsatisfiable: works only with b ^2, and only 1.0.0 is there"],
    );
}

#[test]
fn versions_are_chosen_from_the_top_down() {
    let plan = check(
        &[
            ("game 1.0.0", "[dependencies]\nlib = \"*\""),
            ("game 2.0.0", "[dependencies]\nlib = \"^1\""),
            ("lib 1.0.0", ""),
            ("lib 1.1.0", ""),
            ("lib 2.0.0", ""),
            ("lib 3.0.0-rc.1", ""),
        ],
        &["lib 1.1.0", "game 2.0.0"],
        &[],
    );
    let lib = plan.get("lib").unwrap();
    assert_eq!(lib.passed_over.iter().map(|one| one.version.to_string()).collect::<Vec<_>>(), ["2.0.0"]);
    assert_eq!(lib.passed_over[0].why, "game 2.0.0 needs lib ^1");
    assert_eq!(lib.spare.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1.0.0", "3.0.0-rc.1"]);
    // Only where nothing else is there is a prerelease taken unasked; one that is asked for comes by semver's rule.
    check(&[("lib 3.0.0-rc.1", ""), ("lib 3.0.0-rc.2", "")], &["lib 3.0.0-rc.2"], &[]);
    check(
        &[("game", "[dependencies]\nlib = \">=3.0.0-rc.1\""), ("lib 2.0.0", ""), ("lib 3.0.0-rc.2", "")],
        &["lib 3.0.0-rc.2", "game 1.0.0"],
        &[],
    );
    check(
        &[("game", "[dependencies]\nlib = { version = \"*\", optional = true }"), ("lib 3.0.0-rc.2", "")],
        &["lib 3.0.0-rc.2", "game 1.0.0"],
        &[],
    );
}

#[test]
fn requirements_of_every_form() {
    let versions = ["0.1.3", "0.2.0", "1.0.0", "1.2.3", "1.2.9", "1.3.0", "2.0.0", "3.0.0-beta"];
    let rows = [
        ("1.2.3", "1.3.0"),
        ("^1.2.3", "1.3.0"),
        ("^0.1", "0.1.3"),
        ("~1.2", "1.2.9"),
        ("~1.2.3", "1.2.9"),
        (">1.2.9", "2.0.0"),
        (">=1.2.9, <1.3", "1.2.9"),
        ("<=1.2.3", "1.2.3"),
        ("<1", "0.2.0"),
        ("=1.2.3", "1.2.3"),
        ("=1.2", "1.2.9"),
        ("1.2.*", "1.2.9"),
        ("*", "2.0.0"),
        (">=3.0.0-alpha", "3.0.0-beta"),
        (">1, <1", ""),
        ("^3", ""),
    ];
    for (requirement, expected) in rows {
        let user = format!("[dependencies]\nlib = \"{requirement}\"");
        let names: Vec<String> = versions.iter().map(|version| format!("lib {version}")).collect();
        let mut plugins: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        plugins.push(("user", &user));
        let plan = resolver(&plugins).plan();
        let found = plan.get("user").and_then(|_| plan.get("lib")).map(|lib| lib.version.to_string());
        assert_eq!(found.unwrap_or_default(), expected, "{requirement}");
        let code = if requirement == "^3" { Code::ResolvePrerelease } else { Code::ResolveUnsatisfiable };
        assert_eq!(plan.left_out("user").map(LeftOut::code), expected.is_empty().then_some(code), "{requirement}");
    }
}

#[test]
fn the_strings_of_factorio_say_the_same() {
    let depends = "depends = [\"base ^1\", \"? gone\", \"(?) sky >= 2\", \"~ late\", \"! bear\"]";
    let mut plugins = vec![("a", depends), ("base", ""), ("late", ""), ("sky 2.0.0", "")];
    check(&plugins, &["base 1.0.0", "sky 2.0.0", "a 1.0.0", "late 1.0.0"], &[]);
    plugins.push(("bear", ""));
    check(
        &plugins,
        &["base 1.0.0", "bear 1.0.0", "late 1.0.0", "sky 2.0.0"],
        &["a resolve.conflict: cannot be loaded together with bear, and 1.0.0 is there"],
    );
    plugins[3].0 = "sky 1.0.0";
    plugins.pop();
    check(
        &plugins,
        &["base 1.0.0", "late 1.0.0", "sky 1.0.0"],
        &["a resolve.unsatisfiable: works only with sky >=2, and only 1.0.0 is there"],
    );
}
