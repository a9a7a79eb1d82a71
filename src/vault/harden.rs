//! Keeps what a process holds in memory out of core files, out of swap, and away from debuggers of the same user.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the system lets this process do against its memory reaching a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// No core file is written.
    pub no_core: bool,
    /// No debugger of this user may attach, and `/proc/PID/mem` is root's.
    pub undumpable: bool,
    /// The pages of keys stay out of swap.
    pub keys_locked: bool,
    /// So does everything else.
    pub all_locked: bool,
}

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

/// May a page be locked into memory? Tried on one.
#[must_use]
pub fn lockable() -> bool {
    let probe = Box::new([0u8; 64]);
    region::lock(probe.as_ptr(), probe.len()).is_ok()
}

/// Locks all memory of this process, now and later, if whoever runs it lifted the limit on that (`LimitMEMLOCK=infinity`,
/// `ulimit -l unlimited`). Under any other limit an allocation would fail one day, and a proxy must not fall over; the keys'
/// own pages are locked in any case. `true`: locked.
pub fn lock_all() -> bool {
    if getrlimit(Resource::Memlock).current.is_some() {
        return false;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
            Ok(()) => return true,
            Err(e) => tracing::warn!(error = %e, "memory could not be locked, though its limit is lifted"),
        }
    }
    false
}

/// How this process stands.
#[must_use]
pub fn hardening() -> Hardening {
    #[cfg(target_os = "linux")]
    let undumpable = {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        dumpable_behavior().is_ok_and(|b| b == DumpableBehavior::NotDumpable)
    };
    #[cfg(not(target_os = "linux"))]
    let undumpable = false;
    Hardening {
        no_core: getrlimit(Resource::Core).current == Some(0),
        undumpable,
        keys_locked: lockable(),
        all_locked: getrlimit(Resource::Memlock).current.is_none(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn nothing_is_dumped() {
        harden_process();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let now = hardening();
        assert!(now.no_core && now.undumpable);
        assert_eq!(now.keys_locked, lockable());
    }
}
