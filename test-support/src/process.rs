//! Running the binary: to its end, or as a server that is stopped or killed.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

/// How long a process may take to say that it listens, or to end: generous, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary: Cargo builds it for the tests of its package, and puts it beside the folder that they are in.
///
/// # Panics
///
/// Where it is not.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(format!("frontrow{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: `cargo build` makes it", path.display());
    path
}

/// The binary with no settings but those that are given: the environment of the test is not its own.
pub fn frontrow(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().env("NO_COLOR", "1").env("FRONTROW_LOG", "info").env("FRONTROW_RATE_LIMITS", "off");
    command.current_dir(folder);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the binary to its end in a folder, whose `data` is the default data folder.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    frontrow(folder, arguments).output().unwrap()
}

/// What it printed.
pub fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// What it logged, or said of a failure.
pub fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// An identity token of the server whose data are in the folder.
pub fn identity(folder: &Path, user: &str, role: &str) -> String {
    let output = run(folder, &["token", "--user", user, "--role", role]);
    assert!(output.status.success(), "{}", err(&output));
    out(&output).trim().to_owned()
}

/// Runs the audit and expects it to find nothing.
#[track_caller]
pub fn audit_is_clean(folder: &Path) {
    let output = run(folder, &["audit"]);
    assert_eq!(
        (output.status.code(), out(&output)),
        (Some(0), "every invariant holds\n"),
        "{}",
        err(&output)
    );
}

/// Can be killed from wherever the moment is known.
#[derive(Debug, Clone)]
pub struct Victim(Arc<Mutex<Child>>);

impl Victim {
    fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap()
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// `kill -9`: returns once the process is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A server; killed when dropped.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    victim: Victim,
    /// What it logged before it listened.
    pub said: Vec<String>,
    /// Ends when standard error does, which is when the process does.
    log: Receiver<String>,
}

impl Process {
    /// Starts a server on a free port of the loopback, on the data in the folder.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = frontrow(folder, &["--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::listening(command)
    }

    /// A server with open identities in which fans charge their own wallets.
    pub fn open(folder: &Path) -> Self {
        Self::start(folder, &["--open-identities", "--self-service-charging"])
    }

    /// Runs the command and waits until it says where it listens.
    pub fn listening(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = lines(child.stderr.take().unwrap());
        let victim = Victim(Arc::new(Mutex::new(child)));
        let mut said = Vec::new();
        loop {
            let Ok(line) = log.recv_timeout(PATIENCE) else {
                victim.kill();
                panic!("the server does not listen: {said:?}");
            };
            if let Some((_, rest)) = line.split_once("Frontrow listens on http://") {
                let address = rest.split_whitespace().next().unwrap().parse().unwrap();
                return Self { address, victim, said, log };
            }
            said.push(line);
        }
    }

    /// To be killed from elsewhere.
    pub fn victim(&self) -> Victim {
        self.victim.clone()
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.victim.child().id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.victim.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.victim.child().id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
    }

    /// Waits for the end of the process; its exit status and what it logged since it listened.
    pub fn ended(&self) -> (ExitStatus, Vec<String>) {
        let mut said = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("the server does not end: {said:?}")
                }
            }
        }
        (self.victim.child().wait().unwrap(), said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.victim.child().kill();
        let _ = self.victim.child().wait();
    }
}

/// Reads on to the end, so that the process never waits for its log to be read.
fn lines(stderr: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is dropped.
            let _ = sender.send(line);
        }
    });
    receiver
}
