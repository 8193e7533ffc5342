//! The rules that every answer keeps, whatever was asked.

use std::time::Duration;

use towline_authenticator::{Counters, Credential, LargeBlobs};
use towline_ctap::{
    AuthenticatorData, BioEnrollmentRequest, BioEnrollmentResponse, ClientPinRequest,
    ClientPinResponse, CredentialId, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand as Sub, FingerprintSubcommand as Fingerprints, Flags,
    GetAssertionResponse, GetInfo, LargeBlobsRequest, LargeBlobsResponse, MakeCredentialResponse,
    Permissions, Request, RpId, Status, Transport, Version,
};

use crate::watch::{Durable, Retries, Shown, Token, Watch};

/// How long a token lives at most.
const LIFE: Duration = Duration::from_secs(600);

/// The preview commands have the parameters of those that came of them.
fn with_its_number(request: &[u8]) -> Vec<u8> {
    let mut request = request.to_vec();
    if let Some(command) = request.first_mut() {
        *command = match *command {
            0x40 => 0x09,
            0x41 => 0x0a,
            other => other,
        };
    }
    request
}

impl Watch {
    /// Holds a response against the rules, and keeps in mind what it changes.
    pub(crate) fn judge(
        &mut self,
        request: &[u8],
        response: &[u8],
        durable: &Durable,
        retries: Retries,
    ) -> Status {
        let status = Status::from_u8(*response.first().expect("a response has a status byte"));
        assert!(!matches!(status, Status::Unknown(_) | Status::SpecLast), "{status:?}");
        let limit = self.config().limits.max_msg_size;
        assert!(response.len() <= limit);
        let known = if self.config().tokens.preview_commands {
            Request::decode(&with_its_number(request), limit)
        } else {
            Request::decode(request, limit)
        };
        self.judge_retries(known.as_ref().ok(), status, durable, retries);
        if status == Status::Ok {
            self.judge_success(known.as_ref().expect("what can't be read can't succeed"), response);
        } else {
            assert_eq!(response.len(), 1, "a refusal has no body");
            assert!(self.durable() == *durable, "{status:?}, and yet something has changed");
        }
        if let (Ok(Request::GetAssertion(request)), Status::NoCredentials) = (&known, status) {
            self.judge_nothing(request.options.up == Some(false));
        }
        status
    }

    /// Over a transport whose computer may be anybody's, and on a display, "none" is told after the
    /// person has seen it.
    fn judge_nothing(&self, silent: bool) {
        let config = self.config();
        let far = self.is_far();
        let seen = self.told_nothing || self.shown.verified && !config.identity.has_display;
        let asks = config.identity.has_display || config.presence.confirm_no_credentials;
        assert!(
            seen || !far && (silent || !asks),
            "somebody learned unnoticed that there is nothing"
        );
    }

    /// Whether requests may come from anywhere.
    fn is_far(&self) -> bool {
        self.config().identity.transports.contains(&Transport::Hybrid)
    }

    fn judge_success(&mut self, request: &Request, response: &[u8]) {
        match request {
            Request::MakeCredential(request) => self.created(&request.rp.id, response),
            Request::GetAssertion(request) => {
                self.sequence = self.shows(&request.rp_id);
                self.sequence_rp = Some(request.rp_id.clone());
                let asked = request.allow_list.as_ref();
                let id = self.asserted(response);
                assert!(asked.is_none_or(|list| list.iter().any(|entry| entry.id == id)));
            }
            Request::GetNextAssertion => drop(self.asserted(response)),
            Request::GetInfo => {
                let info = GetInfo::decode(response).expect("readable");
                assert_eq!(info.encode(), response);
                let uv = self.config().verification.built_in.as_ref().map(|lock| lock.configured);
                let fingers = self.durable().fingerprints.is_some();
                assert_eq!(info.options.uv, uv.map(|configured| configured || fingers));
                let enrolls = self.config().bio_enrollment().is_some();
                assert_eq!(info.options.bio_enroll, enrolls.then_some(fingers));
                claims_are_consistent(&info);
            }
            Request::ClientPin(request) => self.pin_answered(request, response),
            Request::CredentialManagement(request) => self.managed(request, response),
            Request::LargeBlobs(request) => self.blobs(request, response),
            Request::Reset => {
                self.token = None;
                assert!(self.store.is_empty() && self.durable().pin.is_none());
                assert_eq!(response.len(), 1);
            }
            Request::BioEnrollment(request) => self.enrolled(request, response),
            Request::Config(_) => {
                assert!(self.token.is_some() || !self.is_protected(), "set by nobody");
                assert_eq!(response.len(), 1);
            }
            Request::Selection => assert_eq!(response.len(), 1),
        }
    }

    /// What the person has shown to this relying party: now, or when the token in use was given
    /// out.
    fn shows(&self, rp_id: &RpId) -> Shown {
        let token = self.token.as_ref().filter(|token| self.now < token.given + LIFE);
        let token = token.filter(|token| token.rp_id.as_ref().is_none_or(|bound| bound == rp_id));
        let by_token = token.map_or_else(Shown::default, |token| token.shown);
        Shown {
            present: self.shown.present || self.shown.verified || by_token.present,
            verified: self.shown.verified || by_token.verified,
        }
    }

    fn created(&mut self, rp_id: &RpId, response: &[u8]) {
        let created = MakeCredentialResponse::decode(response).expect("readable");
        assert_eq!(created.encode(), response);
        let data = self.data(&created.auth_data, self.shows(rp_id), rp_id);
        assert!(data.flags.contains(Flags::UP), "nobody touched it");
        self.use_up_token(data.flags);
        let attested = data.attested.expect("a credential");
        let stored = self.store.credential(&attested.credential_id);
        assert!(stored.is_none_or(|stored| stored.rp_id == *rp_id));
        let before = self.made.insert(attested.credential_id.clone(), rp_id.clone());
        assert_eq!(before, None, "an id was given twice");
        self.counted(&attested.credential_id, data.sign_count);
    }

    fn asserted(&mut self, response: &[u8]) -> CredentialId {
        let asserted = GetAssertionResponse::decode(response).expect("readable");
        assert_eq!(asserted.encode(), response);
        let rp_id = self.sequence_rp.clone().expect("a getAssertion came before");
        let data = self.data(&asserted.auth_data, self.sequence, &rp_id);
        self.use_up_token(data.flags);
        assert!(data.attested.is_none());
        if !data.flags.contains(Flags::UP) {
            assert!(!self.is_far(), "a silent look-up from anywhere");
            let unsigned = &asserted.unsigned_extension_outputs;
            let secret = data.extensions.contains("hmac-secret")
                || ["prf", "largeBlob"].iter().any(|id| unsigned.contains(id));
            assert!(!secret, "a secret for nobody who was there");
        }
        let id = asserted.credential.expect("named").id;
        let stored = self.store.credential(&id).map(|stored| stored.rp_id);
        let known = stored.or_else(|| self.made.get(&id).filter(|_| self.seals).cloned());
        assert!(known.is_some() || !self.seals, "nobody made this credential");
        assert!(known.is_none_or(|known| known == rp_id), "a credential of another relying party");
        let named = asserted.user.is_some_and(|user| user.name.or(user.display_name).is_some());
        assert!(!named || data.flags.contains(Flags::UV), "a name for the unverified");
        self.counted(&id, data.sign_count);
        id
    }

    /// Authenticator data that is as it must be.
    fn data(&self, bytes: &[u8], shown: Shown, rp_id: &RpId) -> AuthenticatorData {
        let data = AuthenticatorData::decode(bytes).expect("readable");
        assert_eq!(data.encode(), bytes);
        assert_eq!(data.rp_id_hash, rp_id.hash(&self.provider));
        assert!(!data.flags.contains(Flags::UP) || shown.present, "presence that nobody showed");
        assert!(!data.flags.contains(Flags::UV) || shown.verified, "nobody was verified");
        data
    }

    /// The presence that a token stood for, or that was shown beside it, counts once.
    fn use_up_token(&mut self, flags: Flags) {
        if flags.contains(Flags::UP)
            && !self.shown.verified
            && let Some(token) = &mut self.token
        {
            token.shown = Shown::default();
        }
    }

    fn stored(&self, id: &CredentialId) -> Credential {
        self.store.credential(id).expect("what is answered is stored")
    }

    fn counted(&mut self, id: &CredentialId, count: u32) {
        let (key, zero) = match self.config().credentials.counters {
            Counters::Zero => return assert_eq!(count, 0),
            Counters::Global => (None, false),
            _ => (Some(id.clone()), count == 0),
        };
        let before = self.counts.insert(key, count);
        assert!(before.is_none_or(|before| count > before), "a counter went back");
        assert!(before.is_some() || count > 0 || zero);
    }

    fn pin_answered(&mut self, request: &ClientPinRequest, response: &[u8]) {
        use ClientPinRequest as Pin;
        let answer = ClientPinResponse::decode(response).expect("readable");
        assert_eq!(answer.encode(), response);
        let (by_verification, permissions, rp_id) = match request {
            Pin::SetPin { .. } | Pin::ChangePin { .. } => {
                self.token = None;
                return assert!(self.durable().pin.is_some());
            }
            Pin::GetPinToken { .. } => (false, Permissions::MC | Permissions::GA, None),
            Pin::GetPinUvAuthTokenUsingPinWithPermissions { permissions, rp_id, .. } => {
                (false, *permissions, rp_id.clone())
            }
            Pin::GetPinUvAuthTokenUsingUvWithPermissions { permissions, rp_id, .. } => {
                assert!(self.shown.verified, "a token for nobody");
                (true, *permissions, rp_id.clone())
            }
            _ => return assert!(answer.pin_uv_auth_token.is_none(), "a token for nothing"),
        };
        assert!(answer.pin_uv_auth_token.is_some_and(|token| token.len() % 16 == 0));
        if permissions != Permissions::PCMR {
            let shown = Shown { present: by_verification, verified: true };
            self.token = Some(Token { shown, rp_id, given: self.now });
        }
    }

    fn managed(&mut self, request: &CredentialManagementRequest, response: &[u8]) {
        let answer = CredentialManagementResponse::decode(response).expect("readable");
        assert_eq!(answer.encode(), response);
        if let Some(rp) = &answer.rp {
            assert_eq!(answer.rp_id_hash, Some(rp.id.hash(&self.provider)));
        }
        if let Sub::EnumerateCredentialsBegin(hash) = request.subcommand() {
            let all = self.store.credentials().into_iter().map(|credential| credential.rp_id);
            self.listed_rp = all.into_iter().find(|id| id.hash(&self.provider) == *hash);
        }
        if let Some(credential) = &answer.credential {
            let stored = self.stored(&credential.id);
            assert_eq!(Some(stored.rp_id), self.listed_rp, "of another relying party");
            assert!(stored.discoverable && answer.public_key.is_some());
            assert_eq!(answer.user, Some(stored.user));
        }
        if let Sub::DeleteCredential(id) = request.subcommand() {
            assert!(self.store.credential(id).is_none());
        }
    }

    fn blobs(&mut self, request: &LargeBlobsRequest, response: &[u8]) {
        let answer = LargeBlobsResponse::decode(response).expect("readable");
        assert_eq!(answer.encode(), response);
        let LargeBlobs::Command(most) = self.config().extensions.large_blobs else {
            panic!("the command is not there")
        };
        let stored = self.durable().large_blobs;
        assert!(stored.as_ref().is_none_or(|array| (17..=most).contains(&array.len())));
        match (request, answer.config) {
            (LargeBlobsRequest::Get { count, .. }, Some(part)) => {
                assert!(u64::try_from(part.len()).is_ok_and(|length| length <= *count));
                assert!(stored.is_none_or(|array| part.is_empty()
                    || array.windows(part.len()).any(|window| window == part)));
            }
            (LargeBlobsRequest::Set { fragment, offset, .. }, None) => {
                self.written = fragment.len() + usize::try_from(*offset).expect("short");
            }
            (request, answer) => panic!("{request:?} is answered by {answer:?}"),
        }
    }

    fn enrolled(&self, request: &BioEnrollmentRequest, response: &[u8]) {
        let answer = BioEnrollmentResponse::decode(response).expect("readable");
        assert_eq!(answer.encode(), response);
        let sensor = self.config().bio_enrollment().expect("the command is there");
        let enrolled = self.authenticator.fingerprints().unwrap_or_default();
        assert!(enrolled.len() <= usize::from(sensor.max_fingerprints));
        let BioEnrollmentRequest::Fingerprint(request) = request else { return };
        let open = matches!(
            request.subcommand(),
            Fingerprints::CancelCurrentEnrollment | Fingerprints::GetFingerprintSensorInfo
        );
        assert!(open || self.token.is_some(), "enrolled by nobody");
        if let Some(listed) = &answer.template_infos {
            // A finger without a name has the empty one.
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            let known = enrolled.iter().map(|known| (&known.id, Some(name(&known.friendly_name))));
            let listed = listed.iter().map(|listed| (&listed.id, listed.friendly_name.clone()));
            assert!(known.eq(listed));
        }
        if let Fingerprints::RemoveEnrollment(id) = request.subcommand() {
            assert!(enrolled.iter().all(|known| known.id != *id));
        }
    }

    /// Whether some form of user verification protects the authenticator.
    fn is_protected(&self) -> bool {
        let configured =
            self.config().verification.built_in.as_ref().is_some_and(|lock| lock.configured);
        configured || self.durable().pin.is_some() || self.durable().fingerprints.is_some()
    }

    /// Retries only come back to whoever has been let in, or with everything gone.
    fn judge_retries(
        &self,
        request: Option<&Request>,
        status: Status,
        durable: &Durable,
        before: Retries,
    ) {
        let after = self.retries();
        let reset = matches!(request, Some(Request::Reset)) && status == Status::Ok;
        let pin_request = match request {
            Some(Request::ClientPin(request)) => Some(&**request),
            _ => None,
        };
        let matched = pin_request.is_some_and(|request| knows_pin(request, durable));
        let set =
            matches!(pin_request, Some(ClientPinRequest::SetPin { .. })) && status == Status::Ok;
        assert!(
            after.pin <= before.pin || matched || set,
            "tries for the PIN came back for {request:?}"
        );
        let (was, is) = (before.pin.unwrap_or_default(), after.pin.unwrap_or_default());
        assert!(reset || was <= is.saturating_add(1), "more than one try was taken");
        if status == Status::PinInvalid && pin_request.is_some() && !matched {
            assert_eq!(was, is + 1, "a wrong PIN costs a try");
        }
        // From nothing the lock opens again with time, and a counter that was never written is
        // full.
        let unlocked = matches!(before.verification, None | Some(0));
        assert!(
            after.verification <= before.verification || self.shown.verified || matched || unlocked,
            "tries for verification came back"
        );
    }
}

/// Whether the request proves that whoever sends it knows the PIN: under the fake provider, whether
/// its hash is in there.
fn knows_pin(request: &ClientPinRequest, durable: &Durable) -> bool {
    use ClientPinRequest as Pin;
    let hash = match request {
        Pin::ChangePin { pin_hash_enc, .. }
        | Pin::GetPinToken { pin_hash_enc, .. }
        | Pin::GetPinUvAuthTokenUsingPinWithPermissions { pin_hash_enc, .. } => pin_hash_enc,
        _ => return false,
    };
    durable.pin.as_ref().is_some_and(|pin| hash.ends_with(&pin[..16]))
}

/// What getInfo says must go together (CTAP 2.3 §6.4).
fn claims_are_consistent(info: &GetInfo) {
    let on = |option: Option<bool>| option == Some(true);
    let options = &info.options;
    assert!(info.versions.iter().all(|version| version.as_str() != "FIDO_2_2"));
    assert!(!on(options.always_uv) || !on(options.make_cred_uv_not_rqd));
    let latest = info.versions.contains(&Version::Fido2_3);
    if latest {
        assert!(options.client_pin.is_some() || options.uv.is_some());
        assert!(on(options.pin_uv_auth_token));
        assert!(info.pin_uv_auth_protocols.as_ref().is_some_and(|all| all.contains(&2)));
        assert!(info.supports_extension("hmac-secret") && info.supports_extension("credProtect"));
        assert!(on(options.cred_mgmt) || !on(options.rk));
    }
    assert!(options.client_pin.is_none() || on(options.pin_uv_auth_token));
    assert!(!on(options.cred_mgmt) || on(options.pin_uv_auth_token));
    assert!(!on(options.per_cred_mgmt_ro) || on(options.cred_mgmt));
    assert!(!on(options.no_mc_ga_permissions_with_client_pin) || options.client_pin.is_some());
    assert!(!on(options.uv_acfg) || on(options.authnr_cfg));
    assert!(!on(options.uv_bio_enroll) || options.bio_enroll.is_some());
    let settings = info.authenticator_config_commands.as_ref();
    assert_eq!(options.ep.is_some(), settings.is_some_and(|commands| commands.contains(&1)));
    assert_eq!(on(options.set_min_pin_length), info.supports_extension("minPinLength"));
    assert_eq!(
        on(options.set_min_pin_length),
        settings.is_some_and(|commands| commands.contains(&3))
    );
    assert_eq!(on(options.set_min_pin_length), info.max_rp_ids_for_set_min_pin_length.is_some());
    assert_eq!(on(options.large_blobs), info.max_serialized_large_blob_array.is_some());
    assert_eq!(info.supports_extension("credBlob"), info.max_cred_blob_length.is_some());
    let u2f = info.versions.contains(&Version::U2fV2);
    assert!(!u2f || !on(options.always_uv) || on(options.uv));
}
