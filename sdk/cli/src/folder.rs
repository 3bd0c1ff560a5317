//! [`Folder`]: the plugins of some folders, read once, with what the policy says of each, ready to be planned with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use modhost::{
    Code, Engine, Error, Examination, Result, Stage, TrustLevel,
    package::Outline,
    resolve::{Candidate, Cause, Digest, LeftOut, Lockfile, Plan, Resolver},
    verify::SignedLock,
};
use semver::{BuildMetadata, Version};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::ChosenPolicy,
    diagnose, host,
    json::body::ErrorBody,
    layout::{paragraph, safe},
    lock,
    source::Sources,
};

/// What lies in some folders.
pub(crate) struct Folder {
    engine: Engine,
    /// What is preferred.
    lock: Option<Lockfile>,
    /// In the order of the folders, then of ids.
    examined: Vec<Examination>,
    /// The places in it of what is vetted, by id.
    vetted: BTreeMap<String, Vec<usize>>,
    /// What cannot be read, in the same order.
    pub(crate) unreadable: Vec<Error>,
    /// What lies in an earlier folder too, in the same version, and is not looked at; as in loading.
    pub(crate) shadowed: Vec<Shadow>,
}

/// A plugin that is passed over for the same version in an earlier folder.
#[derive(Serialize)]
pub(crate) struct Shadow {
    plugin: String,
    version: String,
    path: PathBuf,
    by: PathBuf,
}

impl fmt::Display for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shadow { plugin, version, path, by } = self;
        write!(
            f,
            "{plugin} {version}  {}: the same version lies at {}, which comes first",
            path.display(),
            by.display()
        )
    }
}

impl Folder {
    /// Reads them. What the lockfile holds is preferred, and a signed set vouches for what it names.
    ///
    /// # Errors
    /// Those of the policy, and of a folder that cannot be read or holds nothing that could be a plugin.
    pub(crate) fn read(
        dirs: &[PathBuf],
        policy: &ChosenPolicy,
        (lock, set): (Option<Lockfile>, Option<SignedLock>),
    ) -> Result<Self> {
        let engine = host::engine_with(policy, set)?;
        let mut folder = Folder {
            engine,
            lock,
            examined: Vec::new(),
            vetted: BTreeMap::new(),
            unreadable: Vec::new(),
            shadowed: Vec::new(),
        };
        let mut found = Vec::new();
        for (number, dir) in dirs.iter().enumerate() {
            found.extend(folder.examine(dir)?.into_iter().map(|one| (number, one)));
        }
        let mut first = BTreeMap::new();
        let held = found.iter().filter(|(_, one)| folder.held(&one.package));
        held.for_each(|(number, one)| _ = shadow(&mut first, *number, one));
        for (number, one) in found {
            match shadow(&mut first, number, &one) {
                Some(shadow) => folder.shadowed.push(shadow),
                None => folder.examined.push(one),
            }
        }
        folder.index(0);
        Ok(folder)
    }

    /// Reads more, and gives what may be planned with of these.
    ///
    /// # Errors
    /// Those of [`Folder::read`].
    pub(crate) fn add(&mut self, dirs: &[PathBuf]) -> Result<Vec<Candidate>> {
        let begin = self.examined.len();
        for dir in dirs {
            let more = self.examine(dir)?;
            self.examined.extend(more);
        }
        let packages = self.index(begin);
        Ok(self.engine.resolver(&packages).candidates().to_vec())
    }

    /// Whether the lockfile holds this very plugin.
    fn held(&self, package: &Outline) -> bool {
        let row = self.lock.as_ref().and_then(|lock| lock.get(package.id().as_str()));
        row.is_some_and(|row| row.is(package.version(), &package.digest()))
    }

    fn examine(&mut self, dir: &Path) -> Result<Vec<Examination>> {
        let mut examined = Vec::new();
        for entry in self.engine.examine_dir(dir)? {
            match entry {
                Ok(one) => examined.push(one),
                Err(error) => self.unreadable.push(error),
            }
        }
        Ok(examined)
    }

    /// Enters what was examined from the place `begin` on; gives what of it is vetted.
    fn index(&mut self, begin: usize) -> Vec<Outline> {
        let mut packages = Vec::new();
        for (at, one) in self.examined.iter().enumerate().skip(begin).filter(|(_, one)| one.trust.is_some()) {
            let held = self.held(&one.package);
            let places = self.vetted.entry(one.package.id().to_string()).or_default();
            // Of doubles what is asked for first is what a plan takes.
            let place = if held { 0 } else { places.len() };
            places.insert(place, at);
            packages.push(one.package.clone());
        }
        packages
    }

    /// Where its sources are found again.
    pub(crate) fn sources(&self, dirs: &[PathBuf]) -> Sources {
        Sources::new(dirs, &self.engine.policy().caps)
    }

    /// A resolver of what would be vetted. Of what cannot be read, or is refused, it knows so much, as in loading.
    pub(crate) fn resolver(&self) -> Resolver {
        let packages: Vec<_> =
            self.examined.iter().filter(|one| one.trust.is_some()).map(|one| one.package.clone()).collect();
        let unreadable = self.unreadable.iter().filter_map(|error| Some((error.plugin()?, error)));
        let unvetted = self.unvetted().map(|(id, _, error)| (id, error));
        let unfit = |resolver: Resolver, (id, error): (&str, &Error)| {
            resolver.unfit(id, format!("it is refused: {}", error.code()))
        };
        let resolver = unreadable.chain(unvetted).fold(self.engine.resolver(&packages), unfit);
        match &self.lock {
            Some(lock) => resolver.prefer(lock.clone()),
            None => resolver,
        }
    }

    /// The plan of these alone, which lie here.
    pub(crate) fn plan_of(&self, selected: &[Candidate]) -> Plan {
        let is = |package: &Outline, one: &Candidate| {
            package.id() == one.id()
                && package.version() == one.version()
                && one.digest().is_none_or(|digest| *digest == Digest::of(package))
        };
        let of = |one: &Candidate| {
            let mut same = self.vetted.get(one.id().as_str()).into_iter().flatten();
            same.find(|at| is(&self.examined[**at].package, one))
        };
        let places: BTreeSet<_> = selected.iter().filter_map(of).collect();
        let packages: Vec<_> = places.into_iter().map(|at| self.examined[*at].package.clone()).collect();
        self.engine.resolver(&packages).plan()
    }

    /// What vetting refuses: each with its id, version and the reason.
    pub(crate) fn unvetted(&self) -> impl Iterator<Item = (&str, &Version, &Error)> {
        let refused = self.examined.iter().filter(|one| one.trust.is_none());
        refused.filter_map(|one| Some((one.package.id().as_str(), one.package.version(), one.problems.first()?)))
    }

    fn get(&self, id: &str, version: &Version) -> Option<&Examination> {
        let mut versions = self.vetted.get(id)?.iter().map(|at| &self.examined[*at]);
        versions.find(|one| one.package.version() == version)
    }

    /// The build of a plugin that would be loaded.
    pub(crate) fn backend(&self, id: &str, version: &Version) -> Option<&str> {
        Some(self.get(id, version)?.admission.as_ref()?.artefact().kind.as_str())
    }

    /// How far a plugin would be trusted.
    pub(crate) fn trust(&self, id: &str, version: &Version) -> Option<&TrustLevel> {
        self.get(id, version)?.trust.as_ref()
    }

    /// Why a plugin that a plan takes would be refused all the same when it is loaded: the policy gives it no box.
    pub(crate) fn refusal(&self, id: &str, version: &Version) -> Option<&Error> {
        let one = self.get(id, version)?;
        if one.admission.is_some() { None } else { one.problems.iter().find(|error| error.stage() != Stage::Resolve) }
    }

    /// The first reason for which nothing would be loaded; `None` where something would be.
    pub(crate) fn failure(&self, plan: &Plan) -> Option<Reason<'_>> {
        if plan.order.iter().any(|chosen| self.refusal(&chosen.id, &chosen.version).is_none()) {
            return None;
        }
        let left_out = plan.left_out.first().map(|out| Reason::Owned(out.to_error()));
        let refused = plan.order.iter().filter_map(|chosen| self.refusal(&chosen.id, &chosen.version));
        let unvetted = self.unvetted().map(|(_, _, error)| error);
        left_out.or_else(|| refused.chain(unvetted).chain(&self.unreadable).next().map(Reason::Borrowed))
    }

    /// Why a plugin would not be loaded: a plan leaves it out, or the policy would refuse it.
    pub(crate) fn denial(&self, plan: &Plan, id: &str) -> Option<Reason<'_>> {
        match (plan.get(id), plan.left_out(id)) {
            (Some(chosen), _) => self.refusal(id, &chosen.version).map(Reason::Borrowed),
            (None, out) => out.map(|out| Reason::Owned(out.to_error())),
        }
    }

    /// The shape of what is left out, for `--json`: by the plan, by vetting, or because it cannot be read.
    pub(crate) fn left_out<'a>(&'a self, plan: &Plan) -> Vec<Out<'a>> {
        let planned = plan.left_out.iter().map(Out::of);
        let unvetted = self.unvetted().map(|(id, version, error)| Out {
            plugin: Some(id.to_owned()),
            version: Some(version.to_string()),
            error: Reason::Borrowed(error),
            sake: Vec::new(),
        });
        let unreadable = self.unreadable.iter().map(|error| Out {
            plugin: error.plugin().map(str::to_owned),
            version: None,
            error: Reason::Borrowed(error),
            sake: Vec::new(),
        });
        planned.chain(unvetted).chain(unreadable).collect()
    }
}

/// A plugin that is left out.
#[derive(Serialize)]
pub(crate) struct Out<'a> {
    pub(crate) plugin: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) error: Reason<'a>,
    /// For whose sake.
    pub(crate) sake: Vec<String>,
}

impl Out<'_> {
    /// As a plan says.
    pub(crate) fn of(out: &LeftOut) -> Self {
        Out {
            plugin: Some(out.id.clone()),
            version: Some(out.version.to_string()),
            error: Reason::Owned(out.to_error()),
            sake: out.sake.clone(),
        }
    }

    /// Its name and version, as a person reads them.
    pub(crate) fn name(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}{version}", safe(self.plugin.as_deref().unwrap_or("?")))
    }

    /// Appends the reason, below an indent.
    pub(crate) fn tell(&self, text: &mut String, indent: &str, width: usize) {
        let error = self.error.get();
        let place = error.at().map(|place| format!("{}: ", safe(&place.to_string()))).unwrap_or_default();
        let told = format!("{}: {place}{}", error.code(), safe(error.message()));
        paragraph(text, &format!("{indent}! "), &told, width);
        paragraph(text, &format!("{indent}  "), &safe(error.help()), width);
        if !self.sake.is_empty() {
            paragraph(text, &format!("{indent}  for the sake of "), &self.sake.join(", "), width);
        }
    }
}

/// The error of a plan is made when it is asked for, that of reading is there.
pub(crate) enum Reason<'a> {
    Owned(Error),
    Borrowed(&'a Error),
}

impl Reason<'_> {
    pub(crate) fn get(&self) -> &Error {
        match self {
            Reason::Owned(error) => error,
            Reason::Borrowed(error) => error,
        }
    }
}

impl Serialize for Reason<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ErrorBody::from(self.get()).serialize(serializer)
    }
}

/// There is no such plugin; perhaps another needs it, perhaps it is among what cannot be read.
pub(crate) fn unknown(id: &str, folder: &Folder, plan: &Plan) -> Error {
    let taken = plan.order.iter().chain(&plan.withheld).map(|chosen| chosen.id.as_str());
    let known: Vec<&str> = taken.chain(plan.left_out.iter().map(|out| out.id.as_str())).collect();
    let likeness = |other: &&&str| strsim::jaro_winkler(id, other);
    let near = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|near| likeness(near) > 0.8);
    let needing = plan.left_out.iter().find_map(|out| match &out.cause {
        Cause::Missing { id: missing, requirement } if missing == id => Some((&out.id, requirement)),
        _ => None,
    });
    let needed = needing.map(|(by, requirement)| format!("; {by} needs {id} {requirement}")).unwrap_or_default();
    let message = format!("there is no plugin `{}`{needed}", safe(id));
    let unreadable: Vec<&str> = folder.unreadable.iter().filter_map(Error::plugin).take(5).collect();
    let mut help = near.map(|near| format!("Did you mean `{near}`? ")).unwrap_or_default();
    help.push_str("`modhost list DIR` shows what there is");
    if !unreadable.is_empty() {
        help.push_str(&format!("; what cannot be read has no id: {}", safe(&unreadable.join(", "))));
    }
    Error::new(Code::PluginNotFound, Stage::Resolve, message).with_help(format!("{help}."))
}

/// Appends why the policy would refuse a plugin, below an indent: its first part, since a comparison with a whole policy is long.
pub(crate) fn tell_refusal(text: &mut String, indent: &str, error: &Error, width: usize) {
    let (first, more) = error.message().split_once("; ").map_or((error.message(), ""), |(first, _)| (first, "; ..."));
    let told = format!("{}: {}{more}", error.code(), safe(first));
    paragraph(text, &format!("{indent}! "), &told, width);
    paragraph(text, &format!("{indent}  "), "`modhost inspect PATH` says more.", width);
}

/// An answer that is an error, with the plugin's name before it where there is one.
pub(crate) fn refuse(error: &Error, json: bool, sources: &Sources) -> Answer {
    match error.plugin() {
        Some(plugin) if !json => {
            diagnose::error_of(&safe(plugin), error, sources);
            Answer::new(error.code().exit_status(), "")
        }
        _ => Answer::error_in(error, json, sources),
    }
}

/// Where an error of these verbs may point to before the folder is read.
pub(crate) fn sources(policy: Option<&str>, lock: Option<&Path>) -> Sources {
    let sources = Sources::default().with_policy(policy);
    match lock {
        Some(path) => lock::sources(sources, path),
        None => sources,
    }
}

/// Whether this version lies in a folder before `folder`, or the lockfile holds that in another; notes it in `first` otherwise. What is refused
/// takes nobody's place.
fn shadow(
    first: &mut BTreeMap<(String, Version), (usize, PathBuf)>,
    folder: usize,
    one: &Examination,
) -> Option<Shadow> {
    one.trust?;
    let (id, version, source) = (one.package.id().to_string(), one.package.version(), one.package.source());
    // What differs in build metadata only has no order, but the folders have.
    let bare = Version { build: BuildMetadata::EMPTY, ..version.clone() };
    let (earlier, by) = first.entry((id.clone(), bare)).or_insert_with(|| (folder, source.to_owned()));
    (*earlier != folder).then(|| Shadow {
        plugin: id,
        version: version.to_string(),
        path: source.to_owned(),
        by: by.clone(),
    })
}
