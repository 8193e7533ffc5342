//! Servers of other authors that keep objects, on loopback, where they are installed: Apache's
//! WebDAV, and the S3 of moto. `.ci/run stores` installs them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Apache, with modules from where Debian has them.
const APACHE: &str = "/usr/sbin/apache2";

/// A server of one test, and its folder. Both go with it.
#[derive(Debug)]
pub struct ForeignServer {
    command: Command,
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl ForeignServer {
    fn start(name: &str, command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("towline-{name}-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let mut command = command(&folder, port);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = spawn(&mut command, port);
        Self { command, child, port, folder }
    }

    /// WebDAV at [`Self::dav`]. The user anna has the password `s:x`; ben, with the same, may only
    /// read. In the folder `small` there is room for objects of 8 KiB at most.
    #[must_use]
    pub fn apache() -> Self {
        Self::start("apache", |folder, port| {
            let small = folder.join("www/dav/small");
            fs::create_dir_all(&small).unwrap();
            let folder = folder.to_str().unwrap();
            let password = "{SHA}3Ddaqw80mObEPxVtiqc6zz/hF1E=";
            fs::write(format!("{folder}/users"), format!("anna:{password}\nben:{password}\n"))
                .unwrap();
            // Apache does not write as root.
            let open = Command::new("chmod").args(["-R", "a+rwX", folder]).status();
            assert!(open.unwrap().success());
            let modules = [
                "mpm_event",
                "authn_core",
                "authn_file",
                "authz_core",
                "authz_user",
                "auth_basic",
                "dav",
                "dav_fs",
            ];
            let modules: String = modules
                .map(|it| format!("LoadModule {it}_module /usr/lib/apache2/modules/mod_{it}.so\n"))
                .concat();
            let config = format!(
                "ServerRoot {folder}\nServerName localhost\nListen 127.0.0.1:{port}\n{modules}\
                 PidFile {folder}/pid\nMutex file:{folder} default\nErrorLog {folder}/log\n\
                 User www-data\nGroup www-data\nDavLockDB {folder}/locks\n\
                 DocumentRoot {folder}/www\n<Directory {folder}/www>\nDav On\nAuthType Basic\n\
                 AuthName dav\nAuthUserFile {folder}/users\nAuthzSendForbiddenOnFailure On\n\
                 <Limit GET PROPFIND>\nRequire valid-user\n</Limit>\n\
                 <LimitExcept GET PROPFIND>\nRequire user anna\n</LimitExcept>\n</Directory>\n\
                 <Directory {folder}/www/dav/small>\nLimitRequestBody 8192\n</Directory>\n"
            );
            fs::write(format!("{folder}/conf"), config).unwrap();
            let mut command = Command::new(APACHE);
            command.args(["-D", "FOREGROUND", "-f"]).arg(format!("{folder}/conf"));
            command
        })
    }

    /// S3 at [`Self::origin`], with the bucket `bucket` and for any credentials. The variable
    /// `TOWLINE_MOTO` has the path of the program `moto_server`.
    #[must_use]
    pub fn moto() -> Self {
        let program =
            std::env::var("TOWLINE_MOTO").expect("TOWLINE_MOTO is the program moto_server");
        let server = Self::start("moto", |_, port| {
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

    /// Where it is, without a path.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address of Apache's folder for all.
    #[must_use]
    pub fn dav(&self) -> String {
        format!("{}/dav", self.origin())
    }

    /// It is away, and what it keeps in files stays.
    pub fn stop(&mut self) {
        // With its children, which it takes along when it is asked to end.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap();
    }

    /// It is there again.
    pub fn start_again(&mut self) {
        self.child = spawn(&mut self.command, self.port);
    }
}

fn spawn(command: &mut Command, port: u16) -> Child {
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{command:?} does not start");
        thread::sleep(Duration::from_millis(20));
    }
    child
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        // One that was stopped is gone already.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
        let _removed = fs::remove_dir_all(&self.folder);
    }
}
