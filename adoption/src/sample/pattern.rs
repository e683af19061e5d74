//! A text that a pattern matches, found by walking the pattern; none for what such a walk cannot
//! keep to, such as looking around.

use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::parse;

use super::Random;

/// Letters at which growth stops.
const LONGEST: usize = 4096;

/// A text of at least so many characters, if the pattern can be read and grows that far.
pub(super) fn text(pattern: &str, least: u64, random: &mut Random) -> Option<String> {
    let hir = parse(pattern).ok()?;
    let is_anchored = hir.properties().look_set().contains_anchor();
    let mut text = String::new();
    for more in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256] {
        text.clear();
        write(&hir, more, &mut text, random)?;
        let length = u64::try_from(text.chars().count()).ok()?;
        if length >= least {
            return Some(text);
        }
    }
    // A pattern that need not match to the end leaves room for anything behind.
    if !is_anchored {
        let missing = least.saturating_sub(u64::try_from(text.chars().count()).ok()?);
        text.extend(std::iter::repeat_n('a', usize::try_from(missing).ok()?.min(LONGEST)));
    }
    Some(text)
}

/// Writes what the pattern asks; what may repeat does so `more` times beyond the least.
fn write(hir: &Hir, more: u32, text: &mut String, random: &mut Random) -> Option<()> {
    if text.len() > LONGEST {
        return Some(());
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            text.push_str(std::str::from_utf8(&literal.0).ok()?);
            Some(())
        }
        HirKind::Class(class) => {
            text.push(member(class, random)?);
            Some(())
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            // What may be left out is often what makes a text look like its kind.
            let least = repetition.min.max(u32::from(more > 0));
            for _ in 0..least.saturating_add(more).min(most) {
                write(&repetition.sub, more, text, random)?;
                if text.len() > LONGEST {
                    break;
                }
            }
            Some(())
        }
        HirKind::Capture(capture) => write(&capture.sub, more, text, random),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, more, text, random)),
        HirKind::Alternation(parts) => write(parts.first()?, more, text, random),
    }
}

/// A member of a class: a small letter, a digit or a capital where there is one.
fn member(class: &Class, random: &mut Random) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
    };
    let holds = |c: char| ranges.iter().any(|(start, end)| (*start..=*end).contains(&c));
    for family in ['a'..='z', '0'..='9', 'A'..='Z', '!'..='~'] {
        let known: Vec<char> = family.filter(|c| holds(*c)).collect();
        if let Ok(count) = u64::try_from(known.len())
            && count > 0
        {
            return known.get(usize::try_from(random.below(count)).ok()?).copied();
        }
    }
    ranges.first().map(|(start, _)| *start)
}
