//! Spans: one for each stage, with the stable fields, nested as the stages are; and printed lines as events.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use modhost::Engine;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

type Fields = BTreeMap<&'static str, String>;

/// Keeps every span with its fields, and every event.
#[derive(Clone)]
struct Recorder {
    most: Level,
    spans: Arc<Mutex<Vec<(&'static str, Fields)>>>,
    events: Arc<Mutex<Vec<(Level, Fields)>>>,
    entered: Arc<AtomicU64>,
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        *about.level() <= self.most
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::new();
        span.record(&mut Reader(&mut fields));
        let mut spans = self.spans.lock().unwrap();
        spans.push((span.metadata().name(), fields));
        span::Id::from_u64(spans.len() as u64)
    }
    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Reader(&mut self.spans.lock().unwrap()[span.into_u64() as usize - 1].1));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        if event.metadata().target() == "modhost::output" {
            self.events.lock().unwrap().push((*event.metadata().level(), fields));
        }
    }
    fn enter(&self, _: &span::Id) {
        self.entered.fetch_add(1, Relaxed);
    }
    fn exit(&self, _: &span::Id) {
        self.entered.fetch_sub(1, Relaxed);
    }
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.most.into())
    }
}

impl Recorder {
    fn new(most: Level) -> Self {
        let (spans, events, entered) = Default::default();
        Recorder { most, spans, events, entered }
    }
}

/// Loads a plugin, calls it well and badly, and tells the spans and the printed lines.
fn recorded(most: Level) -> Recorder {
    let recorder = Recorder::new(most);
    tracing::subscriber::with_default(recorder.clone(), || {
        let engine = Engine::builder().log().build().unwrap();
        let source =
            "log.debug('quiet') function run() print('loud') log.error('red') end function bad() error('x') end";
        let plugin = engine.load_source("wolf.lua", source).unwrap();
        engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap();
        engine.call::<_, ()>(&mut (), plugin, "bad", ()).unwrap_err();
        engine.load_source("broken.lua", "this is not Lua").unwrap_err();
    });
    assert_eq!(recorder.entered.load(Relaxed), 0, "each span that was entered was left");
    recorder
}

#[test]
fn each_stage_has_its_span_and_its_fields() {
    let recorder = recorded(Level::DEBUG);
    let spans = recorder.spans.lock().unwrap();
    let names: Vec<_> = spans.iter().map(|(name, _)| *name).collect();
    let wolf = ["open", "vet", "resolve", "admit", "load", "call", "call"];
    assert_eq!(names, [&wolf[..], &["open", "vet", "resolve", "admit", "load"]].concat());
    let has = |at: usize, names: &[&str]| {
        let (name, fields) = &spans[at];
        assert_eq!(fields.keys().copied().filter(|name| *name != "stage").collect::<Vec<_>>(), names, "{name}");
    };
    has(0, &["plugin"]);
    has(1, &["plugin", "version"]);
    has(3, &["backend", "plugin", "trust", "version"]);
    for at in [4, 5, 6, 11] {
        has(at, &["backend", "fuel", "plugin", "trust", "version"]);
    }
    let call = &spans[5].1;
    let row = ["plugin", "version", "backend", "trust", "stage"].map(|name| call[name].as_str());
    assert_eq!(row, ["wolf", "0.0.0", "lua", "untrusted", "call"]);
    assert!(call["fuel"].parse::<u64>().unwrap() > 0 && spans[4].1["fuel"].parse::<u64>().unwrap() > 0);
    assert_eq!(spans[7].1["plugin"], "broken.lua");
    assert_eq!(spans[11].1["plugin"], "broken");
}

#[test]
fn calls_have_no_span_at_the_level_of_information() {
    let recorder = recorded(Level::INFO);
    assert!(recorder.spans.lock().unwrap().iter().all(|(name, _)| *name != "call"));
}

#[test]
fn lines_are_events_at_their_own_level() {
    let recorder = recorded(Level::TRACE);
    let events = recorder.events.lock().unwrap();
    let lines: Vec<_> =
        events.iter().map(|(level, fields)| (*level, fields["plugin"].as_str(), fields["message"].as_str())).collect();
    let expected = [(Level::DEBUG, "wolf", "quiet"), (Level::INFO, "wolf", "loud"), (Level::ERROR, "wolf", "red")];
    assert_eq!(lines, expected);
}

/// A subscriber of this thread only hears of what other threads load for it.
#[test]
fn several_threads_load_in_the_spans_of_the_one_that_asked() {
    let area = tempfile::tempdir().unwrap();
    for name in ["a.lua", "b.lua", "c.lua"] {
        std::fs::write(area.path().join(name), "print('here')").unwrap();
    }
    let recorder = Recorder::new(Level::INFO);
    let loading = Engine::builder().build().unwrap().loading().dir(area.path()).threads(3);
    let mods = tracing::subscriber::with_default(recorder.clone(), || loading.load().unwrap());
    assert_eq!(mods.loaded.len(), 3);
    let (spans, events) = (recorder.spans.lock().unwrap(), recorder.events.lock().unwrap());
    let mut loads: Vec<_> =
        spans.iter().filter(|(name, _)| *name == "load").map(|(_, of)| of["plugin"].as_str()).collect();
    loads.sort_unstable();
    assert_eq!((loads, events.len()), (vec!["a", "b", "c"], 3));
    assert_eq!(recorder.entered.load(Relaxed), 0);
}
