//! How the files of the authenticator import each other: only what hands a ceremony on from step to
//! step is a circle, so that a record, a proof or a rule can be read without the machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{code, name, root, sources};

/// How many files may import each other in a circle.
const LARGEST: usize = 6;

type Names = Vec<String>;

/// The paths of a tree of imports, such as `a::{b, c::{d, e}}`.
fn leaves(tree: &str) -> Vec<String> {
    let (mut depth, mut pieces) = (0, vec![String::new()]);
    for character in tree.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        pieces.last_mut().unwrap().push(character);
    }
    let flat = |piece: &String| match piece.split_once('{') {
        Some((head, rest)) => {
            let inner = rest.rsplit_once('}').unwrap().0;
            leaves(inner).iter().map(|leaf| format!("{}{leaf}", head.trim())).collect()
        }
        None => vec![piece.trim().to_owned()],
    };
    pieces.iter().flat_map(flat).filter(|leaf| !leaf.is_empty()).collect()
}

/// The paths that a file names, from the root of its crate on; of those it only passes on, if
/// `public`.
fn imports(module: &[String], code: &str, public: bool) -> Vec<Names> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some((before, tree)) = statement.rsplit_once("use ") else { continue };
        let is_tree = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
        if tree.chars().all(is_tree) && (!public || before.ends_with("pub ")) {
            paths.extend(leaves(tree));
        }
    }
    if !public {
        let inline = code.split("crate::").skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            format!("crate::{}", &rest[..end.unwrap_or(rest.len())])
        });
        paths.extend(inline);
    }
    let absolute = paths.iter().map(|path| {
        let path = path.split(" as ").next().unwrap();
        let mut names = module.to_vec();
        for (place, part) in path.split("::").enumerate() {
            match part {
                "crate" if place == 0 => names.clear(),
                "super" => drop(names.pop()),
                "self" | "" => {}
                part => names.push(part.to_owned()),
            }
        }
        names
    });
    absolute.collect()
}

#[test]
fn the_files_of_the_authenticator_make_no_large_circle() {
    let source = root().join("crates/authenticator/src");
    let module = |path: &Path| -> Names {
        let path = path.strip_prefix(&source).unwrap().with_extension("");
        let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
        parts.filter(|part| part != "lib" && part != "mod").collect()
    };
    let files: BTreeMap<Names, PathBuf> =
        sources(&source).into_iter().map(|path| (module(&path), path)).collect();
    let mut passed_on = BTreeMap::new();
    for (module, path) in &files {
        for import in imports(module, &code(path), true) {
            let shown = [module.clone(), vec![import.last().unwrap().clone()]].concat();
            passed_on.insert(shown, import);
        }
    }
    // Where something is declared, however it is named.
    let declared = |mut names: Names| {
        let shown = |names: &Names| {
            (1..=names.len()).find_map(|end| {
                let found = passed_on.get(&names[..end])?;
                (!files.contains_key(&names[..end])).then(|| [found, &names[end..]].concat())
            })
        };
        while let Some(other) = shown(&names) {
            names = other;
        }
        while !files.contains_key(&names) {
            names.pop();
        }
        names
    };
    let edges: BTreeMap<&Names, BTreeSet<Names>> = files
        .iter()
        .filter(|(module, _)| !module.is_empty())
        .map(|(module, path)| {
            let used = imports(module, &code(path), false).into_iter().map(&declared);
            (module, used.filter(|used| used != module && !used.is_empty()).collect())
        })
        .collect();
    let reach = |from: &Names| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(file) = next.pop() {
            for to in edges.get(&file).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Names, BTreeSet<Names>> =
        edges.keys().map(|file| (*file, reach(file))).collect();
    assert!(reached[&vec!["dispatch".to_owned()]].contains(&vec!["flow".to_owned()]), "none read");
    for (file, others) in &reached {
        let circle = others.iter().filter(|other| reached[other].contains(*file));
        let circle: Vec<String> = circle.map(|other| name(&files[other])).collect();
        assert!(circle.len() <= LARGEST, "{} files in a circle: {circle:?}", circle.len());
    }
}
