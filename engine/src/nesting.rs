//! [`Nesting`]: how deep the host's own checks and observers are called within each other. A check may call the engine, and is asked again
//! of what it loads, and of what runs when it sets a trust store; one that does so whenever it is asked would never end. So it is with
//! an observer that is told of what it does. Both are called a question here, an observer's being one without an answer.
//!
//! 1. Each question that a thread asks within another is one deeper, up to [`DEEPEST`]; what would be deeper is refused before it changes
//!    anything. Threads that the engine itself starts to load go on from the depth of the one that started them.
//! 2. After a refusal no further step is taken within the outermost question. Otherwise each level would go on with its other plugins,
//!    down to the same depth again: 16 levels of 10 plugins are 10^16 questions. The questions of steps that were taken are still asked.
//! 3. A check that hands such a step to a thread of its own, and waits for it, has no depth that this thread could know. So the questions
//!    that one engine asks at a time are counted, too; beyond [`MOST`] of them every step is refused until all are answered.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use crate::error::{Code, Error, Result, Stage};

/// How many questions may be asked within each other.
const DEEPEST: u32 = 16;
/// How many questions one engine may ask at a time: far more than threads load.
const MOST: usize = 1024;

thread_local! {
    static HERE: RefCell<Nesting> = const { RefCell::new(Nesting { depth: 0, chain: None }) };
}

/// Where a thread stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nesting {
    depth: u32,
    /// Whether anything was refused, for all that is asked within one outermost question.
    chain: Option<Arc<AtomicBool>>,
}

/// All questions of one engine.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    asked: AtomicUsize,
    /// Whether there were too many at a time, and not all of those are answered.
    crowded: AtomicBool,
}

/// Puts the thread back to where it stood.
struct Back(Nesting);

impl Drop for Back {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.0);
        drop(HERE.replace(before));
    }
}

/// A question is answered when this is dropped.
pub(crate) struct Asked<'q> {
    questions: &'q Questions,
    _back: Back,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.questions.asked.fetch_sub(1, SeqCst) == 1 {
            self.questions.crowded.store(false, SeqCst);
        }
    }
}

impl Nesting {
    /// Where this thread stands.
    pub(crate) fn here() -> Self {
        HERE.with_borrow(Clone::clone)
    }

    /// Does `work` on another thread as if it were done there.
    pub(crate) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        let _back = Back(HERE.replace(self));
        work()
    }

    /// Whether one more may be asked within.
    fn has_room(&self) -> bool {
        let Some(chain) = &self.chain else { return true };
        if self.depth >= DEEPEST {
            chain.store(true, SeqCst);
        }
        !chain.load(SeqCst)
    }
}

impl Questions {
    /// Whether a step that leads to questions may be taken.
    ///
    /// # Errors
    /// `host.check-depth`.
    pub(crate) fn may_ask(&self) -> Result<()> {
        if !self.crowded.load(SeqCst) && Nesting::here().has_room() { Ok(()) } else { Err(too_deep()) }
    }

    /// Begins one about a plugin that is to be loaded.
    ///
    /// # Errors
    /// As [`Questions::may_ask`].
    pub(crate) fn ask(&self) -> Result<Asked<'_>> {
        self.may_ask()?;
        Ok(self.go_on())
    }

    /// Begins one that follows from a step which was allowed: that a plugin runs is no reason to refuse it.
    pub(crate) fn go_on(&self) -> Asked<'_> {
        if self.asked.fetch_add(1, SeqCst) >= MOST {
            self.crowded.store(true, SeqCst);
        }
        let Nesting { depth, chain } = Nesting::here();
        let deeper = Nesting { depth: depth.saturating_add(1), chain: chain.or_else(|| Some(Arc::default())) };
        Asked { questions: self, _back: Back(HERE.replace(deeper)) }
    }
}

fn too_deep() -> Error {
    let message = "the host's own checks or observers call the engine, and are called again because of that, without end: this step was refused";
    Error::new(Code::HostCheckDepth, Stage::Admit, message)
}
