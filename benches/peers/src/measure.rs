//! `peers measure`: what a program takes together with every process that it starts.
//!
//! It adopts the children that a program leaves behind, as the Java process of `PySpark` is, and
//! ends when the last has ended; so the account that the system keeps of its children is that of
//! the program and of nothing else. Memory is that of the largest process.

use crate::Outcome;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at the program.
const PAUSE: Duration = Duration::from_millis(2);
/// How long those may take to end that a program has left behind.
const AFTERMATH_MAX: Duration = Duration::from_secs(20);

/// `measure <log> <seconds at most> <program> <args>..`; prints `measured <ended well> <CPU s>
/// <wall s> <MiB>`.
pub(crate) fn run(args: &[String]) -> Outcome {
    let [log, seconds, program, args @ ..] = args else {
        return Err("expected `measure <log> <seconds at most> <program> <args>..`".into());
    };
    let limit = Duration::from_secs(seconds.parse()?);
    set_child_subreaper(true)?;
    let log = File::create(log)?;
    let start = Instant::now();
    // A group of its own, so that all of it can be ended.
    let child = Command::new(program)
        .args(args)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map_err(|error| format!("could not start `{program}`: {error}"))?;
    let child = Pid::from_raw(i32::try_from(child.id())?);

    let (mut ended, mut deadline) = (None, start + limit);
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => break,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Ok(status) if status.pid() == Some(child) => {
                ended = Some((matches!(status, WaitStatus::Exited(_, 0)), start.elapsed()));
                deadline = Instant::now() + AFTERMATH_MAX;
            }
            Ok(_) => {}
        }
        if Instant::now() > deadline {
            // There may be none left by now.
            killpg(child, Signal::SIGKILL).or_else(|error| match error {
                Errno::ESRCH => Ok(()),
                other => Err(other),
            })?;
            deadline = Instant::now() + AFTERMATH_MAX;
        }
    }
    let (well, wall) = ended.ok_or("the program has never ended")?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_s: f64 = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
        .iter()
        .sum();
    let mib = usage.max_rss() as f64 / 1024.0;
    println!("measured {} {cpu_s} {} {mib}", u8::from(well), wall.as_secs_f64());
    Ok(())
}
