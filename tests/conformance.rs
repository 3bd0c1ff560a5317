//! Every case of `scripts/conformance/` against every backend.

use std::{path::Path, sync::Arc};

use modhost_backend::Backend;
use modhost_testkit::conformance::{self, Outcome};

fn backends() -> Vec<(Arc<dyn Backend>, &'static str)> {
    vec![
        (Arc::new(modhost_lua::LuaBackend::new()), "lua"),
        (Arc::new(modhost_rhai::RhaiBackend::new()), "rhai"),
        (Arc::new(modhost_wasm::WasmBackend::new()), "wat"),
    ]
}

#[test]
fn every_backend_behaves_as_the_suite_says() {
    let cases = conformance::cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/conformance")).unwrap();
    assert!(cases.len() >= 35, "the suite shrank to {} cases", cases.len());
    let reports: Vec<_> =
        backends().iter().map(|(backend, ending)| conformance::run(backend, ending, &cases)).collect();
    for report in &reports {
        println!("{report}");
    }
    let failures: Vec<String> = reports.iter().flat_map(|report| report.failures()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for report in &reports {
        let diverged = report.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Diverged).count();
        assert!(diverged <= 10, "{} diverges {diverged} times", report.kind);
    }
}
