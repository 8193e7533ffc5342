//! The `towline` program: one role per process.
#![forbid(unsafe_code)]

mod air;
mod args;
mod attestation;
mod computer;
mod console;
mod custody;
mod demo;
mod descriptors;
mod desktop;
mod doctor;
mod domain;
mod event;
mod exit;
mod explain;
mod hex;
mod key;
mod keys;
mod line;
mod links;
mod network;
mod options;
mod outcome;
mod person;
mod phone;
mod qr;
mod relay;
mod report;
mod rp;
mod screen_lock;
mod secret;
mod stop;
mod sync;
mod tls;
mod tpm;
mod usb;
mod virtual_device;

use std::{io::IsTerminal as _, process::ExitCode, sync::Arc};

use clap::{CommandFactory as _, Parser as _};
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command, Completions, Computer, Virtual},
    event::Event,
    exit::{Exit, Failure},
    options::Verb,
    report::Report,
};

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    let report = Report::new(cli.json);
    if let Command::Relay(relay) = cli.command {
        match relay.with_file() {
            Ok(relay) => cli.command = Command::Relay(relay),
            Err(failure) => return fail(&report, failure),
        }
    }
    let log = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let logger = tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr);
    if matches!(&cli.command, Command::Relay(relay) if relay.log_json) {
        logger.json().init();
    } else {
        logger.with_ansi(std::io::stderr().is_terminal()).init();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                &report,
                Failure::environment("runtime", format!("the program can't start: {error}")),
            );
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = run(cli.command, &report) => outcome,
            () = Arc::clone(&report).tick() => Ok(Exit::Ok),
        }
    });
    // A thread that reads standard input can't be interrupted; it must not keep the program from
    // ending.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&report, failure),
    }
}

async fn run(command: Command, report: &Arc<Report>) -> Result<Exit, Failure> {
    match command {
        Command::Rp(args) => rp::run(args, report).await,
        Command::Demo(args) => demo::run(args, report).await,
        Command::Qr(args) => explain::run(&args, report),
        Command::Doctor(args) => doctor::run(&args, report).await,
        Command::Air(args) => air::run(&args, report).await,
        Command::Relay(args) => relay::run(args, report).await,
        Command::Domain(args) => domain::run(&args, report),
        Command::Key(args) => key::run(&args, report).await,
        Command::Phone(args) => phone::run(args, report).await,
        Command::Computer(Computer::Register(args)) => computer::register(args, report).await,
        Command::Computer(Computer::Create(args)) => {
            computer::any_site(Verb::Create, &args, report).await
        }
        Command::Computer(Computer::Get(args)) => {
            computer::any_site(Verb::Get, &args, report).await
        }
        Command::Computer(Computer::SignIn(args)) => computer::sign_in(args, report).await,
        Command::Virtual(Virtual::Create(args)) => {
            virtual_device::once(Verb::Create, args, report).await
        }
        Command::Virtual(Virtual::Get(args)) => virtual_device::once(Verb::Get, args, report).await,
        Command::Virtual(Virtual::Faults) => {
            virtual_device::faults(report);
            Ok(Exit::Ok)
        }
        Command::Virtual(Virtual::Pipe(args)) => virtual_device::pipe(args, report).await,
        Command::Virtual(Virtual::Serve(args)) => virtual_device::serve(args, report).await,
        Command::Virtual(Virtual::TpmCa(args)) => virtual_device::tpm_ca(args, report).await,
        Command::Virtual(Virtual::Mcp(args)) => virtual_device::mcp(args).await,
        Command::Keys(args) => keys::run(&args, report).await,
        Command::Sync(args) => sync::run(&args, report).await,
        Command::Tpm(args) => tpm::run(args, report).await,
        Command::Links(args) => links::run(&args, report),
        Command::Completions(args) => {
            completions(&args, report);
            Ok(Exit::Ok)
        }
        Command::ExitCodes => {
            report.event(&Event::ExitCodes { text: exit::HELP });
            Ok(Exit::Ok)
        }
    }
}

fn completions(args: &Completions, report: &Report) {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    clap_complete::generate(args.shell, &mut command, "towline", &mut script);
    report.script(&String::from_utf8_lossy(&script));
}

fn fail(report: &Report, failure: Failure) -> ExitCode {
    let Failure { exit, reason, message, exception } = failure;
    report.event(&Event::Failed { exit_code: exit.code(), reason, name: exception, message });
    exit.into()
}
