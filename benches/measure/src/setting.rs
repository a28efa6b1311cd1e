//! The runtime and the processors of a subject and its partners.

use std::io;

use crate::{machine, touch};

/// The kind of tokio runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// `ct`: the current-thread runtime.
    #[default]
    CurrentThread,
    /// `mt`: the multi-thread runtime, with as many workers as it takes by default.
    MultiThread,
}

/// The runtime and the processors of a subject and its partners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The runtime, on both sides.
    pub runtime: Runtime,
    /// `true` if the subject is pinned to the first usable processor, and its partners to the second.
    pub pin: bool,
    /// Microseconds that both sides of rapace poll for frames before they sleep.
    pub spin: u32,
    /// `true` if both sides write and sum up every byte ([`touch`]).
    pub touch: bool,
}

impl Runtime {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::MultiThread => "mt",
        }
    }

    /// # Errors
    /// Any other word.
    pub fn from_name(name: &str) -> Result<Self, String> {
        match name {
            "ct" => Ok(Self::CurrentThread),
            "mt" => Ok(Self::MultiThread),
            _ => Err(format!("the runtime is ct or mt, not `{name}`")),
        }
    }

    /// Makes a runtime of this kind.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn build(self) -> io::Result<tokio::runtime::Runtime> {
        match self {
            Self::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Self::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        }
        .enable_all()
        .build()
    }
}

impl Setting {
    /// The arguments for a subject or a partner.
    #[must_use]
    pub fn arguments(self) -> Vec<String> {
        let pin = self.pin.then(|| "--pin".to_owned());
        let spin = (self.spin > 0).then(|| ["--spin".to_owned(), self.spin.to_string()]);
        let touch = self.touch.then(|| "--touch".to_owned());
        ["--runtime".to_owned(), self.runtime.name().to_owned()]
            .into_iter()
            .chain(pin)
            .chain(spin.into_iter().flatten())
            .chain(touch)
            .collect()
    }

    /// Parses the output of [`arguments`](Self::arguments), and leaves other arguments.
    ///
    /// # Errors
    /// An unknown kind of runtime.
    pub fn take(arguments: &mut Vec<String>) -> Result<Self, String> {
        let mut setting = Self::default();
        let mut left = Vec::new();
        let mut each = std::mem::take(arguments).into_iter();
        while let Some(argument) = each.next() {
            match argument.as_str() {
                "--pin" => setting.pin = true,
                "--touch" => setting.touch = true,
                "--spin" => {
                    let micros = each.next().unwrap_or_default();
                    let spin = micros.parse();
                    setting.spin = spin.map_err(|_| format!("no microseconds: `{micros}`"))?;
                }
                "--runtime" => {
                    setting.runtime = Runtime::from_name(&each.next().unwrap_or_default())?;
                }
                _ => left.push(argument),
            }
        }
        *arguments = left;
        Ok(setting)
    }

    /// The other side's answer to these bytes: the same bytes, or a touched answer.
    #[must_use]
    pub fn answer(self, mut payload: Vec<u8>) -> Vec<u8> {
        if self.touch {
            touch::answer_in_place(&mut payload);
        }
        payload
    }

    /// Pins the subject, if the setting says so.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn pin_subject(self) -> io::Result<()> {
        self.pin_to(|usable| usable.first())
    }

    /// Pins a partner, if the setting says so. It shares the only processor if there is but one.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn pin_partner(self) -> io::Result<()> {
        self.pin_to(|usable| usable.get(1).or(usable.first()))
    }

    fn pin_to(self, choose: impl FnOnce(&[usize]) -> Option<&usize>) -> io::Result<()> {
        if !self.pin {
            return Ok(());
        }
        // A subject that is pinned already would leave its partners no choice: they inherit it.
        let usable = machine::usable_at_start()?;
        match choose(&usable) {
            Some(cpu) => machine::pin(*cpu),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_survives_its_arguments_and_leaves_others() {
        let setting = Setting {
            runtime: Runtime::MultiThread,
            pin: true,
            spin: 50,
            touch: true,
        };
        let mut arguments = vec!["ask".to_owned()];
        arguments.extend(setting.arguments());
        arguments.push("--more".to_owned());
        assert_eq!(Setting::take(&mut arguments), Ok(setting));
        assert_eq!(arguments, ["ask", "--more"]);
        assert_eq!(Setting::take(&mut arguments), Ok(Setting::default()));
        let mut wrong = vec!["--runtime".to_owned(), "xt".to_owned()];
        assert!(Setting::take(&mut wrong).is_err());
    }
}
