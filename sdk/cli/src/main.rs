//! The `modhost` command: reads its words, runs one verb, writes what it answers. Everything else is in the verbs' files.

mod answer;
mod args;
mod audit;
mod backends;
mod bar;
mod bench;
mod check;
mod completions;
mod diagnose;
mod explain;
mod folder;
mod graph;
mod guard;
mod host;
mod inspect;
mod json;
mod kept;
mod key;
mod layout;
mod list;
mod lock;
mod logs;
mod pack;
mod passphrase;
mod resolve;
mod run;
mod set;
mod sign;
mod source;
mod trust;
mod verify;
mod why;

use std::process::ExitCode;

use args::Verb;

fn main() -> ExitCode {
    modhost::worker::entry();
    let json = args::wants_json();
    let status = guard::guarded(json, || {
        guard::interruptible();
        logs::start();
        let answer = match args::read(json) {
            Ok(cli) => match cli.verb {
                Verb::Run(args) => run::run(&args, json),
                Verb::List(args) => list::list(&args, json),
                Verb::Inspect(args) => inspect::inspect(&args, json),
                Verb::Check(args) => check::check(&args, json),
                Verb::Resolve(args) => resolve::resolve(&args, json),
                Verb::Why(args) => why::why(&args, json),
                Verb::Graph(args) => graph::graph(&args, json),
                Verb::Set(args) => set::set(&args, json),
                Verb::Pack(args) => pack::pack(&args, json),
                Verb::Sign(args) => sign::sign(&args, json),
                Verb::Verify(args) => verify::verify(&args, json),
                Verb::Bench(args) => bench::bench(&args, json),
                Verb::Key(args) => key::key(&args, json),
                Verb::Trust(args) => trust::trust(&args, json),
                Verb::Audit(args) => audit::audit(&args, json),
                Verb::Explain(args) => explain::explain(&args, json),
                Verb::Backends => backends::backends(json),
                Verb::Completions(args) => completions::completions(&args, json),
            },
            Err(answer) => answer,
        };
        answer.write()
    });
    ExitCode::from(status)
}
