//! The page at `/`: accounts, keys and sign-ins, for a person.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use crate::api::Status;

pub(crate) fn render(status: &Status) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>towline relying party</title>\n\
         <style>body{font:1rem/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding-right:1.5rem}</style>\n",
    );
    let mut line = |args: std::fmt::Arguments<'_>| {
        // Writing to a `String` can't fail.
        let _ = page.write_fmt(args);
        page.push('\n');
    };
    line(format_args!("<h1>{}</h1>", escape(&status.rp_name)));
    line(format_args!(
        "<p>A demo: it forgets everything when it stops. RP ID <code>{}</code>, origin <code>{}</code>.</p>",
        escape(&status.rp_id),
        escape(&status.origin)
    ));
    if status.accounts.is_empty() {
        line(format_args!("<p>No accounts yet.</p>"));
    }
    for account in &status.accounts {
        line(format_args!("<h2>{}</h2>", escape(&account.name)));
        line(format_args!(
            "<table><tr><th>Key</th><th>Added</th><th>Last used</th><th>Backed up</th></tr>"
        ));
        for key in &account.keys {
            let last_used = key.last_used.map_or_else(|| "never".into(), date);
            let backed_up = match (key.backup_eligible, key.backed_up) {
                (false, _) => "stays on its device",
                (true, false) => "not yet",
                (true, true) => "yes",
            };
            line(format_args!(
                "<tr><td>{}</td><td>{}</td><td>{last_used}</td><td>{backed_up}</td></tr>",
                escape(&key.name),
                date(key.added)
            ));
        }
        line(format_args!("</table>"));
    }
    line(format_args!("<h2>Sign-ins</h2><ul>"));
    for entry in status.sign_ins.iter().rev() {
        let outcome = if entry.refused.is_some() { "refused" } else { "signed in" };
        line(format_args!(
            "<li>{}: {} with {}: {outcome}</li>",
            date(entry.at),
            escape(entry.account.as_deref().unwrap_or("somebody")),
            escape(entry.key.as_deref().unwrap_or("an unknown key")),
        ));
    }
    line(format_args!("</ul></html>"));
    page
}

fn date(unix: u64) -> String {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(unix))
        .map_or_else(|| "at an unknown time".into(), httpdate::fmt_http_date)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Account;

    #[test]
    fn a_name_can_not_smuggle_markup_into_the_page() {
        let page = render(&Status {
            rp_id: "localhost".into(),
            rp_name: "demo".into(),
            origin: "http://localhost".into(),
            accounts: vec![Account {
                name: "<script>alert('x')</script>".into(),
                keys: Vec::new(),
            }],
            sign_ins: Vec::new(),
        });
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    }
}
