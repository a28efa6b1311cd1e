//! A plan in few words.

use std::fmt;

use super::content::Shape;
use super::plan::{
    CallPlan, FOR_EVER, Keep, Order, PluginPlan, Program, Reading, Reply, Sent, Setup, Step, Target,
};

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (plugin, nth) in self.plugins.iter().zip(1..) {
            writeln!(f, "  plugin {nth}: {plugin}")?;
        }
        let whose = if self.shared_host {
            "one pair"
        } else {
            "a pair for each plugin"
        };
        writeln!(
            f,
            "  services of the host: {whose}, capacity {}",
            self.host_capacity
        )?;
        if self.cuts {
            writeln!(f, "  steps are given up")?;
        }
        write!(f, "  ranks:")?;
        for ranked in &self.ranks {
            write!(f, " {}", ranked.target)?;
            if ranked.client > 0 {
                write!(f, "(for {})", ranked.client)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (steps, nth) in self.tasks.iter().zip(0..) {
            writeln!(f, "  task {nth}:")?;
            for (step, nth) in steps.iter().zip(1..) {
                writeln!(f, "    {nth}. {step}")?;
            }
        }
        let memory = self.need() >> 10;
        write!(f, "  needs {memory} KiB")
    }
}

impl fmt::Display for PluginPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            classes,
            ring,
            call_table,
            capacity,
            untrusted,
            spin,
            threads,
        } = self;
        write!(
            f,
            "ring {ring}, call table {call_table}, capacity {capacity}, "
        )?;
        write!(
            f,
            "{} thread(s), ",
            if *threads { "several" } else { "one" }
        )?;
        if *untrusted {
            write!(f, "untrusted, ")?;
        }
        if *spin > 0 {
            write!(f, "spins for {spin} µs, ")?;
        }
        match classes {
            None => write!(f, "default slots"),
            Some(classes) => {
                write!(f, "slots")?;
                for class in classes {
                    write!(f, " {}×{}", class.count, class.size)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.process, self.service)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call {
                to,
                order,
                keep,
                how,
                sent,
            } => write!(f, "call {to} {order}{}{how}{sent}", Kept(*keep)),
            Self::Tell {
                to, order, sent, ..
            } => write!(f, "tell {to} {order}{sent}"),
            Self::Upload { to, items, order } => write!(f, "upload {to} {}{order}", Items(items)),
            Self::Download { to, items, read } => {
                write!(f, "download {to} {}{read}", Items(items))
            }
            Self::Exchange {
                to,
                items,
                back,
                read,
            } => write!(
                f,
                "exchange {to} {} for {}{read}",
                Items(items),
                Items(back)
            ),
            Self::Allocate { to, shape, keep } => {
                write!(f, "allocate {to} {shape}{}", Kept(*keep))
            }
            Self::GivenUp { after, steps } => {
                write!(f, "give up after {after} µs {}", Steps(steps))
            }
            Self::Pause(micros) => write!(f, "pause {micros} µs"),
            Self::Together(lists) => {
                write!(f, "together")?;
                lists
                    .iter()
                    .try_for_each(|list| write!(f, " {}", Steps(list)))
            }
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.request, Kept(self.keep))?;
        if !self.steps.is_empty() {
            write!(f, " {}", Steps(&self.steps))?;
        }
        match &self.reply {
            Reply::New(shape, _) => write!(f, " -> {shape}"),
            Reply::Same => write!(f, " -> same"),
            Reply::Halves => write!(f, " -> halves"),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.before.is_empty() {
            write!(f, " after {}", Steps(&self.before))?;
        }
        if self.take < u32::MAX {
            write!(f, " take {}", self.take)?;
        }
        if let Some(cut) = self.cut {
            write!(f, " cut after {cut}")?;
        }
        write!(f, "{}", Kept(self.keep))?;
        match self.hold {
            0 => Ok(()),
            hold => write!(f, ", stream{}", Kept(hold)),
        }
    }
}

impl fmt::Display for CallPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.times > 1 {
            write!(f, " ×{}", self.times)?;
        }
        if self.idempotent {
            write!(f, " idempotent")?;
        }
        match self.deadline {
            None => Ok(()),
            Some(micros) => write!(f, " deadline {micros} µs"),
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnHeap | Self::Allocated => Ok(()),
            Self::Kept => write!(f, " (or what was kept)"),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes)?;
        self.blobs.iter().try_for_each(|len| write!(f, "+{len}"))
    }
}

/// A list of steps.
struct Steps<'a>(&'a [Step]);

impl fmt::Display for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.0.iter().map(Step::to_string).collect();
        write!(f, "[{}]", steps.join("; "))
    }
}

/// Items of a stream.
struct Items<'a>(&'a [Shape]);

impl fmt::Display for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: u64 = self.0.iter().map(Shape::len).sum();
        write!(f, "{} items of {bytes}", self.0.len())
    }
}

/// For how long something is kept.
struct Kept(Keep);

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            FOR_EVER => write!(f, " kept"),
            steps => write!(f, " kept for {steps}"),
        }
    }
}
