//! Binds paths and releases them again on command, one line for each command.

use std::io::{BufRead, Write};

use rapace_shm::Listener;

use crate::Failure;

pub(crate) fn bind_on_command() -> Result<(), Failure> {
    let mut listener = None;
    let mut answers = std::io::stdout();
    for order in std::io::stdin().lock().lines() {
        let order = order?;
        let answer = match (order.as_str(), order.strip_prefix("cd ")) {
            (_, Some(directory)) => {
                std::env::set_current_dir(directory)?;
                "there".to_owned()
            }
            ("leave", _) => {
                listener = None;
                "left".to_owned()
            }
            (path, _) => match Listener::bind(path) {
                Ok(bound) => {
                    listener = Some(bound);
                    "listens".to_owned()
                }
                Err(error) => error.to_string(),
            },
        };
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    drop(listener);
    Ok(())
}
