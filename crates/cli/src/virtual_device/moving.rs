//! Exports and imports as JSON: the document is the Credential Exchange Format.

use serde_json::{Value, json};
use towline_virtual::exchange::{Export, ItemOutcome, ItemReport};

use crate::exit::{Exit, Failure};

/// The document, and what is not in it.
pub(super) fn exported(export: &Export) -> Result<Value, Failure> {
    let document: Value = serde_json::from_slice(&export.document())
        .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?;
    let left_out = export.reports().iter().filter_map(|report| {
        let reason = report.outcome.as_ref().err()?.as_str();
        Some(json!({ "rpId": report.site, "userName": report.account, "reason": reason }))
    });
    let left_out: Vec<Value> = left_out.collect();
    Ok(json!({ "document": document, "leftOut": left_out }))
}

/// What became of one credential, in the words of the reports.
pub(super) fn imported(report: &ItemReport) -> Value {
    let (reason, missing) = match &report.outcome {
        ItemOutcome::Refused(refused) => (Some(refused.reason.as_str()), Vec::new()),
        ItemOutcome::Conflict(conflict) => (Some(conflict.as_str()), Vec::new()),
        ItemOutcome::ImportedPartly(missing) => {
            (None, missing.iter().map(|missing| missing.as_str()).collect())
        }
        _ => (None, Vec::new()),
    };
    json!({
        "outcome": report.outcome.as_str(),
        "rpId": report.site,
        "userName": report.account,
        "reason": reason,
        "missing": missing,
    })
}
