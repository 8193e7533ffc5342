//! authenticatorBioEnrollment (CTAP 2.3 §6.7): fingerprints are enrolled, listed, named and deleted
//! by whoever has a token for that. The sensor is asked as the person is.

use std::time::Duration;

use towline_ctap::{
    BioEnrollmentRequest, BioEnrollmentResponse, FingerprintRequest, FingerprintSubcommand as Sub,
    Permissions, Response, SampleStatus, Status, TemplateId, TemplateInfo,
};

use crate::{
    BioEnrollment, Event, Fingerprint, Template, fingerprint,
    flow::{Core, Flow, Next, await_commit},
    person::{self, Refusal, Sample},
    sequence::What,
    token::TokenSerial,
};

/// The only modality there is: fingerprints.
const MODALITY: u64 = 1;

/// How long the next sample of an enrolment can be asked for.
const BETWEEN: Duration = Duration::from_secs(30);

/// The length of a new template id, in bytes: random, so that one is never given twice.
const TEMPLATE_ID: usize = 8;

/// An enrolment under way.
struct Enrollment {
    token: TokenSerial,
    template: TemplateId,
    samples_left: u8,
}

pub(crate) fn start(core: &mut Core, request: BioEnrollmentRequest) -> Flow {
    let under_way = core.resume().map(|(what, _)| what);
    let sensor = core.config.bio_enrollment().ok_or(Status::InvalidCommand)?;
    let request = match request {
        BioEnrollmentRequest::GetModality => {
            let modality = Some(MODALITY);
            return respond(&BioEnrollmentResponse {
                modality,
                ..BioEnrollmentResponse::default()
            });
        }
        BioEnrollmentRequest::Fingerprint(request) => request,
    };
    match request.subcommand() {
        Sub::CancelCurrentEnrollment => Ok(Next::Respond(Response::status_only(Status::Ok))),
        Sub::GetFingerprintSensorInfo => sensor_info(sensor),
        _ => with_token(core, sensor, under_way, &request),
    }
}

/// Those that need the permission to manage fingerprints.
fn with_token(
    core: &mut Core,
    sensor: BioEnrollment,
    under_way: Option<What>,
    request: &FingerprintRequest,
) -> Flow {
    let auth = request.auth.as_ref().ok_or(Status::PuatRequired)?;
    let proof = core.verify_token(auth, &[&request.authenticated_message()])?;
    let token = proof.permits(Permissions::BE)?.serial();
    match request.subcommand() {
        Sub::EnrollBegin { timeout } => {
            if core.state.fingerprints.len() >= usize::from(sensor.max_fingerprints) {
                return Err(Status::FpDatabaseFull);
            }
            let id = core.provider.random.bytes::<TEMPLATE_ID>().map_err(|_| Status::Other)?;
            let enrollment = Enrollment {
                token,
                template: TemplateId::new(&id),
                samples_left: sensor.max_samples,
            };
            capture(enrollment, *timeout, true)
        }
        Sub::EnrollCaptureNextSample { template, timeout } => {
            // The token that it was begun with lives, so that this is the same one.
            let Some(What::Enrollment { template: begun, samples_left }) = under_way else {
                return Err(Status::NotAllowed);
            };
            if begun != *template {
                return Err(Status::InvalidOption);
            }
            let enrollment = Enrollment { token, template: begun, samples_left };
            capture(enrollment, *timeout, false)
        }
        Sub::EnumerateEnrollments => enumerate(core),
        Sub::SetFriendlyName { template, name } => {
            let mut all = core.state.fingerprints.clone();
            let named = all.iter_mut().find(|known| known.id == *template);
            let named = named.ok_or(Status::InvalidOption)?;
            if name.len() > usize::from(sensor.max_friendly_name) {
                return Err(Status::InvalidLength);
            }
            named.friendly_name = Some(name.clone());
            save(core, all, None, BioEnrollmentResponse::default())
        }
        Sub::RemoveEnrollment(template) => {
            let mut all = core.state.fingerprints.clone();
            let place = all.iter().position(|known| known.id == *template);
            let removed = all.remove(place.ok_or(Status::InvalidOption)?);
            let event = Event::FingerprintRemoved(removed);
            save(core, all, Some(event), BioEnrollmentResponse::default())
        }
        Sub::CancelCurrentEnrollment | Sub::GetFingerprintSensorInfo => Err(Status::NotAllowed),
    }
}

fn respond(response: &BioEnrollmentResponse) -> Flow {
    Ok(Next::Respond(response.encode()))
}

fn sensor_info(sensor: BioEnrollment) -> Flow {
    respond(&BioEnrollmentResponse {
        modality: Some(MODALITY),
        fingerprint_kind: Some(sensor.kind.to_u8().into()),
        max_capture_samples_required_for_enroll: Some(sensor.max_samples.into()),
        max_template_friendly_name: Some(sensor.max_friendly_name.into()),
        ..BioEnrollmentResponse::default()
    })
}

fn enumerate(core: &Core) -> Flow {
    if core.state.fingerprints.is_empty() {
        return Err(Status::InvalidOption);
    }
    let infos = core.state.fingerprints.iter().map(|known| TemplateInfo {
        id: known.id.clone(),
        // Never left out: clients rely on it.
        friendly_name: Some(known.friendly_name.clone().unwrap_or_default()),
    });
    let template_infos = Some(infos.collect());
    respond(&BioEnrollmentResponse { template_infos, ..BioEnrollmentResponse::default() })
}

/// Asks the sensor for one sample.
fn capture(enrollment: Enrollment, timeout: Option<u64>, first: bool) -> Flow {
    let (template, samples_left) = (enrollment.template.clone(), enrollment.samples_left);
    let patience = timeout.map(Duration::from_millis);
    person::ask_sample(template, samples_left, patience, move |core, sample| match sample {
        Ok(Sample::Taken(status)) => taken(core, enrollment, status, first),
        Ok(Sample::Enrolled(template)) => enrolled(core, enrollment, template, first),
        // Nobody came: that is said of the sample, too, and is no error.
        Err(Refusal::TimedOut) => taken(core, enrollment, SampleStatus::NoUserActivity, first),
        Err(Refusal::Denied | Refusal::NotVerified) => Err(Status::OperationDenied),
    })
}

fn taken(core: &mut Core, mut enrollment: Enrollment, status: SampleStatus, first: bool) -> Flow {
    if status == SampleStatus::Good {
        enrollment.samples_left = enrollment.samples_left.saturating_sub(1);
    }
    let response = progress(&enrollment, status, first);
    let Enrollment { token, template, samples_left } = enrollment;
    core.remember(BETWEEN, Some(token), What::Enrollment { template, samples_left });
    respond(&response)
}

/// The sensor has all the samples that it needs.
fn enrolled(core: &mut Core, mut enrollment: Enrollment, template: Template, first: bool) -> Flow {
    enrollment.samples_left = 0;
    let response = progress(&enrollment, SampleStatus::Good, first);
    let new = Fingerprint { id: enrollment.template, friendly_name: None, template };
    let mut all = core.state.fingerprints.clone();
    all.push(new.clone());
    save(core, all, Some(Event::FingerprintEnrolled(new)), response)
}

fn progress(enrollment: &Enrollment, status: SampleStatus, first: bool) -> BioEnrollmentResponse {
    BioEnrollmentResponse {
        template: first.then(|| enrollment.template.clone()),
        last_enroll_sample_status: Some(status),
        remaining_samples: Some(enrollment.samples_left.into()),
        ..BioEnrollmentResponse::default()
    }
}

/// Stores the fingerprints as they are to be from now on.
fn save(
    core: &mut Core,
    all: Vec<Fingerprint>,
    event: Option<Event>,
    response: BioEnrollmentResponse,
) -> Flow {
    let work = core.store.commit(vec![fingerprint::change(&all)]);
    await_commit(core, work, move |core, saved| {
        saved.map_err(|error| error.status())?;
        core.state.fingerprints = all;
        core.events.extend(event);
        respond(&response)
    })
}
