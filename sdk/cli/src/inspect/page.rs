//! The page of `modhost inspect` for people.

use std::io;

use modhost::{
    Admissibility, Code, Engine, Error, Examination,
    backend::{ExportInfo, Limits},
    package::Manifest,
};

use crate::{
    host,
    layout::{count, grouped, paragraph, safe, size, width},
    list::wants,
};

/// The most files that are shown; JSON has all.
const FILES: usize = 20;
/// The width of the words on the left.
const LEFT: usize = 12;

/// The page.
pub(super) fn page(engine: &Engine, one: &Examination, exports: Option<&[ExportInfo]>) -> String {
    let mut page = Page { text: String::new(), width: width(&io::stdout()) };
    let package = &one.package;
    page.text.push_str(&format!("{} {}\n", package.id(), package.version()));
    match package.manifest() {
        Some(manifest) => page.manifest(manifest),
        None => page.row("manifest", "none: a single file, which sees every contract of the host"),
    }
    page.row("path", &safe(&package.source().display().to_string()));
    let digest = package.digest().to_string();
    // The whole is wider than a terminal: its first word is the row's.
    let (algorithm, digits) = digest.split_once(':').unwrap_or(("digest", &digest));
    page.row(algorithm, digits);
    for signer in &one.signatures.signers {
        let known = signer.label.as_deref().unwrap_or("nobody here knows it");
        page.row("signed by", &safe(&format!("{} ({known})", signer.key.short())));
    }
    one.signatures.warnings.iter().for_each(|warning| page.row("warning", &safe(warning)));
    page.files(one);
    for (lead, items) in package.manifest().into_iter().flat_map(wants) {
        page.row(lead, &items.join(", "));
    }
    package.notes().iter().for_each(|note| page.row("note", &safe(note)));

    let trust = match one.trust {
        Some(trust) => format!("it is {trust} ({})", one.vouched),
        None => "it is not trusted enough".into(),
    };
    page.text.push_str(&format!("\nUnder the policy `{}` {trust}:\n", safe(&engine.policy().name)));
    for candidate in &one.candidates {
        let verdict = match &candidate.admissibility {
            Admissibility::Taken => "taken".into(),
            Admissibility::Admissible => "could be taken too".into(),
            Admissibility::Refused(reasons) => match &reasons[..] {
                [] => "refused".into(),
                [only] => format!("refused: {}", safe(only)),
                [first, more @ ..] => format!("refused: {}, and {} more (--json has all)", safe(first), more.len()),
            },
            _ => "unknown".into(),
        };
        page.row(candidate.artefact.kind.as_str(), &format!("{}: {verdict}", candidate.artefact.entry));
    }
    page.capabilities(one);
    if let Some(admission) = &one.admission {
        page.row("limits", &limits(admission.limits()));
        if admission.unprotected() {
            page.row("warning", "native code runs in the host's process without any protection");
        }
        // Which builds are not taken is said above, with the reasons.
        let said = |note: &&String| note.starts_with("its ") && note.contains(" build is not taken");
        admission.notes().iter().filter(|note| !said(note)).for_each(|note| page.row("note", &safe(note)));
    }
    page.verdict(one, exports.is_some());
    if let Some(exports) = exports {
        page.exports(exports);
    }
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// One line, or several: the word on the left, the rest beside it.
    fn row(&mut self, left: &str, text: &str) {
        paragraph(&mut self.text, &format!("  {left:LEFT$}  "), text, self.width);
    }

    fn manifest(&mut self, manifest: &Manifest) {
        let about = &manifest.about;
        let authors = Some(about.authors.join(", ")).filter(|authors| !authors.is_empty());
        let tags = Some(about.tags.join(", ")).filter(|tags| !tags.is_empty());
        let rows = [
            ("name", about.name.as_deref()),
            ("description", about.description.as_deref()),
            ("authors", authors.as_deref()),
            ("license", about.license.as_deref()),
            ("repository", about.repository.as_deref()),
            ("docs", about.documentation.as_deref()),
            ("category", about.category.as_deref()),
            ("tags", tags.as_deref()),
        ];
        for (left, text) in rows {
            if let Some(text) = text {
                self.row(left, &safe(text));
            }
        }
        if let Some(engine) = &manifest.engine {
            self.row("engine", &format!("modhost {}", engine.version));
        }
        if !manifest.listen.is_empty() {
            self.row("listens to", &manifest.listen.join(", "));
        }
    }

    fn files(&mut self, one: &Examination) {
        let files = one.package.index().files();
        let packed = one.package.packed().map(|bytes| format!(", packed as {}", size(bytes))).unwrap_or_default();
        self.row("files", &format!("{}, {}{packed}", count(files.len(), "file"), size(one.package.bytes())));
        for file in files.iter().take(FILES) {
            self.row("", &format!("{} ({})", safe(&file.path), size(file.size)));
        }
        if files.len() > FILES {
            self.row("", &format!("and {} more (--json names all)", files.len() - FILES));
        }
    }

    fn capabilities(&mut self, one: &Examination) {
        let told = |granted: bool| {
            let names = one.asks.iter().filter(|asked| asked.granted == granted).map(|asked| {
                let optional = if asked.required || one.package.manifest().is_none() { "" } else { " (optional)" };
                format!("{}{optional}", asked.capability)
            });
            Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
        };
        if let Some(granted) = told(true) {
            self.row("granted", &granted);
        }
        if let Some(withheld) = told(false) {
            self.row("not granted", &format!("{withheld}; --grant CAP grants it for one run"));
        }
    }

    fn verdict(&mut self, one: &Examination, loaded: bool) {
        self.text.push('\n');
        if one.problems.is_empty() {
            if !loaded {
                let told = "Nothing keeps it from being loaded. --load loads it and lists its exports.";
                paragraph(&mut self.text, "", told, self.width);
            }
            return;
        }
        self.text.push_str("By itself it would not be loaded:\n");
        for error in &one.problems {
            let text = problem(error);
            paragraph(&mut self.text, "  ! ", &text, self.width);
            paragraph(&mut self.text, "    help: ", &safe(error.help()), self.width);
        }
        let missing = one.problems.iter().any(|error| error.code() == Code::ResolveMissing);
        if let Some(folder) = host::around(one.package.source()).filter(|_| missing) {
            let told = format!("`modhost list {}` looks at it together with the plugins beside it.", folder.display());
            paragraph(&mut self.text, "", &told, self.width);
        }
    }

    fn exports(&mut self, exports: &[ExportInfo]) {
        self.text.push_str(&format!("It was loaded, and has {}:\n", count(exports.len(), "export")));
        for export in exports {
            let text = match (&export.signature, export.arity) {
                (Some(signature), _) => format!("{}{signature}", safe(&export.name)),
                (None, Some(arity)) => format!("{} ({})", safe(&export.name), count(arity, "parameter")),
                (None, None) => safe(&export.name),
            };
            paragraph(&mut self.text, "  ", &text, self.width);
        }
    }
}

fn problem(error: &Error) -> String {
    let place = error.at().map(|place| format!("{}: ", safe(&place.to_string()))).unwrap_or_default();
    format!("{}: {place}{}", error.code(), safe(error.message()))
}

fn limits(limits: &Limits) -> String {
    format!(
        "fuel {} a call, memory {}, deadline {:?} a call, call depth {}, values {}, output {} a call, {} waiting events",
        grouped(limits.fuel),
        size(limits.memory),
        limits.deadline,
        limits.call_depth,
        size(limits.value.bytes),
        size(limits.output),
        limits.queue
    )
}
