//! Servers of other authors: Apache's WebDAV, and the S3 of moto.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::*;

/// A server of one test, and its folder.
struct Program {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Program {
    fn start(name: &str, command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("towline-{name}-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let mut command = command(&folder, port);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let this = Self { child, port, folder };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{name} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        this
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // With its children, which it takes along when it is asked to end.
        let pid = self.child.id().to_string();
        let _asked = Command::new("kill").arg(pid).status();
        let _reaped = self.child.wait();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

/// The user anna with the password `s:x`.
fn apache() -> Program {
    Program::start("apache", |folder, port| {
        let folder = folder.to_str().unwrap();
        let mut modules = String::new();
        for module in [
            "mpm_event",
            "authn_core",
            "authn_file",
            "authz_core",
            "authz_user",
            "auth_basic",
            "dav",
            "dav_fs",
        ] {
            let file = format!("/usr/lib/apache2/modules/mod_{module}.so");
            modules += &format!("LoadModule {module}_module {file}\n");
        }
        fs::create_dir_all(format!("{folder}/www/dav")).unwrap();
        fs::write(format!("{folder}/users"), "anna:{SHA}3Ddaqw80mObEPxVtiqc6zz/hF1E=\n").unwrap();
        // Apache does not write as root.
        for path in ["", "/www", "/www/dav"] {
            let opened = Command::new("chmod").arg("a+rwx").arg(format!("{folder}{path}")).status();
            assert!(opened.unwrap().success());
        }
        let config = format!(
            "ServerRoot {folder}\nServerName localhost\nListen 127.0.0.1:{port}\n{modules}\
             PidFile {folder}/pid\nMutex file:{folder} default\nErrorLog {folder}/log\n\
             User www-data\nGroup www-data\nDavLockDB {folder}/locks\nDocumentRoot {folder}/www\n\
             <Directory {folder}/www>\nDav On\nAuthType Basic\nAuthName dav\n\
             AuthUserFile {folder}/users\nRequire valid-user\n</Directory>\n"
        );
        fs::write(format!("{folder}/conf"), config).unwrap();
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(format!("{folder}/conf"));
        command
    })
}

fn at_apache(server: &Program, folder: &str, password: &str, circle: ObjectHash) -> RemoteStore {
    let variables = [("TOWLINE_WEBDAV_USER", "anna"), ("TOWLINE_WEBDAV_PASSWORD", password)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let address = format!("http://127.0.0.1:{}/dav{folder}", server.port);
    RemoteStore::open_with(&address, variables, circle, RemoteConfig::default()).unwrap()
}

#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn two_devices_share_through_apaches_webdav() {
    let server = apache();
    four_verbs(&at_apache(&server, "", "s:x", CIRCLE));
    // Folders are made as they are needed.
    two_devices_share(|circle| at_apache(&server, "/some/folder", "s:x", circle));
    let wrong = at_apache(&server, "", "wrong", CIRCLE);
    for refused in [wrong.list().unwrap_err(), wrong.put(NAME, b"bytes").unwrap_err()] {
        assert!(matches!(refused, RemoteError::Refused { .. }), "{refused:?}");
        assert!(refused.to_string().contains("TOWLINE_WEBDAV_PASSWORD"), "{refused}");
    }
}

/// Each makes the folders that it finds missing, at the same time.
#[test]
#[ignore = "needs Apache: .ci/run stores"]
fn many_devices_begin_at_once() {
    let server = apache();
    std::thread::scope(|scope| {
        for device in 0..6_u8 {
            let store = at_apache(&server, "/new/folder", "s:x", CIRCLE);
            scope.spawn(move || {
                let name = StoreName::Segment(DeviceId([device; 16]), ObjectHash([device; 16]));
                store.put(name, &[device; 1000]).unwrap();
            });
        }
    });
    assert_eq!(at_apache(&server, "/new/folder", "s:x", CIRCLE).list().unwrap().len(), 6);
}

fn moto() -> Program {
    let program = std::env::var("TOWLINE_MOTO").expect("TOWLINE_MOTO is the program moto_server");
    let server = Program::start("moto", |_, port| {
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    });
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    write!(
        stream,
        "PUT /bucket HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server
}

fn at_moto(server: &Program, address: &str, circle: ObjectHash) -> RemoteStore {
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    RemoteStore::open_with(address, variables, circle, RemoteConfig::default()).unwrap()
}

#[test]
#[ignore = "needs moto: .ci/run stores"]
fn two_devices_share_through_s3() {
    let server = moto();
    four_verbs(&at_moto(&server, "s3://bucket", CIRCLE));
    two_devices_share(|circle| at_moto(&server, "s3://bucket/some/folder", circle));
    let absent = at_moto(&server, "s3://no-such-bucket", CIRCLE).list().unwrap_err();
    assert!(matches!(absent, RemoteError::Absent(_)), "{absent:?}");
}
