//! A host that runs on while its trust store changes: `cargo run --example revocation -- trust.toml acme.wolf-1.0.0.modpkg`. Each line on
//! standard input makes it read the store again.

#![allow(clippy::print_stdout)]

use std::{
    env,
    io::{self, BufRead},
};

use modhost::{Engine, verify::StoreFile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let (Some(store), Some(package)) = (words.next(), words.next()) else {
        return Err("usage: revocation STORE PACKAGE".into());
    };
    // It remembers the generation that it read: an older store is refused.
    let store = StoreFile::new(store);
    let engine = Engine::builder().trust_store(store.load()?).build()?;
    let plugin = engine.load_path(package)?;
    engine.enable_plugin(&mut (), plugin)?;
    tell(&engine);
    for line in io::stdin().lock().lines() {
        line?;
        let rechecked = match store.load().and_then(|store| engine.set_trust_store(store)) {
            Ok(rechecked) => rechecked,
            // The store that there was goes on to count.
            Err(error) => {
                println!("the trust store is not taken: {error}");
                continue;
            }
        };
        for (_, error) in &rechecked.quarantined {
            println!("quarantined: {error}");
        }
        for (_, name, warning) in &rechecked.warned {
            println!("warning: {name}: {warning}");
        }
        tell(&engine);
    }
    Ok(())
}

fn tell(engine: &Engine) {
    for plugin in engine.plugins() {
        println!("{} {} is {}, {} ({})", plugin.name, plugin.version, plugin.state, plugin.trust, plugin.vouched);
    }
}
