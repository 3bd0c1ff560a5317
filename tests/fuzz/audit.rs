//! Audit logs: what somebody makes of one with some edits, or bytes that never were one. Reading gives records or an error, never a panic;
//! and no log that was edited is verified with its key, unless it was only cut after a checkpoint.

use std::{fs, sync::Arc};

use modhost::{
    Engine,
    audit::{Durability, Expect, FileLog, FileOptions, read, verify},
};

use crate::Play;

/// Does the edits that `bytes` mean, four bytes each: what, where and with what.
fn edited(log: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut log = log.to_vec();
    for edit in bytes.as_chunks::<4>().0.iter().take(4) {
        let [what, high, low, with] = *edit;
        let at = usize::from(u16::from_be_bytes([high, low])) % (log.len() + 1);
        let to = (at + usize::from(with)).min(log.len());
        match what % 8 {
            0 if at < log.len() => log[at] ^= 1 << (with % 8),
            1 if at < log.len() => log[at] = with,
            2 => log.insert(at, with),
            3 => drop(log.drain(at..to)),
            4 => log.truncate(at),
            5 => log.extend_from_within(at..to),
            6 => {
                let part = log[at..to].to_vec();
                log.splice(at..at, part);
            }
            _ => {
                // Lines are what somebody would move.
                let mut lines: Vec<Vec<u8>> = log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let (one, other) = (usize::from(low) % lines.len(), usize::from(with) % lines.len());
                    lines.swap(one, other);
                }
                log = lines.concat();
            }
        }
    }
    log
}

pub(crate) fn start() -> Play {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("audit.jsonl");
    let mut options = FileOptions::default();
    options.key = Some(area.path().join("audit.key"));
    (options.every, options.durability) = (3, Durability::Never);
    let log = FileLog::open_with(&path, options.clone()).unwrap();
    options.key = None;
    let expect = Expect { keys: log.public_key().into_iter().collect(), reaches: None };
    let engine = Engine::builder().audit(Arc::new(log)).build().unwrap();
    for name in ["wolf.lua", "fox.lua", "(.lua"] {
        let _ = engine.load_source(name, "function on_load() error('no') end");
    }
    drop(engine);
    let good = fs::read(&path).unwrap();
    Box::new(move |bytes| {
        let text = match bytes.split_first() {
            Some((byte, rest)) if byte % 8 == 0 => rest.to_vec(),
            Some((_, rest)) => edited(&good, rest),
            None => Vec::new(),
        };
        // Not written over, which some file systems wait for the disk for; and its folder lives as long as this does.
        let path = area.path().join("audit.jsonl");
        let _ = fs::remove_file(&path);
        fs::write(&path, &text).unwrap();
        let report = verify(&path, &expect).map_err(|error| error.to_string())?;
        let records = read(&path).map_err(|error| error.to_string())?.count();
        let opened = FileLog::open_with(&path, options.clone()).map(drop).map_err(|error| error.code());
        let whole = verify(&path, &Expect::default()).map_err(|error| error.to_string())?;
        if opened.is_ok() && report.broken.is_none() && whole.broken.is_some() {
            return Err(format!("a good log was broken by being gone on with: {:?}", whole.broken));
        }
        match report.broken {
            None if !good.starts_with(&text) => Err(format!("{records} records of a changed log pass for good")),
            None => Ok(format!("good, {records} records")),
            Some(broken) => {
                let flaw = format!("{:?}", broken.flaw);
                Ok(format!("{}, opened {opened:?}", flaw.split('(').next().unwrap_or_default()))
            }
        }
    })
}
