//! What `towline relay` takes from a file where no flag says otherwise.

use std::{fs, path::Path};

use crate::{args::Relay, exit::Failure};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

impl Relay {
    /// With what its file says, where it has one. Flags and the environment win.
    pub(crate) fn with_file(self) -> Result<Self, Failure> {
        let Some(path) = self.config.clone() else { return self.checked() };
        let text = read(&path)?;
        let file = toml::from_str(&text).map_err(|error| wrong(&path, &text, &error))?;
        self.or(file).checked()
    }

    fn or(self, file: Self) -> Self {
        Self {
            config: self.config,
            listen: self.listen.or(file.listen),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            behind_proxy: self.behind_proxy || file.behind_proxy,
            trusted_proxy: first(self.trusted_proxy, file.trusted_proxy),
            proxy_protocol: first(self.proxy_protocol, file.proxy_protocol),
            admin: self.admin.or(file.admin),
            log_json: self.log_json || file.log_json,
            node: self.node.or(file.node),
            revoked: self.revoked.or(file.revoked),
            bus: self.bus.or(file.bus),
            bus_user: self.bus_user.or(file.bus_user),
            bus_password: file.bus_password,
            bus_ca: self.bus_ca.or(file.bus_ca),
            bus_cert: self.bus_cert.or(file.bus_cert),
            bus_key: self.bus_key.or(file.bus_key),
            most_waiting: self.most_waiting.or(file.most_waiting),
            most_ringing: self.most_ringing.or(file.most_ringing),
            most_listening: self.most_listening.or(file.most_listening),
            most_tunnels: self.most_tunnels.or(file.most_tunnels),
            per_source: self.per_source.or(file.per_source),
            allow_origin: first(self.allow_origin, file.allow_origin),
            idle: self.idle.or(file.idle),
            lifetime: self.lifetime.or(file.lifetime),
            notice: self.notice.or(file.notice),
            spread: self.spread.or(file.spread),
            grace: self.grace.or(file.grace),
            air: self.air,
        }
    }

    /// What belongs together is there together, wherever it was said.
    fn checked(self) -> Result<Self, Failure> {
        let bus = self.bus.is_some();
        let wrong = [
            (self.tls_cert.is_some() && self.tls_key.is_none(), "tls-cert needs tls-key"),
            (self.tls_key.is_some() && self.tls_cert.is_none(), "tls-key needs tls-cert"),
            (self.tls_cert.is_some() && self.behind_proxy, "behind-proxy goes without tls-cert"),
            (self.revoked.is_some() && bus, "revoked goes without bus, which remembers them"),
            (self.bus_user.is_some() && !bus, "bus-user needs bus"),
            (self.bus_password.is_some() && self.bus_user.is_none(), "bus-password needs bus-user"),
            (self.bus_ca.is_some() && !bus, "bus-ca needs bus"),
            (self.bus_cert.is_some() && !bus, "bus-cert needs bus"),
            (self.bus_cert.is_some() && self.bus_key.is_none(), "bus-cert needs bus-key"),
            (self.bus_key.is_some() && self.bus_cert.is_none(), "bus-key needs bus-cert"),
        ];
        match wrong.into_iter().find_map(|(wrong, why)| wrong.then_some(why)) {
            None => Ok(self),
            Some(why) => Err(Failure::usage("configuration", why)),
        }
    }
}

/// The list of the flags, unless there is none.
fn first<T>(flags: Vec<T>, file: Vec<T>) -> Vec<T> {
    if flags.is_empty() { file } else { flags }
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::usage("configuration", format!("{} can't be read: {why}", path.display()))
    };
    let length = fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > MAX_FILE {
        return Err(failed(&"it is longer than 1 MiB"));
    }
    fs::read_to_string(path).map_err(|error| failed(&error))
}

/// What is wrong in the file, and in which line and member.
fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    // The member may stand some lines before its value.
    let lines = text.lines().take(line);
    let member = lines.filter_map(|line| Some(line.split_once('=')?.0.trim())).last();
    let member = member.map(|member| format!(", {member}")).unwrap_or_default();
    let (file, why) = (path.display(), error.message());
    Failure::usage("configuration", format!("{file}, line {line}{member}: {why}"))
}
