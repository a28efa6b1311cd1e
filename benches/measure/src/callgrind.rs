//! Counts what one function executes, with valgrind's callgrind: the same in every run and on every machine, for
//! one compiler and one C library.
//!
//! - K1: counting begins when the function is entered and ends when it is left. Callgrind supports that for
//!   instructions only, so everything else is derived from how often single instructions were executed.
//!   binutils' objdump says what they do.
//! - K2: a system call is the instruction that makes it. With a vDSO the time is read without one, but valgrind
//!   hides the vDSO, so what `clock_gettime` executes is not counted.
//! - K3: an instruction is a read-modify-write of memory that other threads may see if it is locked, on x86-64, or of the
//!   exclusive or atomic kind, on aarch64.
//! - K4: an allocation is a call of the C library's `malloc` or its like: the first instruction of that.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// User instructions.
    pub instructions: u64,
    /// Allocations (K4).
    pub allocations: u64,
    /// Atomic read-modify-writes (K3).
    pub read_modify_writes: u64,
    /// System calls (K2).
    pub system_calls: u64,
}

/// Checks that valgrind and objdump are installed.
///
/// # Errors
/// The missing program, and the remedy.
pub fn available() -> Result<(), String> {
    for (program, package) in [("valgrind", "valgrind"), ("objdump", "binutils")] {
        let found = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            return Err(format!(
                "there is no `{program}` here; install the package {package}"
            ));
        }
    }
    Ok(())
}

/// Runs `program` with `arguments`, and counts what happens within `function`, in all its calls.
///
/// # Errors
/// If the program fails, or its count cannot be read.
pub fn count(program: &Path, arguments: &[String], function: &str) -> Result<Executed, String> {
    let out = std::env::temp_dir().join(format!("rapace-callgrind-{}", std::process::id()));
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=yes", "--dump-line=no"])
        .args(["--compress-pos=no", "--compress-strings=no"])
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|why| format!("valgrind: {why}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("valgrind: {}: {said}", ran.status));
    }
    let text = std::fs::read_to_string(&out).map_err(|why| format!("{}: {why}", out.display()))?;
    // On failure it is left to the cleaner of temporary files.
    let _ = std::fs::remove_file(&out);
    let mut executed = Executed::default();
    for (object, times) in parse(&text)? {
        executed.instructions += times.values().sum::<u64>();
        // Valgrind's name for instructions that belong to no file.
        if object != "???" {
            count_kinds(&disassembled(&object)?, &times, &mut executed);
        }
    }
    match executed.instructions {
        0 => Err(format!("nothing of `{function}` was counted")),
        _ => Ok(executed),
    }
}

/// The number of executions of each instruction of each file.
type Times = HashMap<u64, u64>;

fn parse(text: &str) -> Result<HashMap<String, Times>, String> {
    let wrong = |line: &str| format!("callgrind has written what is not understood: {line}");
    let mut executed = HashMap::<String, Times>::new();
    let mut object = "";
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = name;
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some(rest) = line.strip_prefix("0x") {
            // The line after a call has the cost of the callee.
            if std::mem::take(&mut is_call) {
                continue;
            }
            let mut words = rest.split(' ');
            let address = words.next().and_then(|it| u64::from_str_radix(it, 16).ok());
            let times = words.next().map_or(Some(0), |it| it.parse::<u64>().ok());
            let (Some(address), Some(times)) = (address, times) else {
                return Err(wrong(line));
            };
            let of = executed.entry(object.to_owned()).or_default();
            of.entry(address).or_default().add_assign(times);
        }
    }
    Ok(executed)
}

fn disassembled(object: &str) -> Result<String, String> {
    let ran = Command::new("objdump")
        .args(["--disassemble", "--no-show-raw-insn", object])
        .output()
        .map_err(|why| format!("objdump: {why}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("objdump: {}: {said}", ran.status));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Adds the counts of the executed instructions of one file.
fn count_kinds(disassembled: &str, times: &Times, executed: &mut Executed) {
    let mut function = "";
    for line in disassembled.lines() {
        // 00000000000a5120 <__libc_malloc@@GLIBC_2.2.5>:
        if let Some((address, name)) = line
            .strip_suffix(">:")
            .and_then(|head| head.split_once(" <"))
        {
            function = plain(name);
            let address = u64::from_str_radix(address, 16).ok();
            if ALLOCATES.contains(&function) {
                executed.allocations += address.and_then(|it| times.get(&it)).unwrap_or(&0);
            }
            continue;
        }
        let Some((address, instruction)) = line.trim_start().split_once(":\t") else {
            continue;
        };
        let address = u64::from_str_radix(address, 16).ok();
        let Some(&times) = address.and_then(|it| times.get(&it)) else {
            continue;
        };
        if is_locked(instruction) {
            executed.read_modify_writes += times;
        } else if is_system_call(instruction) && !CLOCK.contains(&function) {
            executed.system_calls += times;
        }
    }
}

const ALLOCATES: [&str; 6] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
];

const CLOCK: [&str; 1] = ["clock_gettime"];

/// The name of a function of the C library, without its version and without the prefix of its aliases.
fn plain(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    let name = name.strip_prefix("__libc_").unwrap_or(name);
    name.strip_prefix("__").unwrap_or(name)
}

fn is_system_call(instruction: &str) -> bool {
    let name = instruction.split_whitespace().next();
    matches!(name, Some("syscall" | "svc"))
}

fn is_locked(instruction: &str) -> bool {
    let mut words = instruction.split_whitespace();
    let name = words.next().unwrap_or_default();
    let operands = words.next().unwrap_or_default();
    match name {
        "lock" => true,
        // Locked whenever one of its operands is in memory.
        "xchg" | "xchgb" | "xchgw" | "xchgl" | "xchgq" => operands.contains('('),
        _ => AARCH64.iter().any(|prefix| name.starts_with(prefix)),
    }
}

/// A store that ends an exclusive pair, and what does all in one.
const AARCH64: [&str; 11] = [
    "stxr", "stlxr", "stxp", "stlxp", "casp", "cas", "swp", "ldadd", "ldclr", "ldeor", "ldset",
];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
positions: instr
events: Ir
summary: 99

ob=/usr/bin/any
fn=turn
0x10 5
0x14 2
cob=/lib/libc.so.6
cfn=malloc
calls=3 0x500
0x18 300
0x18 3

ob=/lib/libc.so.6
fn=malloc
0x500 3
fn=again
0x500 1
";

    /// K1
    #[test]
    fn only_what_a_function_did_itself_is_added_up() {
        let any = Times::from([(0x10, 5), (0x14, 2), (0x18, 3)]);
        let libc = Times::from([(0x500, 4)]);
        let expected = HashMap::from([
            ("/usr/bin/any".to_owned(), any),
            ("/lib/libc.so.6".to_owned(), libc),
        ]);
        assert_eq!(parse(TEXT), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for text in ["0xzz 1", "0x10 y"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// K2, K3, K4
    #[test]
    fn instructions_are_counted_by_what_they_do() {
        let text = "\
0000000000000100 <__libc_malloc@@GLIBC_2.2.5>:
     100:\tlock cmpxchg %rcx,(%rdi)
     108:\txchg   %al,0x18(%rbx)
     110:\txchg   %ax,%ax
     114:\tmov    %rax,(%rdi)
     118:\tsyscall
0000000000000200 <clock_gettime@@GLIBC_2.17>:
     200:\tsyscall
0000000000000300 <aarch64>:
     300:\tldaddal\tx0, x1, [x2]
     304:\tldaxr\tw0, [x1]
     308:\tstlxr\tw2, w0, [x1]
     30c:\tsvc\t#0x0
";
        let all = (0x100..0x400).map(|address| (address, 1)).collect();
        let mut executed = Executed::default();
        count_kinds(text, &all, &mut executed);
        let expected = Executed {
            instructions: 0,
            allocations: 1,
            read_modify_writes: 4,
            system_calls: 2,
        };
        assert_eq!(executed, expected);
    }
}
