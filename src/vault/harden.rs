//! Keeps what a process holds in memory out of core files and away from debuggers of the same user.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core dumps, and no attaching, for this process and for good. Call it before the first key is read.
/// What the system refuses is logged and is no reason to stop.
pub fn harden_process() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(e) = setrlimit(Resource::Core, none) {
        tracing::warn!(error = %e, "core dumps could not be switched off");
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(e) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(error = %e, "this process could not be made undumpable");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    #[test]
    fn nothing_is_dumped() {
        harden_process();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
