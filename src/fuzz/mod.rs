//! Foreign bytes, damaged on purpose, for all that reads them.
//!
//! A fuzzer of mutations that works with a stable compiler: seeds are damaged at random, and what
//! makes a reader answer something new becomes a seed. There is no coverage to go by, which only a
//! nightly compiler gives (`cargo fuzz`); the answer, its numbers left out, stands in for it.
//!
//! `cargo test` goes through a few thousand inputs that are the same each time. `make fuzz` goes on
//! for as long as it is told to, and keeps what it finds.

mod targets;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use targets::TARGETS;

/// Inputs grow no larger.
const LARGEST: usize = 64 << 10;

/// Answers that are kept as seeds; more are no longer new in any way that matters.
const MOST_SEEDS: usize = 2000;

/// A reader that takes longer over one input hangs, for whoever waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A reader of foreign bytes.
struct Target {
    name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    /// What inputs of this kind are made of.
    words: &'static [&'static str],
    /// Reads, checks what must hold whatever was read, and says what came of it.
    read: fn(&[u8]) -> String,
}

/// Random numbers that are the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll()).unwrap_or_default() % end.max(1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Numbers at whose edges readers go wrong.
const NUMBERS: [&str; 9] = [
    "0",
    "-1",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775808",
    "18446744073709551615",
    "1e9",
];

/// Bytes that mean something to somebody.
const BYTES: &[u8] = b"\0\n\r\t \"'\\$`%#;=:/[]{}()<>|&\x1b\x7f\x80\xff";

/// One input, and how the one before it was damaged.
struct Fuzz<'t> {
    target: &'t Target,
    seeds: Vec<Vec<u8>>,
    /// How many of them were there at first.
    originals: usize,
    answers: HashSet<String>,
    dice: Dice,
    runs: u64,
    slowest: Duration,
}

/// What a reader did that it must not.
struct Found {
    input: Vec<u8>,
    problem: String,
}

impl<'t> Fuzz<'t> {
    fn new(target: &'t Target, seed: u64) -> Self {
        let dice = Dice(seed | 1);
        let (seeds, answers) = ((target.seeds)(), HashSet::new());
        let originals = seeds.len();
        Self { target, seeds, originals, answers, dice, runs: 0, slowest: Duration::ZERO }
    }

    /// Seeds as they are.
    fn begin(&mut self) -> Result<(), Found> {
        self.seeds.clone().into_iter().try_for_each(|seed| self.try_out(seed))
    }

    fn step(&mut self) -> Result<(), Found> {
        let input = self.damaged();
        self.try_out(input)
    }

    fn try_out(&mut self, input: Vec<u8>) -> Result<(), Found> {
        let began = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| (self.target.read)(&input)));
        let took = began.elapsed();
        self.runs += 1;
        self.slowest = self.slowest.max(took);
        match read {
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Err(Found { input, problem: text.unwrap_or_else(|| "a panic without words".to_owned()) })
            }
            Ok(_) if took > PATIENCE => Err(Found { input, problem: format!("it took {took:?}") }),
            Ok(answer) => {
                if self.seeds.len() < MOST_SEEDS && self.answers.insert(gist(&answer)) {
                    self.seeds.push(input);
                }
                Ok(())
            }
        }
    }

    fn damaged(&mut self) -> Vec<u8> {
        // Half of them are as good as new: what is let through is found near what is right.
        let original = self.seeds.get(..self.originals).filter(|_| self.dice.below(2) == 0);
        let mut input = self.dice.one_of(original.unwrap_or(&self.seeds)).clone();
        for _ in 0..=self.dice.below(4) {
            self.damage(&mut input);
        }
        input.truncate(LARGEST);
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        let at = self.dice.below(input.len() + 1);
        let until = (at + self.dice.below(32)).min(input.len());
        match self.dice.below(12) {
            0 if !input.is_empty() => input[at.min(until.saturating_sub(1))] ^= 1 << self.dice.below(8),
            1 if at < input.len() => input[at] = *self.dice.one_of(BYTES),
            2 => input.insert(at, *self.dice.one_of(BYTES)),
            3 => drop(input.drain(at..until)),
            4 => input.truncate(at),
            5 => {
                let again = input[at..until].to_vec();
                input.splice(at..at, again);
            }
            6 => {
                let number = self.dice.one_of(&NUMBERS).bytes();
                input.splice(at..until, number);
            }
            7 => {
                let other = self.dice.one_of(&self.seeds).clone();
                let from = self.dice.below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            8 => {
                let count = self.dice.below(300);
                let byte = input.get(at).copied().unwrap_or(b'(');
                input.splice(at..at, std::iter::repeat_n(byte, count));
            }
            _ if !self.target.words.is_empty() => {
                let word = self.dice.one_of(self.target.words).bytes();
                let until = if self.dice.below(2) == 0 { at } else { until };
                input.splice(at..until, word);
            }
            _ => input.push(*self.dice.one_of(BYTES)),
        }
    }
}

/// An answer without what it quotes of the input: that is always new.
fn gist(answer: &str) -> String {
    let words = answer.split_whitespace().filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    words.take(12).collect::<Vec<_>>().join(" ")
}

fn complain(name: &str, found: &Found) -> String {
    let shown: String = String::from_utf8_lossy(&found.input).chars().take(2000).collect();
    format!("{name}: {}\n  on {shown:?}", found.problem)
}

/// Few, and always the same.
#[test]
fn what_reads_foreign_bytes_neither_panics_nor_says_what_is_not_so() {
    for target in TARGETS {
        let mut fuzz = Fuzz::new(target, 0x5EED);
        let ended = fuzz.begin().and_then(|()| (0..600).try_for_each(|_| fuzz.step()));
        if let Err(found) = ended {
            panic!("{}", complain(target.name, &found));
        }
    }
}

/// A fuzzer that finds nothing may be looking away.
#[test]
fn the_fuzzer_finds_what_is_planted() {
    let planted = Target {
        name: "planted",
        seeds: || vec![b"NAME=value".to_vec()],
        words: &["--bip"],
        read: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(!(text.contains("=--bip") && text.contains('\n')), "planted");
            format!("{} lines, {}", text.lines().count(), text.contains("=--bip"))
        },
    };
    let mut fuzz = Fuzz::new(&planted, 1);
    let found = (0..200_000).try_for_each(|_| fuzz.step());
    assert_eq!(found.err().map(|found| found.problem).as_deref(), Some("planted"));
}

/// `make fuzz`: as long as `FUZZ_SECONDS` says, all targets in turn, and each again where it stopped.
#[test]
#[cfg(fuzz)]
fn for_as_long_as_wanted() {
    let variable = |name: &str| std::env::var(name).ok();
    let seconds = variable("FUZZ_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(60);
    let only = variable("FUZZ_TARGET").unwrap_or_default();
    let seed = variable("FUZZ_SEED").and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let kept = std::path::PathBuf::from(variable("FUZZ_FOUND").unwrap_or_else(|| "target/fuzz".to_owned()));
    println!("seed {seed}");
    // What it finds is told below.
    std::panic::set_hook(Box::new(|_| {}));
    let end = Instant::now() + Duration::from_secs(seconds);
    let chosen = TARGETS.iter().filter(|target| target.name.contains(&only));
    let mut all: Vec<Fuzz<'_>> = chosen.map(|target| Fuzz::new(target, seed)).collect();
    let mut found: Vec<(&str, Found)> = Vec::new();
    // One thing is found once, however many inputs lead to it.
    let mut keep_one = |name: &'static str, one: Found| {
        let plain = |text: &str| text.chars().filter(char::is_ascii_alphabetic).take(60).collect::<String>();
        if !found.iter().any(|(other, known)| *other == name && plain(&known.problem) == plain(&one.problem))
        {
            found.push((name, one));
        }
    };
    for fuzz in &mut all {
        fuzz.begin().unwrap_or_else(|one| keep_one(fuzz.target.name, one));
    }
    while Instant::now() < end {
        for fuzz in &mut all {
            let turn = end.min(Instant::now() + Duration::from_millis(500));
            while Instant::now() < turn {
                fuzz.step().unwrap_or_else(|one| keep_one(fuzz.target.name, one));
            }
        }
    }
    drop(std::panic::take_hook());
    for fuzz in &all {
        let Fuzz { target, runs, seeds, slowest, .. } = fuzz;
        println!("{:24} {runs:>12} runs {:>6} seeds, slowest {slowest:?}", target.name, seeds.len());
    }
    println!("{} runs in all", all.iter().map(|fuzz| fuzz.runs).sum::<u64>());
    for (number, (name, one)) in found.iter().enumerate() {
        std::fs::create_dir_all(&kept).unwrap();
        let path = kept.join(format!("{name}-{number}"));
        std::fs::write(&path, &one.input).unwrap();
        println!("{}\n  kept in {}", complain(name, one), path.display());
    }
    assert!(found.is_empty(), "{} found", found.len());
}
