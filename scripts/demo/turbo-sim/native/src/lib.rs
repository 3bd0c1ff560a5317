//! The native build of turbo-sim: the same arithmetic, in the same order, as `turbo-sim.wat`.

/// The plugin's state: it has none.
struct TurboSim;

impl TurboSim {
    /// One step from `x` towards `target`; never beyond arm's length of it.
    fn advance(&mut self, x: f64, target: f64, dt: f64) -> f64 {
        let gap = target - x;
        let step = dt * (1.0 + 0.25 * gap.abs().sqrt());
        let step = step.min((gap.abs() - 1.0).max(0.0));
        x + step.copysign(gap)
    }
}

modhost_plugin::plugin! {
    state: TurboSim = TurboSim;
    exports {
        fn advance(x, target, dt) => TurboSim::advance;
    }
}
