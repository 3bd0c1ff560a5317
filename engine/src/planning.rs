//! [`Engine::resolver`]: plans for this engine's host, made without loading anything.

use crate::{
    engine::Engine,
    package::Outline,
    resolve::{Candidate, Digest, Resolver},
};

impl Engine {
    /// A resolver for these packages: with the contracts that this host offers, the plugins that are loaded, and the policy's
    /// options. Each package is hashed, so that lockfiles and mod sets know it again. Trust is not looked at: a plugin that a plan
    /// takes may still be refused for it.
    ///
    /// ```
    /// use modhost::{Engine, package::{Caps, discover}, resolve::Lockfile};
    ///
    /// let mods = tempfile::tempdir()?;
    /// std::fs::write(mods.path().join("wolf.lua"), "function howl() end")?;
    ///
    /// let engine = Engine::builder().build()?;
    /// let packages: Vec<_> = discover(mods.path(), &Caps::default())?.into_iter().flatten().collect();
    /// let plan = engine.resolver(&packages).plan();
    /// assert_eq!(plan.to_string(), "wolf 0.0.0");
    /// assert!(Lockfile::of(&plan).to_string().contains("digest = \"sha256:"));
    /// assert!(engine.plugins().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn resolver<P: AsRef<Outline>>(&self, packages: &[P]) -> Resolver {
        let candidate = |one: &Outline| Candidate::of(one).with_digest(Digest::of(one));
        let candidates = packages.iter().map(|one| candidate(one.as_ref())).collect();
        let mut resolver = Resolver::new(candidates).options(self.policy().resolve.clone());
        for contract in self.contracts() {
            if let Some(version) = self.inner().registry.offers(&contract.name) {
                resolver = resolver.contract(&contract.name, version.clone());
            }
        }
        resolver.with_loaded(self.inner().standing())
    }
}
