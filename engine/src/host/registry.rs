//! [`Registry`]: the host functions of one engine, by contract.

use std::{collections::BTreeMap, sync::Arc};

use modhost_abi::{Contract, Function};
use semver::Version;

use super::{HostFunction, closure::Erased, pending::ErasedBegin};
use crate::error::{Code, Error, Result, Stage};

/// The version of a contract that the host did not number.
static FIRST: Version = Version::new(1, 0, 0);

/// A host function whose names were checked.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(super) described: Function,
    pub(super) call: Arc<Erased>,
    pub(super) begin: Option<Arc<ErasedBegin>>,
}

/// The host functions of one engine, by contract.
#[derive(Default)]
pub(crate) struct Registry {
    /// By full name.
    functions: BTreeMap<String, Registered>,
    versions: BTreeMap<String, Version>,
}

impl Registry {
    pub(crate) fn add(&mut self, function: &HostFunction) -> Result<()> {
        let described = function.describe()?;
        // In script languages the parts of a name are tables: one name cannot be a function and a table at once.
        let clash =
            self.functions.keys().find(|other| within(other, &described.name) || within(&described.name, other));
        if let Some(other) = clash {
            let message = format!("the host functions `{other}` and `{}` cannot stand side by side", described.name);
            return Err(Error::new(Code::ManifestName, Stage::Engine, message));
        }
        let registered = Registered { described, call: function.call.clone(), begin: function.begin.clone() };
        self.functions.insert(registered.described.name.clone(), registered);
        Ok(())
    }

    pub(crate) fn version(&mut self, contract: &str, version: &str) -> Result<()> {
        let version = Version::parse(version).map_err(|error| {
            let message = format!("contract `{contract}`: `{}` is no version: {error}", version.escape_debug());
            Error::new(Code::ManifestVersion, Stage::Engine, message)
        })?;
        self.versions.insert(contract.into(), version);
        Ok(())
    }

    /// The version of `contract`, if this host offers it.
    pub(crate) fn offers(&self, contract: &str) -> Option<&Version> {
        self.versions.get(contract).or_else(|| self.of(contract).next().map(|_| &FIRST))
    }

    /// The functions of one contract.
    pub(super) fn of<'a>(&'a self, contract: &'a str) -> impl Iterator<Item = &'a Registered> {
        self.functions
            .range(contract.to_owned()..)
            .map(|(_, function)| function)
            .filter(move |function| contract_of(&function.described) == contract)
    }

    /// Every function.
    pub(super) fn all(&self) -> impl Iterator<Item = &Registered> {
        self.functions.values()
    }

    /// Every contract with its functions.
    pub(crate) fn contracts(&self) -> Vec<Contract> {
        let mut contracts: BTreeMap<&str, Vec<Function>> =
            self.versions.keys().map(|name| (name.as_str(), Vec::new())).collect();
        for function in self.all() {
            contracts.entry(contract_of(&function.described)).or_default().push(function.described.clone());
        }
        contracts
            .into_iter()
            .map(|(name, functions)| {
                let version = self.offers(name).unwrap_or(&FIRST).to_string();
                Contract { name: name.into(), version, functions }
            })
            .collect()
    }
}

/// The contract of a function: its name up to the first dot.
pub(super) fn contract_of(function: &Function) -> &str {
    function.name.split('.').next().unwrap_or_default()
}

/// Whether `name` is `prefix` or inside it.
fn within(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
