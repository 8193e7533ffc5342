//! What the README and the pages promise of how little has to be written.

use std::{fs, path::Path};

use towline_virtual::{Error, VirtualAuthenticator, person::signing_in};

use crate::options::{create, get};

/// The five lines of the README, under its heading "Test a site".
fn five_lines(creation_options: &str, request_options: &str) -> Result<[String; 2], Error> {
    let device = VirtualAuthenticator::platform();
    let registration = device.create("https://example.org", creation_options)?;
    device.person().when(signing_in()).refuses().once();
    assert!(device.get("https://example.org", request_options).is_err());
    let assertion = device.get("https://example.org", request_options)?;
    Ok([registration, assertion])
}

/// The lines of a function that are neither empty nor comments, without its own first and last.
fn lines(source: &str, function: &str) -> Vec<String> {
    let (_, rest) = source.split_once(&format!("\nfn {function}(")).unwrap();
    let (body, _) = rest.split_once("\n}\n").unwrap();
    let (_, body) = body.split_once("{\n").unwrap();
    let lines = body.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(str::to_owned).collect()
}

#[test]
fn the_five_lines_of_the_readme_test_a_site() {
    let [registration, assertion] = five_lines(&create("alice"), &get()).unwrap();
    assert!(registration.contains("attestationObject") && assertion.contains("signature"));

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("\n## Test a site\n").unwrap();
    let (code, _) = section.split_once("```rust\n").unwrap().1.split_once("```").unwrap();
    let (imports, code): (Vec<&str>, Vec<&str>) =
        code.lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with("use "));
    let mut here = lines(include_str!("promises_hold.rs"), "five_lines");
    assert_eq!(here.pop().as_deref(), Some("Ok([registration, assertion])"));
    assert_eq!(code, here, "this is what the README says");
    assert_eq!(imports, ["use towline_virtual::{VirtualAuthenticator, person::signing_in};"]);
    assert_eq!(code.len(), 5);
}

#[test]
fn ten_situations_take_forty_lines_and_misbehaving_devices_ten_more() {
    let source = include_str!("ten_situations.rs");
    let situations = lines(source, "ten_situations");
    assert!(situations.len() <= 40, "{} lines", situations.len());
    let misbehaving = lines(source, "devices_that_misbehave");
    assert!(misbehaving.len() <= 10, "{} lines", misbehaving.len());
    for heading in ["1 and 2. ", "3. ", "4. ", "5. ", "6. ", "7. ", "8. ", "9. ", "10. "] {
        assert!(source.contains(&format!("    // {heading}")), "{heading}");
    }
}
