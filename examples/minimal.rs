//! A limited, permissioned call into a mod: `cargo run --example minimal`.

#![allow(clippy::print_stdout)]

use modhost::prelude::*;

fn main() -> modhost::Result<()> {
    modhost::worker::entry();
    let mut score = 0_i64;
    let engine = Engine::builder().function("game.score", |score: &mut i64, points: i64| *score += points).build()?;
    let hunt = engine.load_source("hunt.lua", "function kill(n) game.score(10 * n) return `{n} wolves` end")?;
    let report: String = engine.call(&mut score, hunt, "kill", (3,))?;
    println!("{report}, {score} points");
    Ok(())
}
