//! `benches/RESULTS.md`, and the plots beside it.

use std::{fmt::Write, fs, process::Command};

use crate::run::{Group, Row};

/// What the table is of.
pub fn head(rounds: usize) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let date = output("date", &["-u", "+%Y-%m-%d"]);
    let rustc = output("rustc", &["--version"]);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let mut versions = String::new();
    for name in PEERS {
        let before = format!("name = \"{name}\"\nversion = \"");
        let after = lock.split(&before).skip(1);
        for version in after.filter_map(|rest| rest.split('"').next()) {
            write!(versions, "{name} {version}, ").unwrap();
        }
    }
    format!(
        "# Results\n\nOne run of [`compare`](compare/README.md) on {date}: {} (virtual, shared with \
         other work, load {load}), {rustc}, `release` without LTO. Versions: {}.\n\nProcessor time of the \
         thread, {rounds} rounds in shuffled order; medians with their quartiles, and the median of \
         the rounds' ratios to the floor, which is the first row. Only ratios within one table \
         count.\n",
        model.unwrap_or("a processor without a name"),
        versions.trim_end_matches(", "),
    )
}

const PEERS: [&str; 14] = [
    "aws-lc-rs",
    "ring",
    "graviola",
    "p256",
    "sha2",
    "passkey-authenticator",
    "passkey-client",
    "passkey-crypto",
    "webauthn-authenticator-rs",
    "soft-fido2",
    "snow",
    "minicbor",
    "ciborium",
    "towline-authenticator",
];

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

/// Paragraphs in lines of at most 100 columns; rows of tables stay as they are.
pub fn wrapped(text: &str) -> String {
    let mut wrapped = String::new();
    for line in text.lines() {
        let mut column = 0;
        if line.starts_with('|') {
            wrapped += line;
        } else {
            for word in line.split(' ') {
                let width = word.chars().count();
                if column != 0 && column + 1 + width > 100 {
                    wrapped.push('\n');
                    column = 0;
                } else if column != 0 {
                    wrapped.push(' ');
                    column += 1;
                }
                wrapped += word;
                column += width;
            }
        }
        wrapped.push('\n');
    }
    wrapped
}

pub fn table(group: &Group, rows: &[Row]) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", group.title, group.about);
    text += "| | median | quartiles | to the floor |\n| --- | ---: | ---: | ---: |\n";
    for Row { name, time: [low, median, high], to_floor } in rows {
        let (low, median, high) = (seconds(*low), seconds(*median), seconds(*high));
        writeln!(text, "| {name} | {median} | {low} to {high} | **{to_floor:.2}** |").unwrap();
    }
    text
}

pub fn seconds(time: f64) -> String {
    match time {
        t if t < 1e-6 => format!("{:.0} ns", t * 1e9),
        t if t < 1e-3 => format!("{:.1} µs", t * 1e6),
        t => format!("{:.2} ms", t * 1e3),
    }
}

/// A line for each name, over counts that grow tenfold or twofold; both axes are logarithmic.
pub fn plot(title: &str, across: &str, lines: &[(String, Vec<(f64, f64)>)]) -> String {
    const COLOURS: [&str; 5] = ["#1b6ca8", "#c2452d", "#3c8d53", "#8a5fb0", "#8a6d1f"];
    let points = || lines.iter().flat_map(|(_, points)| points);
    let range = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        (low.log10(), values.iter().copied().fold(f64::MIN, f64::max).log10())
    };
    let (left, right) = range(points().map(|p| p.0).collect());
    let (bottom, top) = range(points().map(|p| p.1).collect());
    let (bottom, top) = (bottom.floor(), top.ceil().max(bottom.floor() + 1.0));
    let x = |value: f64| 70.0 + (value.log10() - left) / (right - left).max(1e-9) * 420.0;
    let y = |value: f64| 300.0 - (value.log10() - bottom) / (top - bottom) * 240.0;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 350\" \
         font-family=\"sans-serif\" font-size=\"12\"><rect width=\"720\" height=\"350\" \
         fill=\"white\"/>\n",
    );
    writeln!(svg, "<text x=\"70\" y=\"30\" font-size=\"15\">{title}</text>").unwrap();
    writeln!(svg, "<text x=\"280\" y=\"342\" text-anchor=\"middle\">{across}</text>").unwrap();
    for decade in bottom as i32..=top as i32 {
        let value = 10f64.powi(decade);
        let at = y(value);
        writeln!(svg, "<path d=\"M70 {at:.1}H490\" stroke=\"#ddd\"/>").unwrap();
        let label = seconds(value);
        writeln!(svg, "<text x=\"64\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", at + 4.0)
            .unwrap();
    }
    if let Some((_, first)) = lines.first() {
        for (count, _) in first {
            let at = x(*count);
            writeln!(svg, "<text x=\"{at:.1}\" y=\"320\" text-anchor=\"middle\">{count}</text>")
                .unwrap();
        }
    }
    for (index, (name, points)) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let path: Vec<String> =
            points.iter().map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
        let path = path.join(" ");
        writeln!(
            svg,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        )
        .unwrap();
        let at = 70 + index * 20;
        writeln!(svg, "<text x=\"505\" y=\"{at}\" fill=\"{colour}\">{name}</text>").unwrap();
    }
    svg + "</svg>\n"
}
