//! `import`: the other files of a plugin. [`link`] finds them before anything runs, in the vetted set and nowhere else, and
//! refuses circles; [`Modules`] gives Rhai what has run. Nothing is loaded at run time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use modhost_backend::{Fault, FaultKind, LoadRequest, Place, Resource};
use rhai::{AST, Dynamic, Engine, EvalAltResult, ModuleResolver, Position, Scope, Shared};

use crate::{
    cost::Cost,
    host, limits,
    source::{self, Import, Inserted, Prepared},
};

/// Bytes of source that one unit of fuel pays for.
const BYTES_PER_FUEL: usize = 16;
/// The name under which a file imports its own constants; no path of a plugin's file.
const OWN: &str = "";
/// The ending of a file of Rhai.
const ENDINGS: [&str; 1] = [".rhai"];

/// One file, ready to be parsed.
pub(crate) struct Source {
    /// Its path in the plugin.
    pub(crate) path: String,
    /// What the parser sees.
    pub(crate) text: String,
    /// How that differs from the author's text.
    pub(crate) inserted: Inserted,
    /// What it imports: name as written, alias, path.
    imports: Vec<(Import, String)>,
}

/// The entry and all files that it needs, each after those that it imports; and what they cost.
pub(crate) fn link(request: &LoadRequest<'_>) -> Result<(Vec<Source>, Cost), Fault> {
    let arguments = host::most_arguments(&request.host).max(limits::QUALIFIED_ARGUMENTS);
    let mut linker = Linker {
        request,
        arguments,
        bytes: 0,
        cost: Cost::default(),
        begun: Vec::new(),
        known: BTreeSet::new(),
        done: Vec::new(),
    };
    linker.file(request.entry)?;
    Ok((linker.done, linker.cost))
}

struct Linker<'a> {
    request: &'a LoadRequest<'a>,
    arguments: usize,
    /// Of all files so far.
    bytes: usize,
    /// Of all files so far.
    cost: Cost,
    /// The files that import the present one, from the entry on.
    begun: Vec<String>,
    known: BTreeSet<String>,
    done: Vec<Source>,
}

impl Linker<'_> {
    /// Links `path`. It is nested as deeply as files import one another, which [`limits::IMPORTS`] bounds.
    fn file(&mut self, path: &str) -> Result<(), Fault> {
        let Prepared { text, inserted, imports, cost } = self.read(path)?;
        self.cost.add(&cost);
        if let Some(message) = self.cost.refusal() {
            return Err(Fault::compile(message).at(Place::file(path)));
        }
        if self.cost.memory() > self.request.meter.limits().memory {
            return Err(self.request.meter.exceeded(Resource::Memory).at(Place::file(path)));
        }
        self.known.insert(path.into());
        self.begun.push(path.into());
        let mut found = Vec::with_capacity(imports.len());
        for import in imports {
            let target = self.import(path, &import).map_err(|fault| {
                let (line, column) = import.at;
                fault.at(Place { file: path.into(), line: Some(line), column: Some(column) })
            })?;
            if !self.known.contains(&target) {
                self.file(&target)?;
            }
            found.push((import, target));
        }
        self.begun.pop();
        self.done.push(Source { path: path.into(), text, inserted, imports: found });
        Ok(())
    }

    fn read(&mut self, path: &str) -> Result<Prepared, Fault> {
        let meter = &self.request.meter;
        let text = self.request.files.text(path, meter.limits().source)?;
        self.bytes += text.len();
        if self.bytes > limits::SOURCE {
            let message = format!("the plugin's files have {} bytes, Rhai takes {}", self.bytes, limits::SOURCE);
            return Err(Fault::compile(message).at(Place::file(path)));
        }
        meter.spend((text.len() / BYTES_PER_FUEL + 1) as u64)?;
        source::prepare(text, self.arguments)
            .map_err(|refused| Fault::compile(refused.message).at(Place::line(path, refused.line)))
    }

    /// The path of an import.
    fn import(&self, path: &str, import: &Import) -> Result<String, Fault> {
        let target = self.request.files.resolve(&import.name, path, &ENDINGS)?;
        if let Some(first) = self.begun.iter().position(|begun| *begun == target) {
            let path = self.begun[first..].iter().cloned().chain([target]).collect();
            return Err(Fault::new(FaultKind::ImportCycle { path }));
        }
        let most = limits::IMPORTS;
        if !self.known.contains(&target) && self.known.len() > most {
            return Err(Fault::compile(format!("a plugin imports at most {most} files")));
        }
        Ok(target)
    }
}

/// The constants of a file's top level.
pub(crate) fn constants(scope: &Scope<'_>) -> rhai::Module {
    let mut module = rhai::Module::new();
    // The scope is read from its newest variable back; of constants with one name the newest holds.
    for (name, constant, value) in scope.iter_raw() {
        if constant && !module.contains_var(name) {
            module.set_var(name, value.flatten_clone());
        }
    }
    module
}

type Module = Shared<rhai::Module>;

/// What the files of one plugin are to each other. Rhai asks it at each `import` that runs.
#[derive(Clone, Default)]
pub(crate) struct Modules(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    /// By file.
    modules: BTreeMap<String, Module>,
    /// By the file that imports and the name that it writes: the file.
    paths: BTreeMap<(String, String), String>,
    /// Who imports what, as which alias; in the order of the source.
    aliases: Vec<(String, String, String)>,
    /// Of the file that has just run.
    constants: Option<Module>,
}

/// Takes the constants of the file that runs, see [`Modules::register`]. Rhai reserves the symbol and never uses it; where
/// a plugin writes it, it has no effect.
const TAKE: &str = "<-";

impl Modules {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `engine` import what is added here. The result goes to the end of each file that is imported: its functions find
    /// its constants in `global` by that, and not the entry's.
    pub(crate) fn register(&self, engine: &mut Engine) -> Result<AST, Fault> {
        engine.set_module_resolver(self.clone());
        let modules = self.clone();
        let taken = engine.register_custom_syntax([TAKE], false, move |context, _| {
            let mut constants = constants(context.scope());
            constants.build_index();
            modules.table().constants = Some(constants.into());
            Ok(Dynamic::UNIT)
        });
        taken.map_err(|error| Fault::bug(format!("Rhai refuses `{TAKE}`: {error}")))?;
        let tail = engine.compile(format!("{TAKE}; import \"{OWN}\" as global;"));
        tail.map_err(|error| Fault::bug(format!("Rhai refuses the end of a file: {error}")))
    }

    /// Lets `source` import what it was linked with.
    pub(crate) fn allow(&self, source: &Source) {
        let mut table = self.table();
        for (import, target) in &source.imports {
            table.paths.insert((source.path.clone(), import.name.clone()), target.clone());
            table.aliases.push((source.path.clone(), import.alias.clone(), target.clone()));
        }
    }

    /// `path` has run.
    pub(crate) fn add(&self, path: &str, module: Module) {
        self.table().modules.insert(path.into(), module);
    }

    /// The modules that `path` imports, by alias; of two with one alias the later one comes later.
    pub(crate) fn of(&self, path: &str) -> Vec<(String, Module)> {
        let table = self.table();
        let own = table.aliases.iter().filter(|(from, ..)| from == path);
        own.filter_map(|(_, alias, target)| Some((alias.clone(), table.modules.get(target)?.clone()))).collect()
    }
}

impl ModuleResolver for Modules {
    fn resolve(
        &self,
        _: &Engine,
        source: Option<&str>,
        name: &str,
        position: Position,
    ) -> Result<Module, Box<EvalAltResult>> {
        let mut table = self.table();
        if name == OWN
            && let Some(constants) = table.constants.take()
        {
            return Ok(constants);
        }
        let path = source.and_then(|source| table.paths.get(&(source.to_owned(), name.to_owned())));
        let module = path.and_then(|path| table.modules.get(path)).cloned();
        module.ok_or_else(|| EvalAltResult::ErrorModuleNotFound(name.into(), position).into())
    }
}
