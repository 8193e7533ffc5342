//! As much of the domains `Browser`, `Target` and `Schema` as clients ask for on their way. The
//! targets are the sessions of the service.

use serde_json::{Value, json};

use super::{
    bindings::{Members, boolean, text},
    connection::{Connection, Messages},
    error::Error,
    message::{Request, event},
};
use crate::{Session, SessionId};

/// The target that is the service itself; its session is the default one.
const BROWSER: &str = "browser";

/// What the service calls itself where a browser would.
pub(crate) const PRODUCT: &str = concat!("towline/", env!("CARGO_PKG_VERSION"));

/// The version of the DevTools Protocol whose domains are here.
pub(crate) const PROTOCOL_VERSION: &str = "1.3";

pub(super) fn carry_out(
    connection: &mut Connection,
    request: &Request,
    messages: &mut Messages,
) -> Result<Value, Error> {
    let params = request.params.as_ref();
    match request.method.as_str() {
        "Browser.getVersion" => Ok(json!({
            "protocolVersion": PROTOCOL_VERSION,
            "product": PRODUCT,
            "revision": "",
            "userAgent": PRODUCT,
            "jsVersion": "",
        })),
        "Schema.getDomains" => {
            let domains = ["Browser", "Schema", "Target", "WebAuthn"];
            let domains = domains.map(|name| json!({ "name": name, "version": PROTOCOL_VERSION }));
            Ok(json!({ "domains": domains }))
        }
        // There are no downloads, no frames and no tabs that come by themselves.
        "Browser.setDownloadBehavior" | "Target.setAutoAttach" | "Target.setRemoteLocations" => {
            Ok(json!({}))
        }
        "Target.setDiscoverTargets" => {
            if Members::read(params, |it| it.required("discover", boolean))? {
                let params = json!({ "targetInfo": browser_info() });
                messages.push(event("Target.targetCreated", &params, None));
            }
            Ok(json!({}))
        }
        "Target.getBrowserContexts" => Ok(json!({ "browserContextIds": [] })),
        "Target.getTargets" => {
            let sessions = connection.service.session_ids();
            let info = |id: &SessionId| info(connection, id);
            let infos: Vec<Value> = sessions.iter().map(info).collect();
            Ok(json!({ "targetInfos": infos }))
        }
        "Target.getTargetInfo" => {
            let id = match params {
                Some(_) => Members::read(params, |it| it.optional("targetId", text))?,
                None => None,
            };
            let info = match id {
                Some(id) => target(connection, &id).map(|it| info(connection, it.id()))?,
                None => {
                    let session = connection.session(request);
                    session.map_or(Value::Null, |it| info(connection, it.id()))
                }
            };
            Ok(json!({ "targetInfo": info }))
        }
        "Target.attachToTarget" => {
            let id: String = Members::read(params, |it| {
                it.optional("flatten", boolean);
                it.required("targetId", text)
            })?;
            if id == BROWSER {
                let session = connection.service.default_session();
                return connection.attach(session, |_| browser_info(), messages);
            }
            let session = target(connection, &id)?;
            connection.attach(session, |it| target_info(it.id().as_str(), true), messages)
        }
        "Target.attachToBrowserTarget" => {
            let session = connection.service.default_session();
            connection.attach(session, |_| browser_info(), messages)
        }
        "Target.detachFromTarget" => {
            let id = Members::read(params, |it| {
                it.optional("sessionId", text).or_else(|| it.optional("targetId", text))
            })?;
            if connection.detach(&id.unwrap_or_default(), messages) {
                Ok(json!({}))
            } else {
                Err(Error::parameter("No session with given id"))
            }
        }
        "Target.createTarget" => {
            let _url: String = Members::read(params, |it| it.required("url", text))?;
            let session = connection.service.new_session();
            let session = session.map_err(|error| Error::server(error.to_string()))?;
            Ok(json!({ "targetId": session.id() }))
        }
        "Target.closeTarget" => {
            let id: String = Members::read(params, |it| it.required("targetId", text))?;
            let id = SessionId::new(id);
            let removed = connection.service.end_session(&id);
            removed.map_err(|_| no_target())?;
            Ok(json!({ "success": true }))
        }
        method => Err(Error::method(method)),
    }
}

fn no_target() -> Error {
    Error::parameter("No target with given id found")
}

fn target(connection: &Connection, id: &str) -> Result<Session, Error> {
    connection.service.session(&SessionId::new(id)).map_err(|_| no_target())
}

fn info(connection: &Connection, session: &SessionId) -> Value {
    let id = session.as_str();
    target_info(id, connection.is_attached(id))
}

fn target_info(id: &str, attached: bool) -> Value {
    json!({
        "targetId": id,
        "type": "page",
        "title": id,
        "url": "about:blank",
        "attached": attached,
        "canAccessOpener": false,
    })
}

fn browser_info() -> Value {
    json!({
        "targetId": BROWSER,
        "type": "browser",
        "title": "towline",
        "url": "",
        "attached": true,
        "canAccessOpener": false,
    })
}
