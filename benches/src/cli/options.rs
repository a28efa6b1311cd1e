//! The command line: its options and their defaults.

use std::path::PathBuf;
use std::time::Duration;

use rapace_measure::Setting;
use rapace_measure::setting::Runtime;
use rapace_measure::touch::HEAD;

use super::case::Case;

/// The usage text.
pub(super) const USAGE: &str = "\
usage: rapace-bench <case> [options]

cases
  floor       bare eventfd ping-pong of two processes on the same runtime
  ask         a plugin through its typed proxy
  recipient   the same through kameo's recipient
  local       the same actor in this process, plain kameo
  tell        messages to a plugin, without a reply
  blob        echo of a ready Blob
  stream      items from a plugin: Vec<u8>, or Blob with --blob
  fanout      one host, as many plugins as --inflight says (default 4)
  kept        calls a second against the number of results that the caller keeps, beyond the slots
  idle        a plugin that is left alone, for --seconds
  spawn       from nothing to the first reply
  restart     from SIGKILL to the first reply of the next process
  codec       a record to bytes and back; and beside serde's postcard, as processor time
  compare     rapace and its peers, over payloads and depths
  count       what each side executes for a call and for a stream's item: instructions, allocations, atomic
              read-modify-writes, system calls; wants valgrind and objdump

options
  --bytes N      payload (default 16; stream and codec 1024, blob and stream --blob 65536,
                 kept 307200)
  --inflight N   operations under way at once (default 1)
  --runtime R    ct: tokio's current-thread runtime (default); mt: multi-thread; on both sides
  --pin          each process stays on a processor of its own: host on the first, plugins on the second
  --spin MICROS  both sides of rapace poll for frames so long before they sleep (default 0);
                 compare: a further row
  --blob         stream: each item is a Blob that the plugin writes where it is sent from; memory is checked
  --touch        blob, compare: write and sum every byte on both sides; stream --blob: sum every byte
  --seconds S    time for everything (default 2; compare: for each point, default 10)
  --json         one JSON object a line

options of compare
  --peers DIR    where the peers' programs are (default benches/peers/target/release)
  --plot FILE    an SVG: latency against payload, calls a second against depth

options of count
  --against FILE  fail if a figure is over its ceiling in the file by more than a twentieth
  --write FILE    write the figures as such a file
";

/// The parsed command line.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// Print the usage text.
    Help,
    /// Measure.
    Case(Case, Options),
}

/// The options of a measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) bytes: Option<usize>,
    pub(super) inflight: Option<usize>,
    pub(super) setting: Setting,
    pub(super) blob: bool,
    pub(super) seconds: Option<f64>,
    pub(super) json: bool,
    pub(super) peers: Option<PathBuf>,
    pub(super) plot: Option<PathBuf>,
    pub(super) against: Option<PathBuf>,
    pub(super) write: Option<PathBuf>,
}

impl Options {
    /// The time for the whole measurement.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(2.0))
    }

    /// The same options without an adaptive spin.
    pub(super) fn without_spin(&self) -> Self {
        let mut options = self.clone();
        options.setting.spin = 0;
        options
    }
}

/// # Errors
/// The argument that was not understood.
pub(super) fn parse(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = arguments.peekable();
    let case = arguments.next().ok_or("which case?")?;
    if case == "--help" || case == "-h" || case == "help" {
        return Ok(Asked::Help);
    }
    let case = Case::from_name(&case).ok_or_else(|| format!("there is no case `{case}`"))?;
    let mut options = Options::default();
    while let Some(option) = arguments.next() {
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("{option} wants a value"))
        };
        match option.as_str() {
            "--bytes" => options.bytes = Some(whole(&option, &value()?)?),
            "--inflight" => {
                let inflight = whole(&option, &value()?)?;
                if inflight == 0 {
                    return Err("--inflight is 1 at least".to_owned());
                }
                options.inflight = Some(inflight);
            }
            "--runtime" => options.setting.runtime = Runtime::from_name(&value()?)?,
            "--pin" => options.setting.pin = true,
            "--spin" => {
                let micros = value()?;
                let spin = micros.parse();
                let wrong = |_| format!("--spin wants microseconds, not `{micros}`");
                options.setting.spin = spin.map_err(wrong)?;
            }
            "--touch" => options.setting.touch = true,
            "--blob" if case == Case::Stream => options.blob = true,
            "--seconds" => options.seconds = Some(seconds(&value()?)?),
            "--json" => options.json = true,
            "--peers" if case == Case::Compare => options.peers = Some(value()?.into()),
            "--plot" if case == Case::Compare => options.plot = Some(value()?.into()),
            "--against" if case == Case::Count => options.against = Some(value()?.into()),
            "--write" if case == Case::Count => options.write = Some(value()?.into()),
            "--help" | "-h" => return Ok(Asked::Help),
            _ => return Err(format!("what is `{option}`?")),
        }
    }
    if options.setting.touch {
        touchable(case, &options)?;
    }
    Ok(Asked::Case(case, options))
}

fn touchable(case: Case, options: &Options) -> Result<(), String> {
    let touchable = match case {
        Case::Blob | Case::Compare => true,
        Case::Stream => options.blob,
        _ => false,
    };
    if !touchable {
        return Err("--touch is for blob, stream --blob and compare".to_owned());
    }
    match options.bytes {
        Some(bytes) if bytes <= HEAD => Err(format!("--touch wants more than {HEAD} bytes")),
        _ => Ok(()),
    }
}

fn whole(option: &str, value: &str) -> Result<usize, String> {
    let number = value.parse();
    number.map_err(|_| format!("{option} wants a number, not `{value}`"))
}

fn seconds(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds < 1e6 => Ok(seconds),
        _ => Err(format!("--seconds wants a number above 0, not `{value}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_understood() {
        let options =
            "--bytes 65 --inflight 8 --runtime mt --pin --spin 50 --touch --seconds 0.5 --json";
        let Ok(Asked::Case(Case::Blob, options)) = of(&format!("blob {options}")) else {
            panic!("not understood");
        };
        assert_eq!((options.bytes, options.inflight), (Some(65), Some(8)));
        assert_eq!(options.setting.runtime, Runtime::MultiThread);
        assert_eq!(options.setting.spin, 50);
        assert!(options.setting.pin && options.setting.touch && options.json);
        assert_eq!(options.time(), Duration::from_millis(500));
    }

    #[test]
    fn a_stream_of_blobs_can_be_touched() {
        let Ok(Asked::Case(Case::Stream, options)) = of("stream --touch --blob") else {
            panic!("not understood");
        };
        assert!(options.blob && options.setting.touch);
    }

    #[test]
    fn every_case_is_known_by_its_name() {
        for case in Case::ALL {
            assert!(matches!(of(case.name()), Ok(Asked::Case(found, _)) if found == case));
            assert!(USAGE.contains(&format!("\n  {:<12}", case.name())));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "asks",
            "ask --bytes",
            "ask --bytes x",
            "ask --inflight 0",
            "ask --runtime st",
            "ask --spin 0.5",
            "ask --touch",
            "ask --blob",
            "stream --touch",
            "blob --touch --bytes 64",
            "ask --seconds 0",
            "ask --seconds nan",
            "ask --plot x.svg",
            "ask 64",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }

    #[test]
    fn help_needs_no_case() {
        assert_eq!(of("--help"), Ok(Asked::Help));
        assert_eq!(of("ask --help"), Ok(Asked::Help));
    }
}
