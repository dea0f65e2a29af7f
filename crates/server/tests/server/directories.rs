//! The organisation: checked, applied, shown, switched without a restart.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{KEY, Server, directory, err, eventually, out, run, seed};

fn copy_seed(to: &Path) {
    for folder in fs::read_dir(seed()).expect("the seed is there").flatten().filter(|entry| entry.path().is_dir()) {
        let target = to.join(folder.file_name());
        fs::create_dir_all(&target).expect("it can be made");
        for file in fs::read_dir(folder.path()).expect("it can be read").flatten() {
            fs::copy(file.path(), target.join(file.file_name())).expect("it can be copied");
        }
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("it can be read");
    assert!(text.contains(from), "{from} in {}", path.display());
    fs::write(path, text.replace(from, to)).expect("it can be written");
}

#[test]
fn the_seed_is_right() {
    let output = run(&["directory", "check", &seed().display().to_string()]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("30 objects are right"), "{}", out(&output));
}

#[test]
fn a_broken_folder_is_told_with_file_line_and_column() {
    let home = directory();
    copy_seed(home.path());
    let file = home.path().join("services/PAPIGW1.json");
    edit(&file, "\"PEPLAT1\"", "\"PEPLAT2\"");
    edit(&home.path().join("services/PAUTH01.json"), "\"auto_resolve_timeout\"", "\"auto_resolve_timeot\"");
    let output = run(&["directory", "check", &home.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(said.contains(&format!("{}:6:34: ", file.display())), "{said}");
    assert!(said.contains("did you mean \"auto_resolve_timeout\""), "{said}");
    assert!(said.contains("2 problems; nothing was changed"), "{said}");
}

#[test]
fn a_file_in_no_folder_of_a_kind_is_refused() {
    let home = directory();
    fs::create_dir(home.path().join("servcies")).expect("it can be made");
    fs::write(home.path().join("servcies/P1.json"), "{}").expect("it can be written");
    let output = run(&["directory", "check", &home.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("did you mean \"services\""), "{}", err(&output));
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem_among_others() {
    let home = directory();
    copy_seed(home.path());
    let link = home.path().join("services/PLINK01.json");
    std::os::unix::fs::symlink("gone.json", &link).expect("it can be made");
    // What is no object's does not matter.
    std::os::unix::fs::symlink("gone.md", home.path().join("services/notes.md")).expect("it can be made");
    edit(&home.path().join("services/PAUTH01.json"), "\"auto_resolve_timeout\"", "\"auto_resolve_timeot\"");
    let output = run(&["directory", "check", &home.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(said.contains(&format!("{}:1:1: cannot be read", link.display())), "{said}");
    assert!(said.contains("help: it is a link to what is not there"), "{said}");
    assert!(said.contains("auto_resolve_timeout") && said.contains("2 problems"), "{said}");

    let other = directory();
    std::os::unix::fs::symlink("gone", other.path().join("services")).expect("it can be made");
    let output = run(&["directory", "check", &other.path().display().to_string()]);
    assert!(err(&output).contains("services:1:1: cannot be read"), "{}", err(&output));
}

#[test]
fn a_misspelt_service_is_no_empty_list() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let wrong = server.run(&["incident", "list", "--service", "api-gatewy"]);
    assert_eq!((wrong.status.code(), out(&wrong).as_str()), (Some(1), ""));
    assert!(err(&wrong).contains("did you mean \"api-gateway\""), "{}", err(&wrong));
    for right in ["api-gateway", "PAPIGW1"] {
        let quiet = server.run(&["incident", "list", "--service", right]);
        assert!(quiet.status.success() && out(&quiet).contains("no open incidents"), "{}", err(&quiet));
    }
}

#[test]
fn a_running_server_switches_without_a_restart() {
    let home = directory();
    let folder = home.path().join("org");
    copy_seed(&folder);
    let server = Server::start_with(&home.path().join("d"), &[]);
    let refused = crate::sending::send(&server, KEY, "too early");
    assert_eq!(refused.status.code(), Some(1), "no key is known yet");

    let path = folder.display().to_string();
    let dry = server.run(&["directory", "apply", &path, "--dry-run"]);
    assert!(out(&dry).contains("30 objects would change"), "{}{}", out(&dry), err(&dry));
    let applied = server.run(&["directory", "apply", &path]);
    assert!(out(&applied).contains("30 objects changed") && out(&applied).contains("epoch 1"), "{}", out(&applied));
    assert_eq!(crate::sending::send(&server, KEY, "now").status.code(), Some(0));

    let again = server.run(&["directory", "apply", &path]);
    assert!(out(&again).contains("nothing to change; epoch 1 stays"), "{}", out(&again));
    edit(&folder.join("services/PAPIGW1.json"), "\"active\"", "\"disabled\"");
    let disabled = server.run(&["directory", "apply", &path]);
    assert!(out(&disabled).contains("1 objects changed") && out(&disabled).contains("epoch 2"), "{}", out(&disabled));
    let (_, status) = server.ask(&json!({ "op": "status" }));
    assert!(status["shards"].as_array().is_some_and(|all| all.iter().all(|shard| shard["epoch"] == 2)), "{status}");
    assert_eq!(crate::sending::send(&server, KEY, "hidden").status.code(), Some(0));
    eventually("the suppressed alert", || {
        server.values("alerts").into_iter().find(|alert| alert["suppressed"] == true && alert["summary"] == "hidden")
    });
}

#[test]
fn an_invalid_apply_changes_nothing() {
    let home = directory();
    let folder = home.path().join("org");
    copy_seed(&folder);
    let server = Server::start(&home.path().join("d"));
    fs::remove_file(folder.join("escalation_policies/PEPLAT1.json")).expect("it is there");
    let path = folder.display().to_string();
    // Without --prune the policy stays as it was applied before.
    let kept = server.run(&["directory", "apply", &path]);
    assert!(out(&kept).contains("1 more objects are on the server"), "{}{}", out(&kept), err(&kept));
    let pruned = server.run(&["directory", "apply", &path, "--prune"]);
    assert_eq!(pruned.status.code(), Some(1));
    assert!(err(&pruned).contains("PEPLAT1") && err(&pruned).contains("services/"), "{}", err(&pruned));
    let (lines, last) = server.ask(&json!({ "op": "directory" }));
    assert_eq!((lines.len(), &last["epoch"]), (30, &json!(1)));
}

#[test]
fn keys_that_no_file_pins_are_made_once_and_stay() {
    let home = directory();
    let folder = home.path().join("org");
    copy_seed(&folder);
    let file = folder.join("services/PAPIGW1.json");
    edit(&file, &format!("\"integration_key\": \"{KEY}\""), "\"id\": \"PINT001\"");
    let server = Server::start_with(&home.path().join("d"), &[]);
    let path = folder.display().to_string();
    let applied = out(&server.run(&["directory", "apply", &path]));
    let line = applied.lines().find(|line| line.contains("PINT001")).expect("the new key is printed").to_owned();
    let key = line.split_whitespace().last().expect("it is the last word").to_owned();
    assert_eq!(crate::sending::send(&server, &key, "with the new key").status.code(), Some(0));
    edit(&file, "Front door of every product", "Front door");
    let again = out(&server.run(&["directory", "apply", &path]));
    assert!(again.contains("1 objects changed") && !again.contains("PINT001"), "{again}");
    assert!(out(&server.run(&["directory", "show", "services"])).contains(&key));
}
