//! [`Enforcement`]: what a backend can promise. Policy compares it; nothing selects a backend by name.

use std::fmt;

/// How well one limit holds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Guarantee {
    /// Not at all.
    None,
    /// It stops what exceeds it, but late or by a bound computed from sizes.
    Approximate,
    /// To the unit; also where the backend offers guests no way to use the resource at all.
    Exact,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Guarantee::None => "no",
            Guarantee::Approximate => "approximate",
            Guarantee::Exact => "exact",
        })
    }
}

/// What separates the guest from the host.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Isolation {
    /// Nothing: guest code runs with the host's memory and rights.
    SharedMemory,
    /// An interpreter: the guest reaches only what it is given.
    Sandbox,
    /// A process of its own, confined by the kernel.
    Process,
    /// A container of its own.
    Container,
}

impl Isolation {
    /// Whether this separates guest and host as well as `demanded` asks. THE rule of comparison: what reaches further
    /// satisfies less, and a sandbox satisfies `process` and `container` too. Those two confine code that has the host's
    /// memory and system calls at hand; a script or a WebAssembly module has neither to begin with. Native code has both,
    /// so that only a process or a container of its own will do.
    ///
    /// ```
    /// use modhost_backend::Isolation;
    ///
    /// assert!(Isolation::Sandbox.satisfies(Isolation::Container));
    /// assert!(!Isolation::SharedMemory.satisfies(Isolation::Process));
    /// assert!(!Isolation::Process.satisfies(Isolation::Container));
    /// ```
    #[must_use]
    pub fn satisfies(self, demanded: Isolation) -> bool {
        self >= demanded || self == Isolation::Sandbox
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Isolation::SharedMemory => "shared memory",
            Isolation::Sandbox => "sandbox",
            Isolation::Process => "process",
            Isolation::Container => "container",
        })
    }
}

/// What a backend can promise (or what a policy demands), limit by limit.
///
/// ```
/// use modhost_backend::{Enforcement, Guarantee};
///
/// let rhai = Enforcement { memory: Guarantee::Approximate, ..Enforcement::SANDBOX };
/// let demanded = Enforcement { memory: Guarantee::Approximate, ..Enforcement::NOTHING };
/// assert!(rhai.suffices(&demanded));
/// assert_eq!(Enforcement::NOTHING.lacks(&demanded), ["memory: needs approximate, has no"]);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Enforcement {
    /// Fuel.
    pub instructions: Guarantee,
    /// Bytes the guest holds.
    pub memory: Guarantee,
    /// A running call can be ended from outside (deadline, cancel).
    pub interrupt: Guarantee,
    /// Depth of guest frames.
    pub call_depth: Guarantee,
    /// Size and depth of crossing values.
    pub values: Guarantee,
    /// Bytes printed.
    pub output: Guarantee,
    /// Files the guest holds open.
    pub open_files: Guarantee,
    /// Network connections.
    pub connections: Guarantee,
    /// Threads.
    pub threads: Guarantee,
    /// Bytes stored on disk.
    pub storage: Guarantee,
    /// Share of a processor over time.
    pub cpu_share: Guarantee,
    /// What separates guest and host.
    pub isolation: Isolation,
    /// Whether a call can be suspended in a pending host function and go on later.
    pub suspend: bool,
}

impl Enforcement {
    /// Promises nothing, or demands nothing.
    pub const NOTHING: Enforcement = Enforcement {
        instructions: Guarantee::None,
        memory: Guarantee::None,
        interrupt: Guarantee::None,
        call_depth: Guarantee::None,
        values: Guarantee::None,
        output: Guarantee::None,
        open_files: Guarantee::None,
        connections: Guarantee::None,
        threads: Guarantee::None,
        storage: Guarantee::None,
        cpu_share: Guarantee::None,
        isolation: Isolation::SharedMemory,
        suspend: false,
    };

    /// An interpreter that holds every limit and offers no files, network, threads or storage. A share of the processor
    /// over time is not enforced by any backend yet.
    pub const SANDBOX: Enforcement = Enforcement {
        instructions: Guarantee::Exact,
        memory: Guarantee::Exact,
        interrupt: Guarantee::Exact,
        call_depth: Guarantee::Exact,
        values: Guarantee::Exact,
        output: Guarantee::Exact,
        open_files: Guarantee::Exact,
        connections: Guarantee::Exact,
        threads: Guarantee::Exact,
        storage: Guarantee::Exact,
        cpu_share: Guarantee::None,
        isolation: Isolation::Sandbox,
        suspend: false,
    };

    /// The guarantees by name, in the order of the enforcement table.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, Guarantee); 11] {
        [
            ("instructions", self.instructions),
            ("memory", self.memory),
            ("interrupt", self.interrupt),
            ("call depth", self.call_depth),
            ("values", self.values),
            ("output", self.output),
            ("open files", self.open_files),
            ("connections", self.connections),
            ("threads", self.threads),
            ("storage", self.storage),
            ("cpu share", self.cpu_share),
        ]
    }

    /// Whether this promises at least what `demanded` asks; for isolation by [`Isolation::satisfies`].
    #[must_use]
    pub fn suffices(&self, demanded: &Enforcement) -> bool {
        self.lacks(demanded).is_empty()
    }

    /// What of `demanded` this does not promise, a phrase each; empty when it suffices.
    #[must_use]
    pub fn lacks(&self, demanded: &Enforcement) -> Vec<String> {
        let mut lacks: Vec<String> = self
            .rows()
            .iter()
            .zip(demanded.rows())
            .filter(|((_, has), (_, needs))| has < needs)
            .map(|((name, has), (_, needs))| format!("{name}: needs {needs}, has {has}"))
            .collect();
        if !self.isolation.satisfies(demanded.isolation) {
            lacks.push(format!("isolation: needs {}, has {}", demanded.isolation, self.isolation));
        }
        if demanded.suspend && !self.suspend {
            lacks.push("suspend: needs yes, has no".into());
        }
        lacks
    }
}
