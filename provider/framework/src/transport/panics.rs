//! Panics in the form hosts look for.
//!
//! Installed by [`init_logging`](super::init_logging). A host keeps what follows a line starting with `panic: ` and
//! shows it to its user when the provider is gone; Rust's own wording would be lost among the debug lines.

use std::{
    backtrace::Backtrace,
    io::{self, Write as _},
    panic,
};

/// Prints every panic of the process on stderr.
pub(super) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("(no message)");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = Backtrace::capture();
        // A panic about a panic would abort the process; with stderr closed nobody listens anyway.
        let _ = writeln!(io::stderr().lock(), "panic: {message}\n\n{place}\n{backtrace}");
    }));
}
