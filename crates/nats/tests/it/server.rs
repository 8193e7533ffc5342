//! A `nats-server` of one test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use towline_testkit::Directory;

pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: Directory,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = Directory::new("nats");
        let server = Self { child: run(port, &folder), port, folder };
        server.until_ready().await;
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    async fn until_ready(&self) {
        let ready = async {
            while async_nats::connect(self.address()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ready).await.expect("nats-server starts");
    }

    /// Without a goodbye.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// With what it had on its disk.
    pub(crate) async fn start_again(&mut self) {
        self.child = run(self.port, &self.folder);
        self.until_ready().await;
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(name).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Returns when none of its threads runs any more.
    pub(crate) async fn freeze(&self) {
        self.signal("-STOP");
        let tasks = format!("/proc/{}/task", self.child.id());
        let stopped = |task: std::io::Result<std::fs::DirEntry>| {
            let state = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
            state.rsplit(") ").next().unwrap().starts_with('T')
        };
        while !std::fs::read_dir(&tasks).unwrap().all(stopped) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }
}

fn run(port: u16, folder: &Directory) -> Child {
    Command::new("nats-server")
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program nats-server")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}
