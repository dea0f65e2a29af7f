//! The configuration: the file with its lines, the environment, flags, secrets.

use std::path::Path;

use campanile_server::config::{Flags, Form, Opt, Settings, options, resolve, size};

use crate::harness::{campanile, directory, err, out, run};

const TABLE: &[Opt] = &[
    Opt { key: "gateway.listen", form: Form::Address, default: Some("127.0.0.1:8080"), help: "" },
    Opt { key: "gateway.token", form: Form::Secret, default: None, help: "" },
    Opt { key: "log.format", form: Form::OneOf(&["text", "json"]), default: Some("text"), help: "" },
];

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("campanile.toml");
    std::fs::write(&path, text).expect("it can be written");
    path
}

/// The message for a file's text.
fn refusal(text: &str) -> String {
    let home = directory();
    let path = write(home.path(), text);
    let error = resolve(options::ALL, Some(&path), [], &Flags::default()).expect_err(text);
    format!("{error:#}").replace(&path.display().to_string(), "FILE")
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_one() {
    let cases = [
        (
            "[gateway]\n\nlistne = \"127.0.0.1:1\"\n",
            "FILE:3: unknown key \"listne\" in [gateway] (did you mean \"listen\"?)",
        ),
        ("[gatewy]\nlisten = \"127.0.0.1:1\"\n", "FILE:1: unknown section \"gatewy\" (did you mean \"gateway\"?)"),
        ("publik_url = \"http://x\"\n", "FILE:1: unknown key \"publik_url\" (did you mean \"public_url\"?)"),
        ("[log]\nformat = \"jsn\"\n", "FILE:2: log.format is \"jsn\" (did you mean \"json\"?); allowed are text, json"),
        ("[ledger]\nshards = 0\n", "FILE:2: ledger.shards is \"0\"; allowed are whole numbers from 1 to 1000"),
        ("[ledger]\nshards = 1001\n", "allowed are whole numbers from 1 to 1000"),
        ("[ledger]\nfree_space_floor = \"2 GB\"\n", "write bytes, or a size such as 512 MiB"),
        ("[ledger]\ndata = [\"a\"]\n", "FILE:2: ledger.data cannot be a array; write one value"),
        ("[gateway]\nlisten = \"8080\"\n", "write host and port"),
        ("public_url = \"https://x/\"\n", "without a slash at the end"),
        ("[ledger\n", "FILE:1: "),
        ("[log]\nlevel = \"loud\"\n", "FILE:2: log.level is \"loud\": \"loud\" is no level; allowed are error, warn"),
        ("[log]\nlevel = \"wran\"\n", "\"wran\" is no level (did you mean \"warn\"?); allowed are"),
        ("[log]\nlevel = \"info,campanile_server=debgu\"\n", "\"debgu\" is no level (did you mean \"debug\"?)"),
    ];
    for (text, expected) in cases {
        let message = refusal(text);
        assert!(message.contains(expected), "{text:?}: {message}");
    }
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_default() {
    let home = directory();
    let path = write(home.path(), "[gateway]\nlisten = \"127.0.0.1:1\"\n[ledger]\nshards = 3\ndata = \"/from/file\"\n");
    let variables = [
        ("CAMPANILE_GATEWAY_LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
        ("CAMPANILE_LEDGER_SHARDS".to_owned(), "5".to_owned()),
    ];
    let flags = Flags::default().with("gateway.listen", "--listen", Some("127.0.0.1:3"));
    let resolved = resolve(options::ALL, Some(&path), variables, &flags).expect("it is right");
    let settings = Settings::of(&resolved).expect("it is right");
    assert_eq!(settings.gateway.listen, "127.0.0.1:3");
    assert_eq!(settings.ledger.shards, Some(5));
    assert_eq!(settings.ledger.data, Path::new("/from/file"));
    assert_eq!(settings.socket, Path::new("/from/file/campanile.sock"));
    assert_eq!(settings.ledger.free_space_floor_bytes, 512 << 20);
    assert_eq!(settings.retention.outputs.hours, 168);
    assert_eq!(settings.gateway.events_per_key_per_minute_max, None);
    assert_eq!(resolved.values["gateway.listen"].origin.to_string(), "--listen");
    assert_eq!(resolved.values["ledger.data"].origin.to_string(), format!("{}:5", path.display()));
}

#[test]
fn a_misspelt_variable_of_ours_is_refused_and_a_foreign_one_is_not() {
    let check = |name: &str| resolve(options::ALL, None, [(name.to_owned(), "1".to_owned())], &Flags::default());
    let error = check("CAMPANILE_GATEWAY_LISTNE").expect_err("it is misspelt");
    assert!(error.to_string().contains("did you mean \"CAMPANILE_GATEWAY_LISTEN\""), "{error}");
    for foreign in ["CAMPANILE_CI_TOKEN", "CAMPANILE_CACHE", "GATEWAY_LISTEN"] {
        check(foreign).expect(foreign);
    }
    let error = check("CAMPANILE_LOG_FORMAT").expect_err("1 is no format");
    assert!(error.to_string().starts_with("CAMPANILE_LOG_FORMAT: log.format is \"1\""), "{error}");
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_break() {
    let home = directory();
    let secret = home.path().join("token");
    std::fs::write(&secret, "s3cret\n").expect("it can be written");
    let path = write(home.path(), &format!("[gateway]\ntoken_file = \"{}\"\n", secret.display()));
    let resolved = resolve(TABLE, Some(&path), [], &Flags::default()).expect("it is right");
    assert_eq!(resolved.text("gateway.token"), Some("s3cret"));
    let variable = ("CAMPANILE_GATEWAY_TOKEN_FILE".to_owned(), secret.display().to_string());
    let resolved = resolve(TABLE, None, [variable], &Flags::default()).expect("it is right");
    assert_eq!(resolved.text("gateway.token"), Some("s3cret"));

    std::fs::write(&secret, "\n").expect("it can be written");
    let error = resolve(TABLE, Some(&path), [], &Flags::default()).expect_err("it is empty");
    assert!(error.to_string().contains("is empty"), "{error}");
    // Only secrets have a file: for another key the suffix is a misspelling.
    let path = write(home.path(), "[gateway]\nlisten_file = \"x\"\n");
    resolve(TABLE, Some(&path), [], &Flags::default()).expect_err("listen is no secret");
}

#[test]
fn levels_and_directives_are_taken() {
    for level in ["info", "WARN", "off", "info,campanile_processor=debug", "warn,a[b{c=1}]=trace", "info,a[b]"] {
        assert_eq!(Form::LogLevel.check(level), Ok(()), "{level}");
    }
    let output = run(&["up", "--log-level", "loud"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("--log-level is \"loud\"") && err(&output).contains("allowed"), "{}", err(&output));
}

#[test]
fn a_place_that_cannot_hold_data_is_told_in_plain_words() {
    let home = directory();
    let file = home.path().join("d");
    std::fs::write(&file, "").expect("it can be written");
    for data in [file.clone(), file.join("below")] {
        let output = run(&["up", "--listen", "127.0.0.1:0", "--data", &data.display().to_string()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("a file; name a directory with --data"), "{}", err(&output));
    }
}

#[test]
fn sizes_are_read_as_people_write_them() {
    let cases = [
        ("0", Some(0)),
        ("1024", Some(1024)),
        ("1 KiB", Some(1024)),
        ("2GiB", Some(2 << 30)),
        ("1 TiB", Some(1 << 40)),
    ];
    for (text, expected) in
        cases.into_iter().chain([("2 GB", None), ("-1", None), ("", None), ("99999999999 TiB", None)])
    {
        assert_eq!(size(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_shown_can_be_used_as_the_file() {
    let home = directory();
    let shown = campanile().args(["config", "show"]).env("CAMPANILE_LOG_FORMAT", "json").output().expect("it starts");
    let text = out(&shown);
    assert!(text.contains("format = \"json\"  # CAMPANILE_LOG_FORMAT"), "{text}");
    let path = write(home.path(), &text);
    let checked = run(&["config", "check", "--config", &path.display().to_string()]);
    assert!(checked.status.success(), "{}", err(&checked));
}

#[test]
fn a_server_with_a_wrong_file_does_not_start() {
    let home = directory();
    let path = write(home.path(), "[gateway]\nlisten = \"127.0.0.1:0\"\n[porcessor]\nthreads = 1\n");
    let data = home.path().join("d");
    let output = run(&["up", "--config", &path.display().to_string(), "--data", &data.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("campanile.toml:3: unknown section \"porcessor\" (did you mean \"processor\"?)"),
        "{}",
        err(&output)
    );
    assert!(!data.exists(), "nothing was touched");
}
