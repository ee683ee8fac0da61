//! That the image can be built from what the Dockerfile copies and nothing else. Each of its steps gets a folder with
//! just those files, and there its commands run, in the cheapest form that still notices one that is missing.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Component, Path, PathBuf},
    process::Command,
};

use crate::{
    dockerfile::{ROOT, instructions, is_sent},
    told,
};

/// One step of the Dockerfile, up to now.
struct Step {
    /// What stands for `/`.
    root: PathBuf,
    /// WORKDIR, below it.
    work: PathBuf,
}

#[test]
fn the_image_can_be_built_from_what_is_copied() {
    // Below the build directory and always the same, so that what was checked the last time is not checked again.
    let folder = target().join("image");
    let _ = fs::remove_dir_all(&folder);
    let mut steps = BTreeMap::<String, Step>::new();
    let mut current = None;
    for (word, rest) in instructions() {
        if word == "FROM" {
            // The last step has no name, and copies only what the others have made.
            current = rest.split_once(" AS ").map(|(_, name)| name.to_owned());
            if let Some(name) = &current {
                let root = folder.join(name);
                steps.insert(name.clone(), Step { work: root.clone(), root });
            }
        }
        let Some(name) = &current else { continue };
        match word.as_str() {
            "WORKDIR" => {
                let step = steps.get_mut(name).unwrap();
                step.work = step.at(&rest);
                fs::create_dir_all(&step.work).unwrap();
            }
            "COPY" => match rest.strip_prefix("--from=").and_then(|rest| rest.split_once(' ')) {
                Some((from, paths)) => steps[name].take(paths, |path| steps[from].at(path), |_| true),
                None => steps[name].take(&rest, |path| Path::new(ROOT).join(path), is_sent_from_here),
            },
            "RUN" => steps[name].run(&rest),
            _ => {}
        }
    }
    assert_eq!(steps.into_keys().collect::<Vec<_>>(), ["pages", "server"]);
    told("the image can be built from what the Dockerfile copies, as far as a dev build says");
}

impl Step {
    /// What a path of the image is here.
    fn at(&self, path: &str) -> PathBuf {
        let mut at = if path.starts_with('/') { self.root.clone() } else { self.work.clone() };
        for part in Path::new(path).components() {
            match part {
                Component::ParentDir => assert!(at.pop() && at.starts_with(&self.root), "{path}"),
                Component::Normal(name) => at.push(name),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        at
    }

    /// COPY: of a folder what is in it, of a file the file.
    fn take(&self, paths: &str, find: impl Fn(&str) -> PathBuf, sent: impl Fn(&Path) -> bool + Copy) {
        let (sources, to) = paths.rsplit_once(' ').unwrap();
        for source in sources.split(' ') {
            let from = find(source);
            let into_folder = from.is_file() && (to.ends_with('/') || to == ".");
            let name = from.file_name().filter(|_| into_folder);
            copy(&from, &name.map_or_else(|| self.at(to), |name| self.at(to).join(name)), sent);
        }
    }

    /// RUN: what the Dockerfile says, in short.
    fn run(&self, command: &str) {
        let modules = Path::new(ROOT).join("web/node_modules");
        if command.starts_with("npm ") && !modules.is_dir() {
            // The binary is built without the pages as well.
            fs::create_dir_all(self.work.join("dist")).unwrap();
            told(&format!(
                "not checked here: {command:?} (`make pages` brings web/node_modules, if npm is there)"
            ));
        } else if command.starts_with("npm ci ") {
            std::os::unix::fs::symlink(modules, self.work.join("node_modules")).unwrap();
        } else if command == "npm run build" {
            self.succeed(Command::new("npm").args(["run", "--silent", "build"]));
            assert!(self.work.join("dist/index.html").is_file());
        } else if command.contains("cargo build --locked --release ") {
            let mut check = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            // What Cargo tells this test of itself: for the dependencies it would be news, and they would be built anew.
            for (name, _) in std::env::vars_os() {
                if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|own| name.to_string_lossy().starts_with(own))
                {
                    check.env_remove(name);
                }
            }
            self.succeed(check.args(["check", "--locked", "--quiet"]).env("CARGO_TARGET_DIR", target()));
        } else {
            panic!("what is cheaper than this, and notices a missing file? {command}");
        }
    }

    fn succeed(&self, command: &mut Command) {
        let output = command.current_dir(&self.work).output().unwrap();
        let (said, wrong) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{:?}: {said}\n{wrong}", command.get_program());
    }
}

/// Where Cargo builds.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

fn is_sent_from_here(path: &Path) -> bool {
    is_sent(path.strip_prefix(ROOT).unwrap().to_str().unwrap())
}

/// What is sent of it. The times stay as they are: Cargo goes by them.
fn copy(from: &Path, to: &Path, sent: impl Fn(&Path) -> bool + Copy) {
    if !sent(from) {
        return;
    }
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()), sent);
        }
    } else {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        let changed = fs::metadata(from).unwrap().modified().unwrap();
        File::options().write(true).open(to).unwrap().set_modified(changed).unwrap();
    }
}
