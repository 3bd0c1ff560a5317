//! Questions to plans: who uses whom, what a change would do, how strict a plan is.

use super::{super::*, plugin, resolver, taken};
use crate::Code;

const SET: [(&str, &str); 6] = [
    ("base 1.0.0", ""),
    ("hud 1.0.0", "[dependencies]\nbase = \"^1\"\nsound = { version = \"*\", optional = true }"),
    ("pack 1.0.0", "[dependencies]\nhud = \"*\"\n[any-of]\nmobs = [\"wolf ^2\", \"wolf\"]"),
    ("rain 1.0.0", "[provides]\nweather = \"1.2.0\""),
    ("sound 1.0.0", "[requires]\nweather = \"^1\""),
    ("wolf 1.0.0", "[dev-dependencies]\nzoo = \"^1\""),
];

fn ids(chosen: &[&Chosen]) -> String {
    chosen.iter().map(|chosen| chosen.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn who_uses_whom() {
    let plan = resolver(&SET).plan();
    assert_eq!(ids(&plan.order.iter().collect::<Vec<_>>()), "base rain sound hud wolf pack");
    assert_eq!(ids(&plan.unload_order().collect::<Vec<_>>()), "pack wolf hud sound rain base");
    let direct = Reach { recursive: false, optional: false };
    for (id, reach, uses, used_by) in [
        ("pack", Reach::ALL, "base rain sound hud wolf", ""),
        ("pack", Reach::NEEDED, "base hud wolf", ""),
        ("pack", Reach::DIRECT, "hud wolf", ""),
        ("hud", direct, "base", "pack"),
        ("hud", Reach::DIRECT, "base sound", "pack"),
        ("rain", Reach::ALL, "", "sound hud pack"),
        ("rain", Reach::NEEDED, "", "sound"),
        ("base", direct, "", "hud"),
        ("gone", Reach::ALL, "", ""),
    ] {
        assert_eq!(ids(&plan.dependencies(id, reach)), uses, "{id} {reach:?}");
        assert_eq!(ids(&plan.dependents(id, reach)), used_by, "{id} {reach:?}");
    }
}

#[test]
fn why_is_told_of_everyone() {
    let plan = resolver(&[&SET[..], &[("old", "[requires]\nworld = \"^0.9\"")]].concat()).plan();
    let why = |id: &str| plan.why(id).map(|why| why.to_string()).unwrap_or_default();
    assert_eq!(
        why("wolf"),
        "wolf 1.0.0 is taken, from wolf-1.0.0\nused by pack 1.0.0, which needs one of several for mobs, and chose this\nloaded as number 5 of 6, ahead of its id: pack 1.0.0 is loaded after it"
    );
    assert_eq!(
        why("hud"),
        "hud 1.0.0 is taken, from hud-1.0.0\nused by pack 1.0.0, which needs *\nloaded as number 4 of 6, in the order of ids\nafter base, because it needs ^1\nafter sound, because it can use *"
    );
    assert_eq!(
        why("old"),
        "old 1.0.0 is left out: needs world ^0.9, this game offers 1.4.0\nsays plugin.toml:5:1\nUse the plugin's release for this game."
    );
    assert_eq!(why("nobody"), "");
    let set = [
        ("a", "[dependencies]\nb = { version = \"*\", optional = true }\nc = { version = \"^1\", order = false }"),
        ("b", "[dependencies]\na = \"*\""),
        ("c", ""),
    ];
    let plan = resolver(&set).plan();
    assert_eq!(
        plan.why("a").unwrap().to_string(),
        "a 1.0.0 is taken, from a-1.0.0\nused by b 1.0.0, which needs *\nloaded as number 1 of 3, in the order of ids\n\
         not after b, although it can use *: they would wait for each other\n\
         not after c, although it needs ^1: its manifest asks for no order"
    );
    let chain = [("a", "[dependencies]\nn = \"*\""), ("m", ""), ("n", "[dependencies]\nz = \"*\""), ("z", "")];
    let plan = resolver(&chain).plan();
    assert_eq!(ids(&plan.order.iter().collect::<Vec<_>>()), "z n a m");
    assert!(plan.why("z").unwrap().to_string().contains("ahead of its id: a 1.0.0 is loaded after it"));
}

#[test]
fn one_plugin_comes_with_what_it_needs() {
    let resolver = resolver(&SET);
    // What is optional is not taken along.
    assert_eq!(taken(&resolver.plan_for(&["hud"])), ["base 1.0.0", "hud 1.0.0"]);
    assert_eq!(taken(&resolver.can_load("pack").unwrap()), ["base 1.0.0", "hud 1.0.0", "wolf 1.0.0", "pack 1.0.0"]);
    let plan = resolver.plan_for(&["sound"]);
    assert_eq!(taken(&plan), ["rain 1.0.0", "sound 1.0.0"]);
    assert!(plan.get("sound").unwrap().wanted && !plan.get("rain").unwrap().wanted);
    let error = resolver.can_load("hut").unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::ResolveMissing, "there is no plugin `hut`; did you mean `hud`?")
    );
    // The tests of a plugin need more than the plugin.
    let mut options = Options::default();
    options.dev.insert("wolf".into());
    let error = resolver.clone().options(options.clone()).can_load("wolf").unwrap_err();
    assert_eq!(error.message(), "needs zoo ^1, and it is not there");
    let with = Resolver::new([resolver.candidates(), &[plugin("zoo", "1.1.0", "")]].concat()).options(options);
    assert_eq!(with.plan_for(&["wolf"]).get("wolf").unwrap().links[0].kind, LinkKind::Dev);
}

#[test]
fn a_change_is_told_before_it_is_made() {
    let resolver = resolver(&SET);
    let change = resolver.removing("base");
    let named = |list: &[(String, semver::Version)]| list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(named(&change.removed), ["base", "hud", "pack"]);
    assert_eq!(change.plan.left_out("pack").unwrap().sake, ["hud"]);
    let change =
        resolver.installing(vec![plugin("base", "1.1.0", ""), plugin("new", "1.0.0", "[dependencies]\nbase = \"*\"")]);
    assert_eq!(named(&change.added), ["new"]);
    let (id, from, to) = &change.moved[0];
    assert_eq!((id.as_str(), from.to_string(), to.to_string()), ("base", "1.0.0".into(), "1.1.0".into()));
    assert!(change.removed.is_empty() && !change.is_nothing());
    // A hostile one does not put out what stands against it.
    let change = resolver.installing(vec![plugin("aaa", "1.0.0", "[conflicts]\nwolf = \"*\"")]);
    assert!(change.is_nothing());
    assert_eq!(change.plan.left_out("aaa").unwrap().code(), Code::ResolveConflict);
}

#[test]
fn a_lockfile_keeps_a_crowd_from_putting_one_out() {
    let old = [("rain", "")];
    let crowd = [("a", "[conflicts]\nrain = \"*\""), ("b", "[dependencies]\na = \"*\"")];
    let lock = Lockfile::of(&resolver(&old).plan());
    let both = resolver(&[&old[..], &crowd].concat());
    assert_eq!(taken(&both.plan()), ["a 1.0.0", "b 1.0.0"]);
    assert_eq!(taken(&both.prefer(lock).plan()), ["rain 1.0.0"]);
}

#[test]
fn strictness_is_policy() {
    let set =
        [("a", "[dependencies]\ngone = { version = \"^1\", optional = true }"), ("b", "engine = \"^7\""), ("c", "")];
    let plan = |options: Options| resolver(&set).options(options).plan();
    assert!(plan(Options::default()).warnings.is_empty());
    let warned = plan(Options { optionals: Optionals::Warn, ..Options::default() });
    assert_eq!(warned.warnings[0].to_string(), "a could use gone ^1, which is not there");
    let required = plan(Options { optionals: Optionals::Require, ..Options::default() });
    assert_eq!(taken(&required), ["c 1.0.0"]);
    assert_eq!(required.missing().into_iter().collect::<Vec<_>>(), [("gone", "^1")]);
    let all = plan(Options { mode: Mode::AllOrNothing, ..Options::default() });
    assert!(all.order.is_empty());
    assert_eq!(all.withheld.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(all.left_out.len(), 1);
}

#[test]
fn what_is_loaded_stays_and_what_is_switched_off_is_told() {
    let loaded = resolver(&[("a", "[dependencies]\nb = \"^2\""), ("c", "[dependencies]\nb = \"^1\""), ("b 2.0.0", "")])
        .loaded("b", "1.5.0".parse().unwrap());
    let plan = loaded.plan();
    assert_eq!(taken(&plan), ["c 1.0.0"]);
    assert_eq!(plan.left_out("a").unwrap().message, "needs b ^2, and only 1.5.0 is there");
    assert_eq!(plan.left_out("b").unwrap().code(), Code::PackageDuplicate);
    let plan = resolver(&SET).without("base").plan();
    assert_eq!(
        plan.left_out("hud").unwrap().message,
        "needs base ^1, which is left out itself because it is switched off"
    );
    assert_eq!(plan.left_out("hud").unwrap().help.as_deref(), Some("See to base first, or take hud out too."));
    assert!(plan.left_out("base").is_none() && plan.get("base").is_none());
}

#[test]
fn an_optional_dependency_gives_way_in_a_circle() {
    let plan = resolver(&[
        ("a", "[dependencies]\nb = { version = \"*\", optional = true }"),
        ("b", "[dependencies]\na = \"*\""),
    ])
    .plan();
    assert_eq!(taken(&plan), ["a 1.0.0", "b 1.0.0"]);
    assert_eq!(
        plan.warnings[0].to_string(),
        "a is not loaded after b, which it can do without: they would wait for each other"
    );
    assert!(!plan.get("a").unwrap().links[0].order);
}
