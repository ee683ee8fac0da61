//! Instants as text: what is read of a client, and what it gets to read (rule 24).

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// The first and the last year that RFC 3339 can write, and every client can read.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9_999;

/// The first and the last instant that can be written so.
pub const ALL: (DateTime<Utc>, DateTime<Utc>) =
    (of_millis(-62_167_219_200_000), of_millis(253_402_300_799_999));

const fn of_millis(millis: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp_millis(millis) {
        Some(time) => time,
        None => DateTime::UNIX_EPOCH,
    }
}

const EXAMPLE: &str = "2031-05-01T19:30:00+09:00";

/// Whether the instant can be written as RFC 3339 has it.
#[must_use]
pub fn can_be_told(time: DateTime<Utc>) -> bool {
    YEARS.contains(&time.year())
}

/// Reads an instant as RFC 3339 writes it: with an offset, in the years 0000 to 9999, to the millisecond.
///
/// # Errors
/// A sentence, without the name of the input, that says what is wrong and what would be right.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    read(text.as_bytes())
        .map_err(|why| format!("must be a time as RFC 3339 has it, such as {EXAMPLE}; {why}"))
}

/// The instant in UTC and to the millisecond, in the form that `Date.prototype.toISOString` writes too.
#[must_use]
pub fn format(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A span of time that may be missing, as two numbers of milliseconds, for serde.
pub(crate) mod span_in_milliseconds {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    type Span = Option<(DateTime<Utc>, DateTime<Utc>)>;

    pub(crate) fn serialize<S: Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
        span.map(|(from, until)| (from.timestamp_millis(), until.timestamp_millis())).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let time = |millis| {
            DateTime::from_timestamp_millis(millis).ok_or_else(|| D::Error::custom("there is no such time"))
        };
        let span: Option<(i64, i64)> = Deserialize::deserialize(from)?;
        span.map(|(from, until)| Ok((time(from)?, time(until)?))).transpose()
    }
}

fn read(text: &[u8]) -> Result<DateTime<Utc>, &'static str> {
    const SHAPE: &str = "this one has another form";
    let (date, rest) = text.split_at_checked(10).ok_or(SHAPE)?;
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = date else { return Err(SHAPE) };
    let day = NaiveDate::from_ymd_opt(
        number(year).ok_or("its year must have four digits")?.try_into().unwrap_or(i32::MAX),
        number(&[*m1, *m2]).ok_or(SHAPE)?,
        number(&[*d1, *d2]).ok_or(SHAPE)?,
    );
    let (time, rest) = rest.split_at_checked(9).ok_or(SHAPE)?;
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = time else { return Err(SHAPE) };
    let hour = number(&[*h1, *h2]).ok_or(SHAPE)?;
    let minute = number(&[*m1, *m2]).ok_or(SHAPE)?;
    let second = number(&[*s1, *s2]).ok_or(SHAPE)?;
    if second == 60 {
        return Err("leap seconds are not taken: its seconds must be 00 to 59");
    }
    let (millis, offset) = fraction(rest).ok_or(SHAPE)?;
    let offset = match offset {
        [b'Z' | b'z'] => TimeDelta::zero(),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = number(&[*h1, *h2]).filter(|n| *n < 24).ok_or("its offset must be at most 23:59")?;
            let minutes =
                number(&[*m1, *m2]).filter(|n| *n < 60).ok_or("its offset must be at most 23:59")?;
            TimeDelta::minutes(i64::from(hours * 60 + minutes) * if *sign == b'+' { 1 } else { -1 })
        }
        [] => return Err("its offset is missing: Z, or such as +09:00"),
        _ => return Err(SHAPE),
    };
    let local = day.ok_or("there is no such day")?.and_hms_milli_opt(hour, minute, second, millis);
    let local = local.ok_or("there is no such time of day")?;
    let time = local.checked_sub_signed(offset).map(|time| time.and_utc());
    time.filter(|time| can_be_told(*time)).ok_or("in UTC it is not within the years 0000 to 9999")
}

/// A number of nothing but digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')))
}

/// The milliseconds after the point, what is less than one cut off, and what follows; none of them without a point.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(digits).filter(|(fraction, _)| !fraction.is_empty())?;
    let millis = (0..3).fold(0, |n, at| n * 10 + fraction.get(at).map_or(0, |digit| u32::from(digit - b'0')));
    Some((millis, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_writes_them() {
        for (sent, told) in [
            ("2031-05-01T19:30:00Z", "2031-05-01T19:30:00.000Z"),
            ("2031-05-01t19:30:00z", "2031-05-01T19:30:00.000Z"),
            ("2031-05-01T19:30:00+09:00", "2031-05-01T10:30:00.000Z"),
            ("2031-05-01T19:30:00.5-03:30", "2031-05-01T23:00:00.500Z"),
            ("2031-05-01T19:30:00.123999999999Z", "2031-05-01T19:30:00.123Z"),
            ("2031-05-01T23:59:59.9999Z", "2031-05-01T23:59:59.999Z"),
            ("2031-05-01T19:30:00-00:00", "2031-05-01T19:30:00.000Z"),
            ("2031-05-01T00:00:00+23:59", "2031-04-30T00:01:00.000Z"),
            ("2032-02-29T00:00:00Z", "2032-02-29T00:00:00.000Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000Z"),
            ("0000-01-01T00:00:00-01:00", "0000-01-01T01:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59+01:00", "9999-12-31T22:59:59.000Z"),
        ] {
            assert_eq!(parse(sent).map(format).as_deref(), Ok(told), "{sent}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (sent, why) in [
            ("", "another form"),
            ("tomorrow", "another form"),
            ("2031-05-01", "another form"),
            ("2031-05-01T19:30Z", "another form"),
            ("2031-05-01 19:30:00Z", "another form"),
            (" 2031-05-01T19:30:00Z", "another form"),
            ("2031-05-01T19:30:00Z ", "another form"),
            ("2031-05-01T19:30:00 Z", "another form"),
            ("2031-05-01T19:30:00+0900", "another form"),
            ("2031-05-01T19:30:00+9:00", "another form"),
            ("2031-05-01T19:30:00.Z", "another form"),
            ("2031-05-01T19:30:00,5Z", "another form"),
            ("2031-5-01T19:30:00Z", "another form"),
            ("2031-05-01T19:30:00Z[Asia/Seoul]", "another form"),
            ("20310501T193000Z", "another form"),
            ("２０３１-05-01T19:30:00Z", "another form"),
            ("1900000000", "another form"),
            ("2031-05-01T19:30:00", "offset is missing"),
            ("2031-05-01T19:30:00.5", "offset is missing"),
            ("2031-05-01T19:30:00+24:00", "at most 23:59"),
            ("2031-05-01T19:30:00+01:60", "at most 23:59"),
            ("2031-05-01T19:30:60Z", "leap seconds"),
            ("2016-12-31T23:59:60Z", "leap seconds"),
            ("2031-05-01T19:30:61Z", "no such time"),
            ("2031-05-01T24:00:00Z", "no such time"),
            ("2031-05-01T19:60:00Z", "no such time"),
            ("2031-02-29T00:00:00Z", "no such day"),
            ("2031-13-01T00:00:00Z", "no such day"),
            ("2031-00-01T00:00:00Z", "no such day"),
            ("2031-01-00T00:00:00Z", "no such day"),
            ("+12345-01-01T00:00:00Z", "another form"),
            ("+262142-12-31T00:00:00Z", "another form"),
            ("12345-01-01T00:00:00Z", "another form"),
            ("-001-01-01T00:00:00Z", "four digits"),
            ("+999-01-01T00:00:00Z", "four digits"),
            ("-0001-01-01T00:00:00Z", "another form"),
            ("9999-12-31T23:59:59-01:00", "in UTC"),
            ("9999-12-31T23:59:59.999-00:01", "in UTC"),
            ("0000-01-01T00:00:00+01:00", "in UTC"),
        ] {
            let refused = parse(sent).unwrap_err();
            assert!(refused.contains(why), "{sent}: {refused}");
        }
    }

    #[test]
    fn nothing_beyond_the_first_and_the_last_instant_can_be_told() {
        let next = TimeDelta::milliseconds(1);
        assert!(can_be_told(ALL.0) && !can_be_told(ALL.0 - next));
        assert!(can_be_told(ALL.1) && !can_be_told(ALL.1 + next));
        assert_eq!(format(ALL.0), "0000-01-01T00:00:00.000Z");
        assert_eq!(format(ALL.1), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn what_is_told_is_read_again(ms in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let time = DateTime::from_timestamp_millis(ms).unwrap();
            prop_assert!(can_be_told(time) && (ALL.0..=ALL.1).contains(&time));
            prop_assert_eq!(format(time).len(), 24);
            prop_assert_eq!(parse(&format(time)), Ok(time));
        }

        #[test]
        fn nothing_that_is_sent_panics(text in "[0-9+:TtZz. -]{0,40}") {
            if let Ok(time) = parse(&text) {
                prop_assert!(can_be_told(time));
                prop_assert_eq!(DateTime::parse_from_rfc3339(&text).map(|other| other.timestamp_millis()), Ok(time.timestamp_millis()));
            }
        }

        #[test]
        fn what_is_read_is_what_others_read(
            (y, mo, d) in (0..=9_999_i32, 1..=12_u32, 1..=31_u32),
            (h, mi, s) in (0..=23_u32, 0..=59_u32, 0..=59_u32),
            fraction in "(\\.[0-9]{1,9})?",
            offset in "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
        ) {
            let text = format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{fraction}{offset}");
            let other = DateTime::parse_from_rfc3339(&text).map(|other| other.to_utc()).ok();
            let other = other.filter(|time| can_be_told(*time)).map(|time| time.timestamp_millis());
            // Before 1970 theirs is cut downwards as well.
            prop_assert_eq!(parse(&text).ok().map(|time| time.timestamp_millis()), other, "{}", text);
        }
    }
}
