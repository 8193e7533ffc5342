//! What has happened.

use std::time::Duration;

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    BadMember, Notice, Service, ServiceError, Told,
    http::{
        HttpRefusal,
        extract::{Asked, At},
    },
};

/// How long a request may wait for something to happen, in seconds.
const LONGEST: u32 = 60;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(log))
}

/// From where on, and how long to wait.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct From {
    /// Only what came after the notice of this number.
    #[serde(default)]
    after: u64,
    /// Where there is nothing, how many seconds to wait for something, up to 60.
    #[serde(default)]
    wait: u32,
}

/// What has happened, the oldest first.
#[derive(Serialize, ToSchema)]
struct Log {
    /// At most the last 256. Their numbers follow one another; where one is missing, it came too
    /// long ago.
    notices: Vec<Notice>,
}

/// What has happened in a session
#[utoipa::path(
    get,
    path = "/v1/{session}/log",
    params(From),
    responses((status = 200, body = Log))
)]
async fn log(at: At, Asked(From { after, wait }): Asked<From>) -> Result<Json<Log>, HttpRefusal> {
    if wait > LONGEST {
        let message = format!("it is no number of seconds from 0 to {LONGEST}");
        return Err(ServiceError::from(BadMember::new("wait", message)).into());
    }
    let mut notices = at.session.log(after);
    if notices.is_empty() && wait > 0 {
        let following = at.session.subscribe()?;
        notices = at.session.log(after);
        let next = async {
            while let Some(told) = following.next().await {
                if matches!(&told, Told::Notice(notice) if notice.number > after) {
                    break;
                }
            }
        };
        // What came before the subscription is in the log already.
        if notices.is_empty() {
            let wait = Duration::from_secs(wait.into());
            let _nothing_may_come = tokio::time::timeout(wait, next).await;
            notices = at.session.log(after);
        }
    }
    Ok(Json(Log { notices: notices.iter().map(|notice| notice.as_ref().clone()).collect() }))
}
