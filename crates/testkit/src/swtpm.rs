//! `swtpm`, a TPM in software, as a process with a directory of its own.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Directory;

/// A TPM in software, with its own state. It goes with this value.
#[derive(Debug)]
pub struct Swtpm {
    directory: Directory,
    process: Option<Child>,
    /// Where it takes commands instead of at its socket in the directory.
    tcp: Option<SocketAddr>,
}

impl Swtpm {
    /// A new TPM. Where `swtpm` is not installed, the tests that need it say so and do nothing; the
    /// stage `test` of `.ci/run` sets `TOWLINE_SWTPM`, which makes that a failure.
    #[must_use]
    pub fn new() -> Option<Self> {
        Self::at(None)
    }

    /// The same that takes commands at a port of this machine.
    #[must_use]
    pub fn over_tcp() -> Option<(Self, SocketAddr)> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        Some((Self::at(Some(free))?, free))
    }

    fn at(tcp: Option<SocketAddr>) -> Option<Self> {
        if Command::new("swtpm").arg("--version").output().is_err() {
            assert!(env::var_os("TOWLINE_SWTPM").is_none(), "swtpm is not installed");
            println!("NOT RUN: swtpm is not installed");
            return None;
        }
        let mut swtpm = Self { directory: Directory::new("swtpm"), process: None, tcp };
        swtpm.start();
        Some(swtpm)
    }

    /// Its power comes.
    pub fn start(&mut self) {
        let unix = |name| format!("type=unixio,path={}", self.directory.file(name).display());
        let _ = fs::remove_file(self.socket());
        let server = match self.tcp {
            Some(address) => format!("type=tcp,port={}", address.port()),
            None => unix("socket"),
        };
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", self.directory.path().display())])
            .args(["--server", &server, "--ctrl", &unix("control")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while !self.listens() {
            assert!(Instant::now() < until, "swtpm does not listen");
            thread::yield_now();
        }
    }

    /// Whether it takes connections; the socket is there a moment before that.
    fn listens(&self) -> bool {
        const LISTENING: &str = "00010000";
        if let Some(address) = self.tcp {
            return TcpStream::connect(address).is_ok();
        }
        let path = self.socket().display().to_string();
        let sockets = fs::read_to_string("/proc/net/unix").unwrap();
        sockets
            .lines()
            .any(|line| line.ends_with(&path) && line.split_whitespace().nth(3) == Some(LISTENING))
    }

    /// Its power goes, in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its power goes and comes again.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// It begins anew while whoever uses it stays connected, as when a machine wakes up; what the
    /// firmware says to it then is left to the caller.
    pub fn reset(&self) {
        const INIT: u32 = 2;
        let mut control = UnixStream::connect(self.directory.file("control")).unwrap();
        control.write_all(&[INIT.to_be_bytes(), [0; 4]].concat()).unwrap();
        let mut result = [0; 4];
        control.read_exact(&mut result).unwrap();
        assert_eq!(result, [0; 4], "swtpm does not begin anew");
    }

    /// Puts bytes into an index of its memory, where makers of TPMs have certificates. Nobody else
    /// may be connected.
    pub fn put(&self, index: u32, content: &[u8]) {
        // The owner reads and writes, everybody reads, and wrong authorisations are not counted.
        const ATTRIBUTES: u32 = 0x0206_0002;
        let size = u16::try_from(content.len()).unwrap().to_be_bytes();
        let public =
            [&index.to_be_bytes(), &[0, 11][..], &ATTRIBUTES.to_be_bytes(), &[0, 0], &size];
        let public = public.concat();
        self.by_owner(0x12a, &[], &[&[0, 0, 0, 14][..], &public].concat());
        for (number, chunk) in content.chunks(512).enumerate() {
            let length = u16::try_from(chunk.len()).unwrap().to_be_bytes();
            let offset = u16::try_from(number * 512).unwrap().to_be_bytes();
            let parameters = [&length[..], chunk, &offset].concat();
            self.by_owner(0x137, &index.to_be_bytes(), &parameters);
        }
    }

    /// A command that the owner, whose password is empty, authorises.
    fn by_owner(&self, code: u32, about: &[u8], parameters: &[u8]) {
        const OWNER: [u8; 4] = [0x40, 0, 0, 1];
        const EMPTY_PASSWORD: [u8; 13] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0];
        let body = [&OWNER, about, &EMPTY_PASSWORD, parameters].concat();
        let length = u32::try_from(body.len() + 10).unwrap().to_be_bytes();
        let command = [&[0x80, 2][..], &length, &code.to_be_bytes(), &body].concat();
        let mut tpm = UnixStream::connect(self.socket()).unwrap();
        tpm.write_all(&command).unwrap();
        let mut head = [0; 10];
        tpm.read_exact(&mut head).unwrap();
        assert_eq!(head[6..], [0; 4], "command {code:#x}: {head:02x?}");
    }

    /// The socket that takes commands.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.file("socket")
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.kill();
    }
}
