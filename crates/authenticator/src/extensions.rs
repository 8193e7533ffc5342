//! The extensions of makeCredential and getAssertion (CTAP 2.3 §12): what is asked for is read
//! before anybody is bothered, and nothing is answered that was not asked for.

use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, Extensions, GetAssertionRequest, LargeBlobKey, RpId, Status,
    extension::{
        CredentialProtectionPolicy, ExtensionValue, GetLargeBlobKey, GetMinPinLength, HmacSecret,
        HmacSecretInput, HmacSecretMcInput, HmacSecretMcOutput, LargeBlobSupport,
        LargeBlobSupported, MinPinLength, PinComplexityPolicy, PrfCreateInput, PrfCreateOutput,
        PrfGetInput, PrfGetOutput,
    },
};

use crate::{
    Change, Config, CredRandom, ExtensionData, LargeBlobPlace, PinComplexity,
    flow::Core,
    hmac_secret::{Salts, evaluate},
    kept_extensions::{Keeping, ROWS, Tell},
    large_blob_extension::{self, Outcome, Wish},
    person::proof::{Gestures, Present},
};

/// The identifiers of those that are on.
pub(crate) fn ids(config: &Config) -> Vec<String> {
    let all = [
        (config.extensions.cred_protect, CredentialProtectionPolicy::ID),
        (config.extensions.hmac_secret, HmacSecret::ID),
        (config.extensions.hmac_secret_mc, HmacSecretMcInput::ID),
        (config.extensions.prf, PrfCreateInput::ID),
        (config.extensions.large_blobs.array().is_some(), GetLargeBlobKey::ID),
        (config.extensions.large_blobs.blob().is_some(), LargeBlobSupport::ID),
        (config.min_pin_length_rp_ids().is_some(), MinPinLength::ID),
        (tells_pin_complexity(config), PinComplexityPolicy::ID),
    ];
    let kept = ROWS.iter().map(|row| ((row.is_on)(config), row.id));
    all.into_iter().chain(kept).filter(|(on, _)| *on).map(|(_, id)| id.into()).collect()
}

/// Whether relying parties can learn of the policy on the complexity of PINs.
fn tells_pin_complexity(config: &Config) -> bool {
    config.pin_complexity() != PinComplexity::None && config.min_pin_length_rp_ids().is_some()
}

/// The proof that what is guarded needs.
fn presence(gestures: &Gestures) -> Result<Present, Status> {
    gestures.presence().ok_or(Status::UnsupportedOption)
}

/// The input of an extension that is on.
pub(crate) fn input<T: ExtensionValue>(inputs: &Extensions, on: bool) -> Result<Option<T>, Status> {
    if on { inputs.get().map_err(|malformed| malformed.status()) } else { Ok(None) }
}

fn read_salts(core: &mut Core, input: &HmacSecretInput) -> Result<Salts, Status> {
    Salts::read(&core.config.tokens, &mut core.key_agreement, &core.provider, input)
}

/// What a creation asks for.
pub(crate) struct Creating {
    pub(crate) protection: Option<CredentialProtectionPolicy>,
    hmac_secret: bool,
    salts: Option<Salts>,
    prf: Option<PrfCreateInput>,
    large_blob_key: bool,
    /// Whether the credential can have a blob, if that was asked.
    large_blob: Option<bool>,
    min_pin_length: bool,
    pin_complexity: bool,
    /// Of the extensions that do nothing but keep.
    keeping: Keeping,
}

/// What the extensions of a registration put into its response and its credential.
#[derive(Default)]
pub(crate) struct Created {
    pub(crate) signed: Extensions,
    pub(crate) unsigned: Extensions,
    pub(crate) large_blob_key: Option<LargeBlobKey>,
    /// What is kept with the credential.
    pub(crate) kept: Option<Box<ExtensionData>>,
}

impl Creating {
    pub(crate) fn read(
        core: &mut Core,
        inputs: &Extensions,
        rp_id: &RpId,
        discoverable: bool,
    ) -> Result<Self, Status> {
        let config = &core.config;
        let hmac_secret = input::<HmacSecret>(inputs, config.extensions.hmac_secret)?;
        let hmac_secret = hmac_secret.is_some_and(|HmacSecret(asked)| asked);
        let mc = input::<HmacSecretMcInput>(inputs, config.extensions.hmac_secret_mc)?;
        if mc.is_some() && !hmac_secret {
            return Err(Status::MissingParameter);
        }
        let large_blob_key =
            input::<GetLargeBlobKey>(inputs, config.extensions.large_blobs.array().is_some())?;
        let large_blob_key = match large_blob_key {
            None => false,
            Some(GetLargeBlobKey(true)) if discoverable => true,
            Some(_) => return Err(Status::InvalidOption),
        };
        let large_blob = input(inputs, config.extensions.large_blobs.blob().is_some())?;
        let large_blob = large_blob
            .map(|wanted| large_blob_extension::support(wanted, discoverable))
            .transpose()?;
        // These answer only those that may learn it.
        let all = config.pin.as_ref().is_some_and(|pin| pin.min_length_for_all);
        let listed = &core.state.settings.min_pin_length_rp_ids;
        let told = all || listed.iter().any(|id| id == rp_id.as_str());
        let min = input::<GetMinPinLength>(inputs, config.min_pin_length_rp_ids().is_some())?;
        let policy = input::<PinComplexityPolicy>(inputs, tells_pin_complexity(config))?;
        let mut keeping = Keeping::default();
        for row in &ROWS {
            (row.keep)(inputs, config, &mut keeping)?;
        }
        let mut creating = Self {
            protection: input(inputs, config.extensions.cred_protect)?,
            hmac_secret,
            salts: None,
            prf: input(inputs, config.extensions.prf)?,
            large_blob_key,
            large_blob,
            min_pin_length: told && min == Some(GetMinPinLength(true)),
            pin_complexity: told && policy == Some(PinComplexityPolicy(true)),
            keeping,
        };
        if let Some(HmacSecretMcInput(input)) = mc {
            creating.salts = Some(read_salts(core, &input)?);
        }
        Ok(creating)
    }

    /// What is kept with the new credential, but for what is made with it.
    pub(crate) fn kept(&self) -> &ExtensionData {
        &self.keeping.data
    }

    /// The outputs, and what is kept. `secret` is the new credential's own, for `hmac-secret`.
    pub(crate) fn finish(
        &self,
        core: &Core,
        gestures: &Gestures,
        secret: Secret<32>,
    ) -> Result<Created, Status> {
        let (config, provider) = (&core.config, &core.provider);
        let verified = gestures.is_verified();
        let mut created = Created { signed: self.keeping.signed.clone(), ..Created::default() };
        let mut kept = self.keeping.data.clone();
        if let Some(protection) = &self.protection {
            created.signed.set(protection);
        }
        if config.extensions.hmac_secret || config.extensions.prf {
            let secret = CredRandom::Derived(secret);
            // Every credential gets one: who asks for it later only has to be verified, not to be
            // registered again.
            if self.hmac_secret {
                created.signed.set(&HmacSecret(true));
            }
            if let Some(salts) = &self.salts {
                let output = salts.answer(provider, &secret, verified, presence(gestures)?)?;
                created.signed.set(&HmacSecretMcOutput(output));
            }
            if let Some(prf) = &self.prf {
                let present = presence(gestures)?;
                let results =
                    prf.eval.map(|salts| evaluate(provider, &secret, verified, present, &salts));
                created.unsigned.set(&PrfCreateOutput { enabled: true, results });
            }
            kept.cred_random = Some(secret);
        }
        if self.large_blob_key {
            let key = provider.random.secret().map_err(|_| Status::Other)?;
            kept.large_blob_key = Some(LargeBlobKey::new(key));
            created.large_blob_key = kept.large_blob_key.clone();
        }
        if let Some(supported) = self.large_blob {
            kept.large_blob = supported.then_some(LargeBlobPlace::Empty);
            created.unsigned.set(&LargeBlobSupported(supported));
        }
        if self.min_pin_length {
            created.signed.set(&MinPinLength(core.min_pin_length().into()));
        }
        if self.pin_complexity {
            created.signed.set(&PinComplexityPolicy(core.pin_complexity()));
        }
        created.kept = (kept != ExtensionData::default()).then(|| Box::new(kept));
        Ok(created)
    }
}

/// What an assertion asks for.
#[derive(Default)]
pub(crate) struct Asserting {
    salts: Option<Salts>,
    prf: Option<PrfGetInput>,
    large_blob_key: bool,
    large_blob: Option<Wish>,
    /// Of what extensions keep that do nothing else.
    tells: Vec<Tell>,
}

/// What the extensions of a sign-in put into its response and its credential.
#[derive(Default)]
pub(crate) struct Asserted {
    pub(crate) signed: Extensions,
    pub(crate) unsigned: Extensions,
    pub(crate) large_blob_key: Option<LargeBlobKey>,
    /// What is to be stored before it is answered; [`large_blob_extension::written`] has the output
    /// for it.
    pub(crate) write: Option<Change>,
}

impl Asserting {
    pub(crate) fn read(core: &mut Core, request: &GetAssertionRequest) -> Result<Self, Status> {
        let (config, inputs) = (&core.config, &request.extensions);
        let large_blob_key = match input(inputs, config.extensions.large_blobs.array().is_some())? {
            None => false,
            Some(GetLargeBlobKey(true)) => true,
            Some(_) => return Err(Status::InvalidOption),
        };
        let mut tells = Vec::new();
        for row in &ROWS {
            tells.extend((row.asked)(inputs, config)?);
        }
        let secret = input::<HmacSecretInput>(inputs, config.extensions.hmac_secret)?;
        let prf = input(inputs, config.extensions.prf)?;
        let large_blob = input(inputs, config.extensions.large_blobs.blob().is_some())?;
        // What is secret or stored for a site is for nobody who does not even ask for presence
        // (§12.5, `hmac-secret`). The proof that the functions behind these need is refused without
        // it, too; this comes before any question.
        let guarded = secret.is_some() || prf.is_some() || large_blob.is_some();
        if guarded && request.options.up == Some(false) {
            return Err(Status::UnsupportedOption);
        }
        let mut asserting = Self {
            salts: None,
            prf,
            large_blob_key,
            large_blob: large_blob
                .map(|input| Wish::new(config.extensions.large_blobs, input, request)),
            tells,
        };
        if let Some(input) = secret {
            asserting.salts = Some(read_salts(core, &input)?);
        }
        Ok(asserting)
    }

    /// The outputs for a credential with what is kept of it.
    pub(crate) fn finish(
        &self,
        core: &Core,
        id: &CredentialId,
        kept: Option<&ExtensionData>,
        gestures: &Gestures,
    ) -> Result<Asserted, Status> {
        let provider = &core.provider;
        let verified = gestures.is_verified();
        let (mut signed, mut unsigned) = (Extensions::new(), Extensions::new());
        if let Some(secret) = kept.and_then(|kept| kept.cred_random.as_ref()) {
            if let Some(salts) = &self.salts {
                signed.set(&salts.answer(provider, secret, verified, presence(gestures)?)?);
            }
            if let Some(salts) = self.prf.as_ref().and_then(|prf| prf.salts_for(id)) {
                let present = presence(gestures)?;
                let results = Some(evaluate(provider, secret, verified, present, salts));
                unsigned.set(&PrfGetOutput { results });
            }
        }
        self.tells.iter().for_each(|tell| tell(kept, &mut signed));
        let large_blob_key = kept.and_then(|kept| kept.large_blob_key.clone());
        let large_blob_key = large_blob_key.filter(|_| self.large_blob_key);
        let outcome = match &self.large_blob {
            None => None,
            Some(wish) => {
                let may_write = verified || !(core.is_protected() || core.always_uv());
                Some(wish.fulfil(id, kept, may_write, core.time, presence(gestures)?))
            }
        };
        let write = match outcome {
            None => None,
            Some(Outcome::Write(change)) => Some(change),
            Some(Outcome::Answer(output)) => {
                unsigned.set(&output);
                None
            }
        };
        Ok(Asserted { signed, unsigned, large_blob_key, write })
    }
}
