//! An editor's side of mods, without the windows: `cargo run --release --example text_pipeline [FILE [MOD...]]`.
//!
//! Mods offer filters, which take the text and give it back, and commands, which work on the open document. The pipeline runs those of the
//! mods that are named, or all of them, in load order, and shows what changed. A step that fails leaves the text as it was; two of the mods
//! see to it that some do.

#![allow(clippy::print_stdout)]

use std::{env, fs, path::Path, process::ExitCode};

use modhost::{Engine, HostFunction, Mods, Policy};

/// What host functions borrow.
#[derive(Default)]
struct Editor {
    /// The open document.
    lines: Vec<String>,
    /// What mods offer.
    offers: Vec<Offer>,
    /// What the running step said.
    said: Vec<String>,
}

/// One filter or command.
#[derive(Clone)]
struct Offer {
    plugin: String,
    export: String,
    title: String,
    filter: bool,
}

impl Editor {
    fn open(text: &str) -> Self {
        Editor { lines: text.split('\n').map(String::from).collect(), ..Editor::default() }
    }

    fn offer(&mut self, export: String, title: String, filter: bool) {
        if let Some(caller) = modhost::caller() {
            self.offers.push(Offer { plugin: caller.plugin, export, title, filter });
        }
    }

    fn line(&mut self, n: i64) -> Result<&mut String, String> {
        let there = self.lines.len();
        let line = usize::try_from(n).ok().and_then(|n| self.lines.get_mut(n));
        line.ok_or_else(|| format!("there is no line {n}, the document has {there}"))
    }
}

fn engine() -> modhost::Result<Engine> {
    Engine::builder()
        .policy(Policy::mods())
        .function("editor.filter", |editor: &mut Editor, export, title| editor.offer(export, title, true))
        .function("editor.command", |editor: &mut Editor, export, title| editor.offer(export, title, false))
        .function("editor.say", |editor: &mut Editor, text: String| editor.said.push(text))
        .function("doc.lines", |editor: &mut Editor| editor.lines.len())
        .function("doc.line", |editor: &mut Editor, n: i64| editor.line(n).map(|line| line.clone()))
        .host(
            HostFunction::new("doc.replace", |editor: &mut Editor, n: i64, text: String| {
                editor.line(n).map(|line| *line = text)
            })
            .params(["line", "text"])
            .needs("doc.edit"),
        )
        .grant("doc.edit")
        .build()
}

/// Runs one step; the lines that it changed.
fn step(engine: &Engine, editor: &mut Editor, offer: &Offer) -> modhost::Result<usize> {
    let before = editor.lines.clone();
    let result = if offer.filter {
        let text = editor.lines.join("\n");
        let filtered = engine.call::<_, String>(editor, &*offer.plugin, &offer.export, (text,));
        filtered.map(|text| editor.lines = text.split('\n').map(String::from).collect())
    } else {
        engine.call::<_, ()>(editor, &*offer.plugin, &offer.export, ())
    };
    match result {
        Ok(()) => Ok(changed(&changes(&before, &editor.lines))),
        Err(error) => {
            editor.lines = before;
            Err(error)
        }
    }
}

/// A line of a comparison.
enum Change<'a> {
    Kept(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The largest table of lines against lines that is worked out; beyond, what differs is shown as one block.
const CELLS: usize = 4_000_000;

/// What became of `old`, by the longest common run of lines.
fn changes<'a>(old: &'a [String], new: &'a [String]) -> Vec<Change<'a>> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut changes: Vec<Change<'a>> = old[..head].iter().map(|line| Change::Kept(line)).collect();
    let (gone, came) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if gone.len().saturating_mul(came.len()) > CELLS {
        changes.extend(gone.iter().map(|line| Change::Gone(line)));
        changes.extend(came.iter().map(|line| Change::New(line)));
    } else {
        compare(gone, came, &mut changes);
    }
    changes.extend(old[old.len() - tail..].iter().map(|line| Change::Kept(line)));
    changes
}

fn compare<'a>(old: &'a [String], new: &'a [String], changes: &mut Vec<Change<'a>>) {
    let width = new.len() + 1;
    // How many lines the two have in common from here on.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = if old[a] == new[b] {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            changes.push(Change::Kept(&old[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || a < old.len() && common[(a + 1) * width + b] >= common[a * width + b + 1] {
            changes.push(Change::Gone(&old[a]));
            a += 1;
        } else {
            changes.push(Change::New(&new[b]));
            b += 1;
        }
    }
}

/// How many lines are not as they were.
fn changed(changes: &[Change<'_>]) -> usize {
    let gone = changes.iter().filter(|change| matches!(change, Change::Gone(_))).count();
    let new = changes.iter().filter(|change| matches!(change, Change::New(_))).count();
    gone.max(new)
}

fn show(changes: &[Change<'_>]) {
    // Spaces at the end of a line are shown, for they are what a filter takes away.
    let seen = |line: &str| {
        let kept = line.trim_end_matches([' ', '\t']);
        let cut = line[kept.len()..].chars().map(|char| if char == '\t' { '→' } else { '·' });
        format!("{kept}{}", cut.collect::<String>())
    };
    for change in changes {
        match change {
            Change::Kept(line) => println!("  {line}"),
            Change::Gone(line) => println!("- {}", seen(line)),
            Change::New(line) => println!("+ {}", seen(line)),
        }
    }
}

fn main() -> ExitCode {
    modhost::worker::entry();
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let mods = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/pipeline");
    let sample = mods.join("sample.md");
    let file = arguments.first().map_or(sample.as_path(), Path::new);
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut editor = Editor::open(&text);
    let original = editor.lines.clone();

    let engine = engine().map_err(|error| error.to_string())?;
    let mods: Mods = engine.load_dir(&mods).map_err(|error| error.to_string())?;
    println!("{mods}\n");
    for error in engine.enable(&mut editor, &mods).map_err(|error| error.to_string())?.failed {
        println!("not enabled: {error}");
    }
    println!("The menu:");
    for offer in &editor.offers {
        let what = if offer.filter { "filter" } else { "command" };
        println!("  {:16} {what:8} {}", offer.plugin, offer.title);
    }

    println!("\nThe pipeline over {}:", file.display());
    let named = |plugin: &str| arguments.len() < 2 || arguments[1..].iter().any(|name| name == plugin);
    for offer in editor.offers.clone().iter().filter(|offer| named(&offer.plugin)) {
        match step(&engine, &mut editor, offer) {
            Ok(0) => println!("  {:16} nothing to change", offer.plugin),
            Ok(changed) => println!("  {:16} {changed} lines changed", offer.plugin),
            Err(error) => {
                println!("! {:16} {}: {}; the text is as it was", offer.plugin, error.code(), error.message())
            }
        }
        editor.said.drain(..).for_each(|line| println!("  {:16} \"{}\"", "", line.escape_debug()));
    }
    println!();
    show(&changes(&original, &editor.lines));
    Ok(())
}
