//! A server that speaks S3, for as long as a command needs it: `moto`, of Python's package index, in
//! an environment of its own under the target folder.

use crate::project;
use crate::steps::Failure;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PACKAGE: &str = "moto[server]==5.2.5";
const BUCKET: &str = "pathway-test";
/// How long the server may take to answer: Python loads a good deal.
const START_MAX: Duration = Duration::from_secs(60);

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct S3 {
    server: Child,
    at: SocketAddr,
}

impl S3 {
    /// Installs the server if it is not there, starts it on a free port of the loopback interface,
    /// and makes a bucket.
    pub(crate) fn start() -> Result<Self, Failure> {
        let venv = project::target().join("services").join("moto");
        let program = venv.join("bin/moto_server");
        if !program.exists() {
            println!("installing {PACKAGE} into {}", venv.display());
            command("python3", &["-m", "venv", &venv.display().to_string()])?;
            let pip = venv.join("bin/pip").display().to_string();
            command(&pip, &["install", "--quiet", "--disable-pip-version-check", PACKAGE])?;
        }
        let at = free_address()?;
        let server = serve(&program, at)?;
        let mut started = Self { server, at };
        let since = Instant::now();
        while let Err(problem) = started.make_bucket() {
            if let Ok(Some(status)) = started.server.try_wait() {
                return Err(Failure::new(format!("`{}` ended: {status}", program.display())));
            }
            if since.elapsed() > START_MAX {
                return Err(Failure::new(format!("the S3 server does not answer: {problem}")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(started)
    }

    /// What names the bucket.
    pub(crate) fn url(&self) -> String {
        format!("s3://{BUCKET}/")
    }

    /// What a client finds the server by.
    pub(crate) fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://{}", self.at)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    fn make_bucket(&self) -> Result<(), String> {
        let answer = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&self.at, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let host = self.at;
            write!(
                stream,
                "PUT /{BUCKET} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = answer().map_err(|error| error.to_string())?;
        let status = answer.lines().next().unwrap_or_default();
        if status.contains(" 200 ") { Ok(()) } else { Err(status.to_owned()) }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// An address of the loopback interface that nobody listens at.
fn free_address() -> Result<SocketAddr, Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr());
    bound.map_err(|error| {
        Failure::new(format!("no port of the loopback interface is free: {error}"))
    })
}

fn serve(program: &Path, at: SocketAddr) -> Result<Child, Failure> {
    let log = project::target().join("services").join("moto.log");
    let log = std::fs::File::create(&log)
        .map_err(|error| Failure::new(format!("could not write `{}`: {error}", log.display())))?;
    Command::new(program)
        .args(["-H", &at.ip().to_string(), "-p", &at.port().to_string()])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| Failure::new(format!("could not start `{}`: {error}", program.display())))
}

fn command(program: &str, args: &[&str]) -> Result<(), Failure> {
    let help =
        "help: Python 3 with `venv` and `pip` is needed (Debian: `apt install python3-venv`)";
    let status = Command::new(program).args(args).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failure::new(format!("`{program} {}` failed: {status}\n{help}", args.join(" "))))
        }
        Err(error) => Err(Failure::new(format!("could not run `{program}`: {error}\n{help}"))),
    }
}
