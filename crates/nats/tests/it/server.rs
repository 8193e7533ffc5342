//! A `nats-server` of one test, with the stream of revoked contacts.

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
        let client = async_nats::connect(server.address()).await.unwrap();
        let stream = r#"{"name":"TL_GONE","subjects":["tl.1.gone.*"],"retention":"limits",
            "max_msgs_per_subject":1,"storage":"file","allow_direct":true,"discard":"old",
            "num_replicas":1}"#;
        let made = client.request("$JS.API.STREAM.CREATE.TL_GONE", stream.into()).await.unwrap();
        assert!(!String::from_utf8_lossy(&made.payload).contains("\"error\""), "{made:?}");
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

    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
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
