//! `campanile config`: what holds, where it was set, and whether it is right.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args as ClapArgs, Subcommand};

use crate::config::{Flags, Form, Settings, options, resolve, text_variables};

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  campanile config show                           every option, its value and where it was set
  campanile config check --config campanile.toml  exit 1 with file and line if something is wrong

Every option can also be set by a variable: gateway.listen is CAMPANILE_GATEWAY_LISTEN.
Flags win over variables, variables over the file.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print every option as a file that could be used, with where each value was set
    Show(File),
    /// Check file and environment without starting anything
    Check(File),
}

#[derive(ClapArgs)]
struct File {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "CAMPANILE_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let (file, shows) = match &args.verb {
        Verb::Show(file) => (file, true),
        Verb::Check(file) => (file, false),
    };
    let resolved = resolve(options::ALL, file.config.as_deref(), text_variables(), &Flags::default())?;
    Settings::of(&resolved)?;
    if shows {
        print!("{}", show(&resolved));
    } else {
        println!("the configuration is right");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(resolved: &crate::config::Resolved) -> String {
    let mut text = String::new();
    let mut section = "";
    for option in options::ALL {
        if option.section() != section {
            section = option.section();
            text.push_str(&format!("\n[{section}]\n"));
        }
        text.push_str(&format!("# {}\n", option.help));
        let Some(found) = resolved.values.get(option.key) else { continue };
        let value = found.text.as_deref().map(|value| written(option.form, value));
        text.push_str(&match value {
            Some(value) => format!("{} = {value}  # {}\n", option.name(), found.origin),
            None => format!("# {} is not set\n", option.name()),
        });
    }
    text
}

/// The value as TOML has it.
fn written(form: Form, value: &str) -> String {
    match form {
        Form::Whole { .. } | Form::Seconds { .. } | Form::Switch => value.to_owned(),
        Form::Size if value.parse::<u64>().is_ok() => value.to_owned(),
        Form::Secret => "\"(hidden)\"".to_owned(),
        Form::Text | Form::Size | Form::OneOf(_) | Form::LogLevel | Form::Address | Form::Url => {
            toml::Value::String(value.to_owned()).to_string()
        }
    }
}
