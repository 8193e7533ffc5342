//! Questions as desktop notifications, for a key that nobody watches a terminal for.

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod notifications {
    use std::sync::Arc;

    use notify_rust::{Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};
    use towline::authenticator::{Answer, Question};

    use crate::{exit::Failure, person::account_name};

    /// Asks by notification.
    pub(crate) struct Desktop(());

    /// What the buttons are called, for programs.
    const YES: &str = "yes";
    const NO: &str = "no";

    impl Desktop {
        /// Whether there is somebody who shows notifications.
        pub(crate) async fn find() -> Result<Self, Failure> {
            // It blocks.
            let found = tokio::task::spawn_blocking(notify_rust::get_server_information).await;
            let why = match found {
                Ok(Ok(_)) => return Ok(Self(())),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            let message = format!("notifications can't be shown here ({why}); use --presence ask");
            Err(Failure::environment("no_notifications", message))
        }

        /// A notification that was closed is a no. None if it can't be shown.
        pub(crate) async fn answer(&self, question: &Question) -> Option<Answer> {
            let mut notification = Notification::new();
            notification
                .appname("towline")
                .summary("Security key")
                .body(&escaped(&question.to_string()))
                .urgency(Urgency::Critical)
                .timeout(Timeout::Never);
            if let Question::ChooseAccount { accounts, .. } = question {
                for (number, account) in accounts.iter().enumerate() {
                    notification.action(&number.to_string(), &account_name(account));
                }
            } else {
                notification.action(YES, "Yes");
            }
            notification.action(NO, "No");
            let shown = Shown(Arc::new(notification.show_async().await.ok()?));
            let mut pressed = None;
            let press = |response: &NotificationResponse| {
                if let NotificationResponse::Action(name) = response {
                    pressed = Some(name.clone());
                }
            };
            shown.0.wait_for_action_async(press).await;
            Some(match (question, pressed.as_deref()) {
                (_, None | Some(NO)) => Answer::Deny,
                (Question::ChooseAccount { accounts, .. }, Some(number)) => {
                    let account = number.parse().ok().filter(|number| *number < accounts.len());
                    account.map_or(Answer::Deny, Answer::Account)
                }
                (_, Some(YES)) => question.simulated_agreement(),
                (_, Some(_)) => Answer::Deny,
            })
        }
    }

    /// Taken off the screen when nobody waits for it any more.
    struct Shown(Arc<NotificationHandle>);

    impl Drop for Shown {
        fn drop(&mut self) {
            let handle = Arc::clone(&self.0);
            tokio::spawn(async move { handle.close_async().await });
        }
    }

    /// Many desktops read the text of a notification as markup, and names in it come from strangers.
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }
}

#[cfg(all(feature = "desktop", target_os = "linux"))]
pub(crate) use notifications::Desktop;

/// There are none here.
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub(crate) enum Desktop {}

#[cfg(not(all(feature = "desktop", target_os = "linux")))]
impl Desktop {
    #[allow(clippy::unused_async)]
    pub(crate) async fn find() -> Result<Self, crate::exit::Failure> {
        let message = "this program was built without desktop notifications (cargo's feature `desktop`, on Linux)";
        Err(crate::exit::Failure::usage("no_notifications", message))
    }

    #[allow(clippy::unused_async)]
    pub(crate) async fn answer(
        &self,
        _question: &towline::authenticator::Question,
    ) -> Option<towline::authenticator::Answer> {
        match *self {}
    }
}
