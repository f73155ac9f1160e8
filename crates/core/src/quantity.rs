//! Kubernetes quantities, exactly.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// A quantity such as `500m`, `1.5`, `1G`, `2Gi` or `1e3` in thousandths, rounded up. `None` if it is not a quantity, is
/// negative, or exceeds 2^64 thousandths.
pub fn thousandths(text: &str) -> Option<u64> {
    let text = text.trim().strip_prefix('+').unwrap_or(text.trim());
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(split)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (numerator, denominator) = factor(suffix)?;
    let (mut digits, mut places) = shortened(whole, fraction)?;
    loop {
        let product = digits.checked_mul(numerator).and_then(|product| product.checked_mul(1000));
        let scale = 10_u128.checked_pow(places).and_then(|scale| scale.checked_mul(denominator));
        match (product, scale, places) {
            (Some(product), Some(scale), _) => return u64::try_from(product.div_ceil(scale)).ok(),
            (.., 0) => return None,
            // too many digits for 128 bits: drop a place, rounding up
            _ => (digits, places) = (digits.div_ceil(10), places - 1),
        }
    }
}

/// Most digits of a fraction that are read; the rest rounds up. A thousandth of a byte is 10^-21 of the largest unit, `E`.
const PLACES: usize = 24;

/// The digits as one number, and how many of them are after the point.
fn shortened(whole: &str, fraction: &str) -> Option<(u128, u32)> {
    let (kept, rest) = fraction.split_at_checked(PLACES).unwrap_or((fraction, ""));
    if !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u128 = format!("{whole}{kept}").parse().ok()?;
    let more = u128::from(rest.bytes().any(|byte| byte != b'0'));
    Some((digits.checked_add(more)?, u32::try_from(kept.len()).ok()?))
}

fn factor(suffix: &str) -> Option<(u128, u128)> {
    let binary = |power: u32| 1024_u128.checked_pow(power).map(|factor| (factor, 1));
    let decimal = |power: u32| 10_u128.checked_pow(power).map(|factor| (factor, 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        other => {
            let power: i32 = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_u128.checked_pow(power.unsigned_abs())?;
            Some(if power < 0 { (1, factor) } else { (factor, 1) })
        }
    }
}

/// Cores in tenths, rounded up.
pub(crate) fn cpu_tenths(cpu: &Quantity) -> u64 {
    thousandths(&cpu.0).map_or(0, |milli| milli.div_ceil(100))
}

/// GB of 10^9 bytes in tenths, rounded up.
pub(crate) fn memory_tenths(memory: &Quantity) -> u64 {
    thousandths(&memory.0).map_or(0, |milli| milli.div_ceil(100_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (text, expected) in [
            ("1", Some(1000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            ("1.25", Some(1250)),
            ("1G", Some(1_000_000_000_000)),
            ("1Gi", Some(1_073_741_824_000)),
            ("1e3", Some(1_000_000)),
            ("100e-3", Some(100)),
            ("1u", Some(1)),
            (".5", Some(500)),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("1.2.3", None),
            ("99999999999999999999T", None),
            ("1E3", Some(1_000_000)),
            ("1E", None),
            ("0.0000000001E", Some(100_000_000_000)),
            ("0.000001P", Some(1_000_000_000_000)),
            ("0.0000001Pi", Some(112_589_990_685)),
            ("0.000000001Ei", Some(1_152_921_504_607)),
            ("5.", Some(5000)),
            ("+1", Some(1000)),
            ("1.00000000000000000000000000000", Some(1000)),
            ("1.00000000000000000000000000001", Some(1001)),
            ("0.0000000000000000000000000001G", Some(1)),
            ("1.000000000000000000000000001G", Some(1_000_000_000_001)),
            ("240000000000.0000000000000000", Some(240_000_000_000_000)),
            ("1.2x", None),
            ("1.000000000000000000000000x1", None),
            ("1e99", None),
            ("1e-99", None),
        ] {
            assert_eq!(thousandths(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,24}") {
            let _ = thousandths(&text);
        }
    }
}
