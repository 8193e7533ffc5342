//! The computer of a session, which signs in with phones, and what its screens show.

use std::sync::Arc;

use super::{Session, lock};
use crate::{PageOrigin, ScreenId, ScreenState, ServiceError, What, screen::RunningScreen};

impl Session {
    /// Lets a computer register (`create`) or sign in (`get`) with a phone, and gives the name of
    /// its screen once that shows a code, or rings a phone that it remembers. It is the one
    /// computer of the session. Needs a runtime of tokio.
    ///
    /// # Errors
    /// [`ServiceError::Full`], [`ServiceError::NoRelay`]. What is wrong with the options stands on
    /// the screen.
    pub async fn show(
        &self,
        create: bool,
        caller: &PageOrigin,
        options_json: &str,
    ) -> Result<ScreenId, ServiceError> {
        let world = &self.0.world;
        let most = world.limits.options_length;
        if options_json.len() > most {
            let message = format!("options may have {most} bytes");
            return Err(crate::BadMember::new("options", message).into());
        }
        let id = ScreenId::random(&world.provider)?;
        let computer = self.0.computer.get_or_try_init(|| world.meeting.computer()).await?;
        let origin = caller.origin().to_string();
        let began = ScreenState {
            screen_id: id.clone(),
            verb: if create { "create" } else { "get" },
            origin: origin.clone(),
            code: None,
            said: Vec::new(),
            over: false,
            response: None,
            error: None,
        };
        let teller = self.teller();
        let seen = Box::new(move |screen: &ScreenState| {
            let screen_id = screen.screen_id.clone();
            teller.tell(match &screen.code {
                Some(code) if !screen.over => What::CodeShown { screen_id, code: code.clone() },
                _ => What::ScreenEnded { screen_id, error: screen.error.clone() },
            });
        });
        let screen = self.with(|_, world| {
            let mut screens = lock(&self.0.screens);
            let most = world.limits.screens;
            if screens.len() >= most {
                // Nobody looks at these any more.
                screens.retain(|(_, screen)| !screen.state().over);
            }
            if screens.len() >= most {
                return Err(ServiceError::Full { what: "screens in this session", most });
            }
            let showing = match create {
                true => computer.create(&origin, options_json),
                false => computer.get(&origin, options_json),
            };
            let screen = Arc::new(RunningScreen::start(began, showing, seen));
            screens.push((id.clone(), screen.clone()));
            Ok(screen)
        })?;
        let shown = screen.shown();
        drop(screen);
        shown.await;
        Ok(id)
    }

    /// The screens, in the order in which they came.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where the session has ended.
    pub fn screens(&self) -> Result<Vec<ScreenState>, ServiceError> {
        self.with(|_, _| Ok(()))?;
        let screens = lock(&self.0.screens).clone();
        Ok(screens.iter().map(|(_, screen)| screen.state()).collect())
    }

    /// What a screen shows.
    ///
    /// # Errors
    /// [`ServiceError::UnknownScreen`].
    pub fn screen(&self, id: &ScreenId) -> Result<ScreenState, ServiceError> {
        Ok(self.shown(id)?.state())
    }

    /// Waits until it is over with a screen. Whoever drops this has ended nothing.
    ///
    /// # Errors
    /// [`ServiceError::UnknownScreen`].
    pub async fn screen_over(&self, id: &ScreenId) -> Result<(), ServiceError> {
        let over = self.shown(id)?.over();
        over.await;
        Ok(())
    }

    /// Closes a screen, whatever it shows.
    ///
    /// # Errors
    /// [`ServiceError::UnknownScreen`].
    pub fn close_screen(&self, id: &ScreenId) -> Result<(), ServiceError> {
        let _there = self.shown(id)?;
        let mut screens = lock(&self.0.screens);
        screens.retain(|(known, _)| known != id);
        Ok(())
    }

    fn shown(&self, id: &ScreenId) -> Result<Arc<RunningScreen>, ServiceError> {
        let screens = lock(&self.0.screens);
        let found = screens.iter().find(|(known, _)| known == id);
        let found = found.map(|(_, screen)| screen.clone());
        found.ok_or_else(|| ServiceError::UnknownScreen(id.to_string()))
    }
}
