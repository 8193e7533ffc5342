//! `towline keys import`: passkeys from another manager.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use serde_json::json;
use towline::{authenticator::CredentialStore as _, crypto::CryptoProvider};
use towline_exchange::{Import, ImportLimits, Importer, ItemOutcome, ItemReport, Plan};
use zeroize::Zeroizing;

use super::{
    done,
    export::passkeys,
    keepassxc,
    kept::{self, Kept, Otherwise},
    owner, sealed,
};
use crate::{
    args,
    event::{Event, Moved, Question, Way},
    exit::{Exit, Failure},
    report::Report,
};

pub(super) async fn run(
    args: &args::Keys,
    import: &args::Import,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let moving = &import.moving;
    let document = read(import)?;
    let exporter = document.exporter().map(ToOwned::to_owned);
    let place = kept::place(&args.store, Otherwise::Default)?.ok_or_else(|| {
        Failure::usage("no_store", "passkeys are imported to a file; name it with --store")
    })?;
    let mut importer = Importer::new(provider.clone());
    let there = kept::is_there(&place);
    let open = || kept::open_for(&args.store, !moving.dry_run, provider);
    let store = there.then(open).transpose()?;
    if let Some(store) = store.as_ref().filter(|_| !import.also_deleted) {
        importer.deleted =
            store.deleted_lately().map_err(|error| kept::failure_at(&place, &error))?;
    }
    let plan = document.plan(
        |id| match &store {
            Some(store) => done(store.clone().lookup(id)),
            None => Ok(None),
        },
        &importer,
    )?;
    for item in plan.reports() {
        report.event(&Event::Moved(told(item)));
    }
    let outcomes = Outcomes::of(&plan);
    if outcomes.passkeys() == 0 {
        let message = format!("{}: there is no passkey in it", import.file.display());
        return Err(Failure::usage("no_passkeys", message));
    }
    let new = plan.credentials().len();
    if new > 0 && !moving.dry_run {
        // What opens a store that is to be made is asked for before anything else is.
        let opened = args.store.opened();
        let source = (!there).then(|| kept::source(&opened, &place, true)).transpose()?;
        let mut kept = store.map_or(Kept::Memory, Kept::File);
        let message = question(new, exporter.as_deref());
        let owner = &moving.owner;
        owner::agrees(Question::Import, message, owner, &args.store, &kept, report).await?;
        if let Some(source) = source {
            let (made, event) = Kept::at(&place, &source, provider)?;
            report.event(&event);
            kept = made;
        }
        done(kept.credentials().commit(plan.changes()))?;
    }
    let stays =
        "the file still has these private keys in it: delete it once it is of no use any more";
    report.event(&Event::info(
        "imported",
        json!({
            "file": import.file.display().to_string(),
            "written_by": exporter,
            "imported": outcomes.whole,
            "imported_partly": outcomes.partly,
            "already_there": outcomes.there,
            "deleted_here": outcomes.deleted,
            "conflicts": outcomes.conflicts,
            "refused": outcomes.refused,
            "other_credentials": outcomes.others,
            "dry_run": moving.dry_run,
            "file_stays": stays,
        }),
    ));
    // The others are in all the same.
    let all = outcomes.deleted == 0 && outcomes.conflicts == 0 && outcomes.refused == 0;
    Ok(if all { Exit::Ok } else { Exit::Failed })
}

/// The document, out of whatever it is in.
fn read(import: &args::Import) -> Result<Import, Failure> {
    let limits =
        ImportLimits { document: usize::from(import.up_to) << 20, ..ImportLimits::default() };
    let bytes = bytes(&import.file, &limits)?;
    let mut document = if keepassxc::is_it(&bytes) {
        keepassxc::read(&bytes, import, &limits)?
    } else {
        let opened = sealed::is_sealed(&bytes).then(|| sealed::open(&bytes, import)).transpose()?;
        Import::read(opened.as_ref().unwrap_or(&bytes), &limits).map_err(|error| {
            let message = format!("{}: {error}", import.file.display());
            Failure::usage("not_an_export", message)
        })?
    };
    let only = &import.moving.only;
    if !only.is_empty() {
        document.retain(|site| only.iter().any(|wanted| wanted.as_str() == site));
    }
    Ok(document)
}

fn bytes(file: &Path, limits: &ImportLimits) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable =
        |why: String| Failure::usage("file", format!("{} can't be read: {why}", file.display()));
    let open = File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let is = open.metadata().map_err(|error| unreadable(error.to_string()))?;
    let most = limits.document;
    // What comes through a pipe has no length, or that of what waits there.
    let length = is.is_file().then(|| usize::try_from(is.len()).unwrap_or(usize::MAX));
    let length = length.filter(|length| *length > 0).unwrap_or(most);
    let too_long = || {
        let most = most / 1_048_576;
        unreadable(format!("it is longer than {most} MiB; `--up-to MIB` reads longer ones"))
    };
    if length > most {
        return Err(too_long());
    }
    // With room for all of it, and for one more byte that tells that it is longer: nothing moves,
    // and so leaves a copy, unless the file grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    let up_to = u64::try_from(most.saturating_add(1)).unwrap_or(u64::MAX);
    open.take(up_to).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > most { Err(too_long()) } else { Ok(bytes) }
}

fn question(new: usize, exporter: Option<&str>) -> String {
    let by = exporter.map_or_else(String::new, |name| {
        format!(" from a file that says it was written by {name:?}")
    });
    format!("Import {}{by}?", passkeys(new))
}

/// How many of each.
#[derive(Debug, Default)]
struct Outcomes {
    whole: usize,
    partly: usize,
    there: usize,
    deleted: usize,
    conflicts: usize,
    refused: usize,
    others: usize,
}

impl Outcomes {
    fn of(plan: &Plan) -> Self {
        let count = |wanted: fn(&ItemOutcome) -> bool| {
            plan.reports().iter().filter(|report| wanted(&report.outcome)).count()
        };
        Self {
            whole: count(|outcome| matches!(outcome, ItemOutcome::Imported)),
            partly: count(|outcome| matches!(outcome, ItemOutcome::ImportedPartly(_))),
            there: count(|outcome| matches!(outcome, ItemOutcome::AlreadyThere)),
            deleted: count(|outcome| matches!(outcome, ItemOutcome::DeletedHere)),
            conflicts: count(|outcome| matches!(outcome, ItemOutcome::Conflict(_))),
            refused: count(|outcome| matches!(outcome, ItemOutcome::Refused(_))),
            others: count(|outcome| matches!(outcome, ItemOutcome::NotAPasskey { .. })),
        }
    }

    /// How many there were in the document.
    const fn passkeys(&self) -> usize {
        let Self { whole, partly, there, deleted, conflicts, refused, others: _ } = *self;
        let all = whole.saturating_add(partly).saturating_add(there).saturating_add(deleted);
        all.saturating_add(conflicts).saturating_add(refused)
    }
}

fn told(report: &ItemReport) -> Moved {
    let ItemReport { title, site, account, outcome, .. } = report;
    let (mut reason, mut notes, mut kind, mut member) = (None, Vec::new(), None, None);
    let message = match outcome {
        ItemOutcome::ImportedPartly(missing) => {
            notes = missing.iter().map(|missing| missing.as_str()).collect();
            let clauses: Vec<_> = missing.iter().map(ToString::to_string).collect();
            clauses.join("; ")
        }
        ItemOutcome::DeletedHere => {
            "it was deleted on one of your devices since; --also-deleted brings it back".to_owned()
        }
        ItemOutcome::Conflict(conflict) => {
            reason = Some(conflict.as_str());
            format!("{conflict}; nothing was changed")
        }
        ItemOutcome::Refused(refused) => {
            (reason, member) = (Some(refused.reason.as_str()), refused.member.clone());
            refused.reason.to_string()
        }
        ItemOutcome::NotAPasskey { kind: is, kept } => {
            kind = Some(is.clone());
            let kept = if *kept { "kept, sealed, for the next export" } else { "not imported" };
            format!("{is} of its entry, {kept}")
        }
        _ => String::new(),
    };
    Moved {
        way: Way::In,
        outcome: outcome.as_str(),
        reason,
        notes,
        rp_id: site.clone(),
        account: account.clone(),
        title: title.as_deref().filter(|_| site.is_none()).map(ToOwned::to_owned),
        kind,
        member,
        message,
    }
}
