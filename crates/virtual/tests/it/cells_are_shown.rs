//! The page of what there is names a test for each cell, and each of them exists.

use std::{fs, path::Path};

#[test]
fn every_cell_names_tests_that_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = fs::read_to_string(docs.join("virtual.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(2);
    let (mut cells, mut tests) = (0, 0);
    for row in rows {
        let [_, what, ours, shown, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{row}")
        };
        cells += 1;
        assert!(!what.is_empty() && !ours.is_empty(), "{row}");
        for test in shown.trim_end_matches(')').split("), ") {
            let (name, file) = test.strip_prefix("[`").unwrap().split_once("`](").unwrap();
            let file = docs.join(file);
            let source = fs::read_to_string(&file).unwrap_or_else(|error| {
                panic!("{what}: {}: {error}", file.display());
            });
            tests += 1;
            // In other languages it stands at the beginning of a test, or of what a test calls.
            if file.extension().is_some_and(|kind| kind != "rs") {
                let begins =
                    ["async '", "test('", "def ", "function "].map(|it| it.to_owned() + name);
                assert!(begins.iter().any(|it| source.contains(it)), "{what}: no test {name}");
                continue;
            }
            let found = source.split_once(&format!("fn {name}("));
            let before = found.unwrap_or_else(|| panic!("{what}: there is no test {name}")).0;
            let attribute = before.rsplit("\n\n").next().unwrap();
            assert!(attribute.contains("test"), "{what}: {name} is no test");
        }
    }
    assert!(cells > 25 && tests > 30, "{cells} cells, {tests} tests");
}
