//! What a computer shows that signs in with a phone.

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::{sync::watch, task::AbortHandle};
use towline_virtual_phone::Showing;
use utoipa::ToSchema;

use crate::ScreenId;

/// The screen of a computer that registers or signs in with a phone.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScreenState {
    /// The name by which it is addressed.
    pub screen_id: ScreenId,
    /// `create` or `get`.
    pub verb: &'static str,
    /// The origin of the page.
    pub origin: String,
    /// The text of the code that is shown, the last one; none where a phone was rung.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the person has read, in sentences.
    pub said: Vec<String>,
    /// Whether it is over.
    pub over: bool,
    /// What the page sends to the site's server, if it is over and there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub response: Option<Box<RawValue>>,
    /// Why there is nothing, as the person reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A screen, and the task that looks at it. Dropping it ends the ceremony.
pub(crate) struct RunningScreen {
    now: watch::Sender<ScreenState>,
    task: AbortHandle,
}

/// Who is told of a code that is shown, and of the end.
pub(crate) type Seen = Box<dyn Fn(&ScreenState) + Send + Sync>;

impl Drop for RunningScreen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RunningScreen {
    /// Looks at it from now on. Needs a runtime of tokio.
    pub(crate) fn start(began: ScreenState, showing: Showing, seen: Seen) -> Self {
        let now = watch::Sender::new(began);
        let task = tokio::spawn(look(showing, now.clone(), seen)).abort_handle();
        Self { now, task }
    }

    pub(crate) fn state(&self) -> ScreenState {
        self.now.borrow().clone()
    }

    /// Waits until a code is shown, or it is over.
    pub(crate) fn shown(&self) -> impl Future<Output = ()> + Send + use<> {
        self.until(|now| now.over || now.code.is_some())
    }

    /// Waits until it is over.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        self.until(|now| now.over)
    }

    fn until<F: Fn(&ScreenState) -> bool + Send>(
        &self,
        holds: F,
    ) -> impl Future<Output = ()> + Send + use<F> {
        let mut now = self.now.subscribe();
        async move {
            let _closed_meanwhile = now.wait_for(holds).await;
        }
    }
}

async fn look(mut showing: Showing, now: watch::Sender<ScreenState>, seen: Seen) {
    // There are no more codes when it is over.
    while let Some(code) = showing.code().await {
        let said = showing.said();
        now.send_modify(|now| (now.code, now.said) = (Some(code), said));
        let shown = now.borrow().clone();
        seen(&shown);
    }
    let said = showing.said();
    let result = showing.response().await;
    now.send_modify(|now| {
        (now.said, now.over) = (said, true);
        match result.map(RawValue::from_string) {
            Ok(Ok(response)) => now.response = Some(response),
            Ok(Err(error)) => now.error = Some(error.to_string()),
            Err(error) => now.error = Some(error.to_string()),
        }
    });
    let over = now.borrow().clone();
    seen(&over);
}
