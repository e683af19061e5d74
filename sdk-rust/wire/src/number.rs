//! Numbers as contracts compare them: by value, integers exactly, decimals as they are written.

use std::cmp::Ordering;
use std::fmt::LowerExp;

use serde_json::Value;

/// A number of a contract or of a value; integers are exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A number without a fraction.
    Integer(i128),
    /// Any other number.
    Real(f64),
}

/// Up to here a double holds every integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// The number in a JSON value; none for anything else.
    pub fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if let Some(integer) = number.as_i128() {
            return Some(Self::Integer(integer));
        }
        let real = number.as_f64()?;
        let is_whole = real.fract() == 0.0 && real.abs() < EXACT;
        Some(if is_whole { Self::Integer(real as i128) } else { Self::Real(real) })
    }

    /// Which of two is greater; none if one is no number.
    pub fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => Some(one.cmp(&two)),
            (one, two) => one.real().partial_cmp(&two.real()),
        }
    }

    /// Whether it is a multiple of another.
    pub fn is_multiple_of(self, divisor: Self) -> bool {
        match (self, divisor) {
            (Self::Integer(one), Self::Integer(two)) => one.checked_rem(two) == Some(0),
            (Self::Integer(one), Self::Real(two)) => is_multiple(one, two),
            (Self::Real(one), two) => is_multiple(one, two.real()),
        }
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Real(real) => real.fract() == 0.0,
        }
    }

    fn real(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

/// Whether one number is a multiple of another, both taken as the decimals they are written as.
pub(crate) fn is_multiple(value: impl LowerExp, divisor: impl LowerExp) -> bool {
    let (Some((value, high)), Some((divisor, low))) = (decimal(value), decimal(divisor)) else {
        return false;
    };
    if divisor == 0 {
        return false;
    }
    if high >= low {
        let mut rest = value % divisor;
        for _ in low..high {
            rest = rest * 10 % divisor;
        }
        return rest == 0;
    }
    // The divisor has the larger exponent: written out, it may be beyond every value.
    let zeros = u32::try_from(low - high).unwrap_or(u32::MAX);
    match 10_i128.checked_pow(zeros).and_then(|scale| divisor.checked_mul(scale)) {
        Some(divisor) => value % divisor == 0,
        None => value == 0,
    }
}

/// A number as digits and the power of ten they count; none for what is no number.
fn decimal(number: impl LowerExp) -> Option<(i128, i32)> {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = mantissa.replace('.', "").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    Some((digits, exponent - i32::try_from(fraction).ok()?))
}

#[cfg(test)]
mod tests {
    use super::is_multiple;

    #[test]
    fn decimals_are_taken_as_they_are_written() {
        assert!(is_multiple(0.3, 0.1));
        assert!(is_multiple(19.99, 0.01));
        assert!(!is_multiple(19.995, 0.01));
        assert!(is_multiple(1e300, 2.0));
        assert!(is_multiple(0.1_f32, 0.1));
        assert!(is_multiple(0, 1e300));
        assert!(!is_multiple(3, 1e300));
        assert!(is_multiple(7, 0.5));
        assert!(!is_multiple(f64::NAN, 1.0));
    }
}
