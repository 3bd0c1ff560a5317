//! What trust is worth: [`Policy`] as plain data, and [`admit`], which compares it with what the backends enforce.

mod admit;
mod calibration;
mod capabilities;
mod file;
mod group_limits;
mod level;
mod limit_set;
#[allow(clippy::module_inception)]
mod policy;
mod preset;
mod trust;

pub use admit::Admission;
pub(crate) use admit::admit;
pub use calibration::Calibration;
pub use capabilities::Capabilities;
pub(crate) use group_limits::check_group_name;
pub use group_limits::{GroupBy, GroupLimits};
pub use level::{Level, Overrides};
pub use limit_set::LimitSet;
pub use policy::Policy;
pub use trust::TrustLevel;
