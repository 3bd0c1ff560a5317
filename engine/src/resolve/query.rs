//! Questions to a plan and to a resolver: who uses whom, what may be loaded, what a change would do, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use semver::Version;

use super::{Candidate, Chosen, LeftOut, Link, LinkKind, Plan, Resolver, Warning};
use crate::{
    audit::escape,
    error::{Code, Error, Result, Stage},
    package::nearest,
};

/// How far a question about dependencies reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reach {
    /// Whether those of those count, and so on.
    pub recursive: bool,
    /// Whether optional ones count.
    pub optional: bool,
}

impl Reach {
    /// All of them, optional ones included.
    pub const ALL: Reach = Reach { recursive: true, optional: true };
    /// All that are needed.
    pub const NEEDED: Reach = Reach { recursive: true, optional: false };
    /// The plugin's own, optional ones included.
    pub const DIRECT: Reach = Reach { recursive: false, optional: true };
}

/// What a change would do to a plan.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Change {
    /// The plan after it.
    pub plan: Plan,
    /// What is taken then and was not before, in load order.
    pub added: Vec<(String, Version)>,
    /// What was taken before and is not any more, by id. [`Plan::left_out`] says why, where it is still there.
    pub removed: Vec<(String, Version)>,
    /// What is taken in another version: id, before, after.
    pub moved: Vec<(String, Version, Version)>,
}

impl Change {
    fn between(before: &Plan, plan: Plan) -> Self {
        let was = |id: &str| before.get(id).map(|chosen| &chosen.version);
        let mut change = Change::default();
        for chosen in &plan.order {
            match was(&chosen.id) {
                None => change.added.push((chosen.id.clone(), chosen.version.clone())),
                Some(version) if *version != chosen.version => {
                    change.moved.push((chosen.id.clone(), version.clone(), chosen.version.clone()));
                }
                Some(_) => {}
            }
        }
        let gone = before.order.iter().filter(|chosen| plan.get(&chosen.id).is_none());
        change.removed = gone.map(|chosen| (chosen.id.clone(), chosen.version.clone())).collect();
        change.removed.sort();
        change.plan = plan;
        change
    }

    /// Whether it does nothing to what is taken.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.moved.is_empty()
    }
}

impl Resolver {
    /// Whether a plugin can be loaded with what it needs: the plan for it alone.
    ///
    /// # Errors
    /// Every `resolve.*`, as the plugin's own error.
    ///
    /// ```
    /// use modhost::{Code, package::Manifest, resolve::{Candidate, Resolver}};
    ///
    /// let wolf = Manifest::parse(b"[plugin]\nid = 'wolf'\nversion = '1.2.0'\n[dependencies]\nforest = '^1'")?;
    /// let resolver = Resolver::new(vec![Candidate::new(wolf, "wolf")]);
    /// let error = resolver.can_load("wolf").unwrap_err();
    /// assert_eq!(error.code(), Code::ResolveMissing);
    /// assert_eq!(error.message(), "needs forest ^1, and it is not there");
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn can_load(&self, id: &str) -> Result<Plan> {
        let plan = self.plan_for(&[id]);
        if let Some(out) = plan.left_out(id) {
            return Err(out.to_error());
        }
        if plan.get(id).is_some() {
            return Ok(plan);
        }
        let near = nearest(id, self.candidates.iter().map(|candidate| candidate.id().as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(Error::new(Code::ResolveMissing, Stage::Resolve, format!("there is no plugin `{}`{near}", escape(id, 96))))
    }

    /// What would become of [`Resolver::plan`] with these plugins beside the others.
    #[must_use]
    pub fn installing(&self, candidates: Vec<Candidate>) -> Change {
        let after = [&self.candidates[..], &candidates].concat();
        Change::between(&self.plan(), self.plan_of(&after, &|_| true))
    }

    /// What would become of [`Resolver::plan`] without a plugin, in any version.
    #[must_use]
    pub fn removing(&self, id: &str) -> Change {
        let after: Vec<Candidate> =
            self.candidates.iter().filter(|candidate| candidate.id().as_str() != id).cloned().collect();
        Change::between(&self.plan(), self.plan_of(&after, &|_| true))
    }
}

impl Plan {
    /// What a plugin that is taken uses, in load order.
    #[must_use]
    pub fn dependencies(&self, id: &str, reach: Reach) -> Vec<&Chosen> {
        let uses = |chosen: &Chosen| {
            let links = chosen.links.iter().filter(|link| reach.optional || !link.is_optional());
            links.filter_map(|link| self.places.get(&link.id).copied()).collect()
        };
        self.reached(id, reach, &uses)
    }

    /// What uses a plugin that is taken, in load order.
    #[must_use]
    pub fn dependents(&self, id: &str, reach: Reach) -> Vec<&Chosen> {
        let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, chosen) in self.order.iter().enumerate() {
            for link in chosen.links.iter().filter(|link| reach.optional || !link.is_optional()) {
                users.entry(&link.id).or_default().push(place);
            }
        }
        self.reached(id, reach, &|chosen| users.get(chosen.id.as_str()).cloned().unwrap_or_default())
    }

    fn reached(&self, id: &str, reach: Reach, next: &dyn Fn(&Chosen) -> Vec<usize>) -> Vec<&Chosen> {
        let Some(start) = self.places.get(id).copied() else { return Vec::new() };
        let mut found = BTreeSet::new();
        let mut rest = vec![start];
        while let Some(place) = rest.pop() {
            let nexts = next(&self.order[place]).into_iter().filter(|place| found.insert(*place));
            let nexts: Vec<usize> = nexts.collect();
            if reach.recursive {
                rest.extend(nexts);
            }
        }
        found.remove(&start);
        found.into_iter().map(|place| &self.order[place]).collect()
    }

    /// Why a plugin is taken, in this version and at this place, or why it is left out. `None` for an id that the plan does not
    /// know. Its text is made to be read.
    ///
    /// ```
    /// use modhost::{package::Manifest, resolve::{Candidate, Resolver}};
    ///
    /// let plugin = |text: &str| Manifest::parse(text.as_bytes()).map(|manifest| Candidate::new(manifest, "mods"));
    /// let plan = Resolver::new(vec![
    ///     plugin("[plugin]\nid = 'wolf'\nversion = '1.2.0'\n[dependencies]\nwood = '^1'")?,
    ///     plugin("[plugin]\nid = 'wood'\nversion = '1.0.0'")?,
    ///     plugin("[plugin]\nid = 'wood'\nversion = '2.0.0'")?,
    /// ])
    /// .plan();
    /// assert_eq!(
    ///     plan.why("wood").unwrap().to_string(),
    ///     "wood 1.0.0 is taken, from mods\n\
    ///      not 2.0.0: wolf 1.2.0 needs wood ^1\n\
    ///      used by wolf 1.2.0, which needs ^1\n\
    ///      loaded as number 1 of 2, ahead of its id: wolf 1.2.0 is loaded after it"
    /// );
    /// # Ok::<(), modhost::Error>(())
    /// ```
    #[must_use]
    pub fn why(&self, id: &str) -> Option<Why<'_>> {
        if let Some(out) = self.left_out(id).filter(|_| self.get(id).is_none()) {
            return Some(Why::LeftOut(out));
        }
        let place = *self.places.get(id)?;
        let chosen = &self.order[place];
        let links = |user: &'_ Chosen| user.links.iter().any(|link| link.id == id);
        let users = self.order.iter().filter(|user| links(user)).collect();
        let waived = self.warnings.iter().filter_map(|warning| match warning {
            Warning::OrderWaived { id: waiting, dependency } if waiting == id => Some(dependency.as_str()),
            _ => None,
        });
        let waived = waived.collect();
        Some(Why::Taken {
            chosen,
            place: place + 1,
            of: self.order.len(),
            users,
            ahead_of: self.ahead_of(place),
            waived,
        })
    }

    /// The plugin whose turn it was when the one at `place` was taken into the order: the first by id of those that are loaded
    /// after it, through others too. `None` where that is the plugin itself.
    fn ahead_of(&self, place: usize) -> Option<&Chosen> {
        let mut waiting = vec![false; self.order.len()];
        waiting[place] = true;
        let mut first = &self.order[place];
        // Who is loaded after another stands behind it.
        for (at, chosen) in self.order.iter().enumerate().skip(place + 1) {
            let mut after = chosen.links.iter().filter(|link| link.order);
            waiting[at] = after.any(|link| self.places.get(&link.id).is_some_and(|before| waiting[*before]));
            if waiting[at] && chosen.id < first.id {
                first = chosen;
            }
        }
        Some(first).filter(|first| first.id != self.order[place].id)
    }
}

/// Why a plugin is where it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Why<'p> {
    /// It is taken.
    Taken {
        /// What is taken of it.
        chosen: &'p Chosen,
        /// The place in the load order, from 1.
        place: usize,
        /// How many are loaded.
        of: usize,
        /// Those that use it, in load order.
        users: Vec<&'p Chosen>,
        /// The plugin whose turn by id it was: this one was put before it, because it is loaded after this one, perhaps through
        /// others. `None` where it was this one's own turn.
        ahead_of: Option<&'p Chosen>,
        /// Its optional dependencies that are not loaded first because they would wait for each other.
        waived: Vec<&'p str>,
    },
    /// It is left out.
    LeftOut(&'p LeftOut),
}

/// `needs ^1`, `can use *`: behind `which` or `because it`.
fn use_of(link: &Link) -> String {
    match &link.kind {
        LinkKind::Needs => format!("needs {}", link.requirement),
        LinkKind::Optional => format!("can use {}", link.requirement),
        LinkKind::Dev => format!("needs {} for its tests", link.requirement),
        LinkKind::AnyOf(name) => format!("needs one of several for {name}, and chose this"),
        LinkKind::Contract(name) => format!("needs the contract {name} {}", link.requirement),
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chosen, place, of, users, ahead_of, waived) = match self {
            Why::LeftOut(out) => {
                write!(f, "{} {} is left out: {}", out.id, out.version, escape(&out.message, 400))?;
                if let Some(at) = &out.at {
                    write!(f, "\nsays {at}")?;
                }
                return match &out.help {
                    Some(help) => write!(f, "\n{}", escape(help, 400)),
                    None => write!(f, "\n{}", out.code().remedy()),
                };
            }
            Why::Taken { chosen, place, of, users, ahead_of, waived } => (chosen, place, of, users, ahead_of, waived),
        };
        let (id, version) = (&chosen.id, &chosen.version);
        write!(f, "{id} {version} is taken, from {}", escape(&chosen.source, 200))?;
        for passed in &chosen.passed_over {
            write!(f, "\nnot {}: {}", passed.version, escape(&passed.why, 400))?;
        }
        for user in users {
            for link in user.links.iter().filter(|link| link.id == *id) {
                write!(f, "\nused by {} {}, which {}", user.id, user.version, use_of(link))?;
            }
        }
        write!(f, "\nloaded as number {place} of {of}, ")?;
        match ahead_of {
            Some(other) => write!(f, "ahead of its id: {} {} is loaded after it", other.id, other.version)?,
            None => f.write_str("in the order of ids")?,
        }
        for link in &chosen.links {
            let used = use_of(link);
            let (id, waived) = (&link.id, waived.contains(&link.id.as_str()));
            match (link.order, waived) {
                (true, _) => write!(f, "\nafter {id}, because it {used}")?,
                (false, true) => write!(f, "\nnot after {id}, although it {used}: they would wait for each other")?,
                (false, false) => write!(f, "\nnot after {id}, although it {used}: its manifest asks for no order")?,
            }
        }
        Ok(())
    }
}
