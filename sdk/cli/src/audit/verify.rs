//! `modhost audit verify`: whether a log is as it was written.

use modhost::{
    Error, Result, ShowPath as _,
    audit::{self, Expect, PublicKey, Report},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::VerifyLog as Verify,
    diagnose,
    json::{about::raw, body::ErrorBody},
    layout::{Text, columns, count, paragraph, safe},
    source::Sources,
};

/// Verifies.
pub(super) fn verify(args: &Verify, json: bool) -> Answer {
    let keys: Result<Vec<PublicKey>> = args.key.iter().map(PublicKey::read).collect();
    let found = keys.and_then(|keys| audit::verify(&args.file, &Expect { keys, reaches: args.reaches }));
    let report = match found {
        Ok(report) => report,
        Err(error) => return Answer::error(&error, json),
    };
    let failed = report.broken.as_ref().map(audit::Broken::error);
    let status = failed.as_ref().map_or(0, |error| error.code().exit_status());
    if json {
        return Answer::object(status, &Body::of(&report, failed.as_ref()));
    }
    if let Some(error) = &failed {
        diagnose::error(error, &Sources::default());
        return Answer::quiet(status);
    }
    Answer::new(status, page(args, &report))
}

/// What is to be said of a log that is whole.
fn page(args: &Verify, report: &Report) -> Text {
    let width = columns();
    let mut text = Text::default();
    let mut say = |line: String| paragraph(&mut text, "", &line, width);
    let (first, last) = (report.first.unwrap_or_default(), report.last.unwrap_or_default());
    let files = if report.files.len() == 1 { String::new() } else { format!(" in {} files", report.files.len()) };
    say(format!(
        "{}: {} as they were written, number {first} to {last}{files}",
        safe(&args.file.shown()),
        count(usize::try_from(report.records).unwrap_or(usize::MAX), "record"),
    ));
    if first > 0 {
        say(format!("Records before {first} are not there: their files were removed, as full ones are in time."));
    }
    match (report.signed, args.key.is_empty()) {
        (None, _) => say("It has no checkpoint: whoever can write the file could have made all of it anew.".into()),
        (Some(signed), given) => {
            let keys: Vec<String> = report.keys.iter().map(ToString::to_string).collect();
            let whose = if given { "a key that you did not give" } else { "the key" };
            say(format!("Signed up to record {signed} with {whose}: {}", keys.join(", ")));
        }
    }
    for number in &report.rotated {
        say(format!("Record {number} names the key that followed, and is signed by the key before."));
    }
    if !report.closed {
        say("It was not closed: it is being written, its process died, or its end was cut off.".into());
    }
    if let Some(number) = report.went_back {
        say(format!("The date of record {number} is before that of the one before: a clock was set back."));
    }
    text
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    /// The number of the record that is not as it was written, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    files: Vec<String>,
    records: u64,
    first: Option<u64>,
    last: Option<u64>,
    signed: Option<u64>,
    checkpoints: u64,
    keys: Vec<String>,
    rotated: Vec<u64>,
    closed: bool,
    clock_went_back: Option<u64>,
}

impl<'a> Body<'a> {
    fn of(report: &Report, error: Option<&'a Error>) -> Self {
        Body {
            ok: error.is_none(),
            error: error.map(Into::into),
            record: report.broken.as_ref().and_then(|broken| broken.sequence),
            files: report.files.iter().map(|file| raw(file)).collect(),
            records: report.records,
            first: report.first,
            last: report.last,
            signed: report.signed,
            checkpoints: report.checkpoints,
            keys: report.keys.iter().map(ToString::to_string).collect(),
            rotated: report.rotated.clone(),
            closed: report.closed,
            clock_went_back: report.went_back,
        }
    }
}
