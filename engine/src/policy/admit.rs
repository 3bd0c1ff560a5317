//! [`Admission`]: the proof that a vetted plugin was given a backend, limits and grants. Only this file can make one.

use std::sync::Arc;

use modhost_backend::{Backend, Enforcement, Guarantee, Isolation, Limits};

use super::{Capabilities, Policy, TrustLevel};
use crate::{
    error::{Code, Error, Result, Stage},
    package::{Artefact, Outline, Shelved},
    verify::Vetted,
};

/// What a vetted plugin was given.
#[derive(Clone, Debug)]
pub struct Admission {
    artefact: Artefact,
    backend: Arc<dyn Backend>,
    limits: Limits,
    capabilities: Capabilities,
    unprotected: bool,
    notes: Vec<String>,
}

impl Admission {
    /// The artefact that will be loaded.
    #[must_use]
    pub fn artefact(&self) -> &Artefact {
        &self.artefact
    }

    /// The backend that will load it.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// What the plugin may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it is granted of that which it asks for.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether it runs without any sandbox although nobody vouches for it: a development policy only.
    #[must_use]
    pub fn unprotected(&self) -> bool {
        self.unprotected
    }

    /// What the plugin asked for and did not get, in words.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Takes, among the artefacts of `plugin`, the most preferred one whose backend enforces what its trust demands.
pub(crate) fn admit(plugin: &Vetted<Shelved>, policy: &Policy, backends: &[Arc<dyn Backend>]) -> Result<Admission> {
    let package = plugin.get();
    let level = policy.level(plugin.trust());
    let mut artefacts: Vec<&Artefact> = package.artefacts().iter().collect();
    // A stable sort: kinds that the policy does not name keep the package's order behind those it names.
    artefacts.sort_by_key(|artefact| {
        policy.prefer.iter().position(|kind| *kind == artefact.kind).unwrap_or(policy.prefer.len())
    });
    let (mut offered, mut passed_over) = (Vec::new(), Vec::new());
    let mut text = None;
    for artefact in artefacts {
        let Some(backend) = backends.iter().find(|backend| backend.kind() == artefact.kind) else {
            offered.push(format!("{}: this engine has no such backend", artefact.kind));
            passed_over.push(format!("its {} build is not taken: this engine has no such backend", artefact.kind));
            continue;
        };
        if level.backends.as_ref().is_some_and(|some| !some.contains(&artefact.kind)) {
            let (name, trust) = (&policy.name, plugin.trust());
            offered.push(format!("{}: the policy `{name}` does not take it for {trust} plugins", artefact.kind));
            passed_over.push(format!(
                "its {} build is not taken: the policy `{name}` does not take it for {trust} plugins",
                artefact.kind
            ));
            continue;
        }
        let lacks = backend.enforcement().lacks(&level.needs);
        if !lacks.is_empty() {
            offered.push(format!("{}: {}", artefact.kind, lacks.join(", ")));
            passed_over.push(format!("its {} build is not taken: {}", artefact.kind, gist(&lacks)));
            continue;
        }
        let mut limits = level.limits.clone();
        if let Some(work) = level.work
            && backend.enforcement().instructions != Guarantee::None
        {
            // Fuel that stands for nothing would be another limit than the host meant.
            let Some(fuel) = policy.calibration.as_ref().and_then(|figures| figures.fuel_for(&artefact.kind, work))
            else {
                let lack = format!(
                    "no figure in the policy's calibration, which `work` needs: {} = UNITS_PER_MS",
                    artefact.kind
                );
                offered.push(format!("{}: {lack}", artefact.kind));
                passed_over.push(format!("its {} build is not taken: {lack}", artefact.kind));
                continue;
            };
            limits.fuel = fuel;
        }
        if artefact.text && !policy.source_formats {
            let message =
                format!("the policy `{}` admits no text formats, and `{}` is one", policy.name, artefact.entry);
            passed_over.push(format!("its {} build is not taken: {message}", artefact.kind));
            text = Some(Error::new(Code::PolicySourceFormat, Stage::Admit, message).of(package.id().to_string()));
            continue;
        }
        let (limits, mut notes) = lowered(package, policy, limits);
        notes.extend(passed_over);
        let promised = backend.enforcement();
        if limits.cpu_share < 100 && promised.cpu_share == Guarantee::None {
            notes.push(format!(
                "the policy `{}` grants {} % of a processor, which the backend {} does not hold over time; fuel and deadline end each call",
                policy.name, limits.cpu_share, artefact.kind
            ));
        }
        let shares_memory = promised.isolation == Isolation::SharedMemory;
        return Ok(Admission {
            artefact: artefact.clone(),
            backend: backend.clone(),
            limits,
            capabilities: level.capabilities.clone(),
            unprotected: shares_memory && (policy.development || plugin.trust() < TrustLevel::Trusted),
            notes,
        });
    }
    // A build that only its form kept out is the nearer miss.
    Err(text.unwrap_or_else(|| no_backend(plugin, policy, &offered)))
}

/// The weightiest of what a backend lacks, and how much more there is.
fn gist(lacks: &[String]) -> String {
    let weightiest = lacks.iter().find(|lack| lack.starts_with("isolation")).or(lacks.first());
    let weightiest = weightiest.map(String::as_str).unwrap_or_default();
    if lacks.len() > 1 { format!("{weightiest}, and {} more", lacks.len() - 1) } else { weightiest.into() }
}

fn no_backend(plugin: &Vetted<Shelved>, policy: &Policy, offered: &[String]) -> Error {
    let needs = &policy.level(plugin.trust()).needs;
    let message = format!(
        "{} plugins need a backend with {}; offered: {}",
        plugin.trust(),
        demands(needs),
        if offered.is_empty() { "nothing".into() } else { offered.join("; ") }
    );
    let mut error = Error::new(Code::DeniedBackend, Stage::Admit, message).of(plugin.get().id().to_string());
    if matches!(needs.isolation, Isolation::Process | Isolation::Container) {
        error = error.with_help(
            "Ship a wasm or script build: its sandbox is enough here. Native plugins in a process of their own come with a later release.",
        );
    }
    error
}

/// The demands of a policy in words.
fn demands(needs: &Enforcement) -> String {
    let mut words: Vec<String> =
        vec![format!("isolation {}", needs.isolation), format!("instructions {}", needs.instructions)];
    words.push(format!("memory {}", needs.memory));
    words.push(format!("interrupt {}", needs.interrupt));
    words.join(", ")
}

/// The level's limits, lowered by the manifest, then overridden by the host; and what the manifest asked for in vain.
fn lowered(package: &Outline, policy: &Policy, mut limits: Limits) -> (Limits, Vec<String>) {
    let mut notes = Vec::new();
    if let Some(manifest) = package.manifest() {
        let wants = &manifest.limits;
        let mut lower = |name: &str, limit: &mut u64, wanted: Option<u64>| {
            let Some(wanted) = wanted else { return };
            if wanted > *limit {
                notes.push(format!("asks for {name} {wanted}, has {limit}: more needs the host's consent"));
            }
            *limit = wanted.min(*limit);
        };
        lower("fuel", &mut limits.fuel, wants.fuel);
        lower("memory", &mut limits.memory, wants.memory);
        lower("output", &mut limits.output, wants.output);
        lower("value_bytes", &mut limits.value.bytes, wants.value_bytes);
        for (name, limit, wanted) in
            [("call_depth", &mut limits.call_depth, wants.call_depth), ("queue", &mut limits.queue, wants.queue)]
        {
            let mut wide = u64::from(*limit);
            lower(name, &mut wide, wanted.map(u64::from));
            *limit = u32::try_from(wide).unwrap_or(u32::MAX);
        }
        if let Some(wanted) = wants.deadline {
            if wanted > limits.deadline {
                notes.push(format!(
                    "asks for deadline {wanted:?}, has {:?}: more needs the host's consent",
                    limits.deadline
                ));
            }
            limits.deadline = wanted.min(limits.deadline);
        }
    }
    policy.overrides.apply(&mut limits);
    (limits, notes)
}
