//! Requests and frames read from JSON, as clients of all languages write it:
//!
//! - `null` in a field is the same as no field: the empty value. So Go writes a list of nobody.
//! - `1.0` is a whole number, as JSON Schema has it.
//! - What is of another type is refused in JSON's words, not in Rust's.

use std::fmt;
use std::iter::empty;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// From here on a number with a point may not be the one that was written.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is all there is.
    Root,
    /// In a field, where null is the same as nothing.
    Field,
    /// In a list.
    Element,
}

/// What belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Text,
    Flag,
    /// A number that may be below 0.
    Whole,
    /// One from 0 to this.
    UpTo(u64),
    /// Lists in requests are lists of names.
    Texts,
    Frame,
    Object,
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "a string",
            Self::Flag => "true or false",
            Self::Whole => "a whole number",
            Self::UpTo(u64::MAX) => "a whole number from 0 on",
            Self::UpTo(most) => return write!(formatter, "a whole number from 0 to {most}"),
            Self::Texts => "a list of strings",
            Self::Frame => "a list that begins with a number",
            Self::Object => "an object",
        })
    }
}

/// Reads what another reader does, in that way.
#[derive(Debug)]
pub struct Reader<D> {
    inner: D,
    place: Place,
}

impl<D> Reader<D> {
    /// Of a whole request or frame.
    pub fn new(inner: D) -> Self {
        Self { inner, place: Place::Root }
    }
}

impl<'de, D: Deserializer<'de>> Reader<D> {
    fn read<V: Visitor<'de>>(self, wanted: Wanted, visitor: V) -> Result<V::Value, D::Error> {
        // By what comes, not by what is wanted: else the reader says itself, and in its words, what does not fit.
        self.inner.deserialize_any(Guard { visitor, wanted, place: self.place })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reader<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_ignored_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_option(Maybe(visitor))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::Flag, visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::Whole, visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::UpTo(u32::MAX.into()), visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::UpTo(u64::MAX), visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::Text, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::Text, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let wanted = if self.place == Place::Root { Wanted::Frame } else { Wanted::Texts };
        self.read(wanted, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.read(Wanted::Object, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.read(Wanted::Object, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct enum
        identifier
    }
}

/// A field that may be left out and has no empty value.
struct Maybe<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Maybe<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Reader { inner, place: Place::Field })
    }
}

/// Lets through what is wanted.
struct Guard<V> {
    visitor: V,
    wanted: Wanted,
    place: Place,
}

impl<V> Guard<V> {
    fn wrong<T, E: Error>(&self) -> Result<T, E> {
        Err(E::custom(format_args!("it has to be {}", self.wanted)))
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guard<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.wanted)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        if self.place != Place::Field {
            return self.wrong();
        }
        match self.wanted {
            Wanted::Text => self.visitor.visit_str(""),
            Wanted::Flag => self.visitor.visit_bool(false),
            Wanted::Whole | Wanted::UpTo(_) => self.visitor.visit_u64(0),
            Wanted::Texts | Wanted::Frame => self.visitor.visit_seq(SeqDeserializer::new(empty::<()>())),
            Wanted::Object => self.visitor.visit_map(MapDeserializer::new(empty::<((), ())>())),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        if self.wanted == Wanted::Flag { self.visitor.visit_bool(value) } else { self.wrong() }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::UpTo(most) if value <= most => self.visitor.visit_u64(value),
            Wanted::Whole if i64::try_from(value).is_ok() => self.visitor.visit_u64(value),
            _ => self.wrong(),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        match (self.wanted, u64::try_from(value)) {
            (_, Ok(value)) => self.visit_u64(value),
            (Wanted::Whole, Err(_)) => self.visitor.visit_i64(value),
            _ => self.wrong(),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        if value.fract() == 0.0 && value.abs() <= EXACT { self.visit_i64(value as i64) } else { self.wrong() }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        if self.wanted == Wanted::Text { self.visitor.visit_str(value) } else { self.wrong() }
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        if self.wanted == Wanted::Text { self.visitor.visit_borrowed_str(value) } else { self.wrong() }
    }

    fn visit_string<E: Error>(self, value: String) -> Result<V::Value, E> {
        if self.wanted == Wanted::Text { self.visitor.visit_string(value) } else { self.wrong() }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<V::Value, A::Error> {
        if matches!(self.wanted, Wanted::Texts | Wanted::Frame) {
            return self.visitor.visit_seq(Elements(elements));
        }
        // To its end: what is no JSON is said to be that.
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        self.wrong()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<V::Value, A::Error> {
        if self.wanted == Wanted::Object {
            return self.visitor.visit_map(Fields(fields));
        }
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.wrong()
    }
}

struct Elements<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(At { seed, place: Place::Element })
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(At { seed, place: Place::Field })
    }
}

/// Has a value read in the same way.
struct At<S> {
    seed: S,
    place: Place,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for At<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Reader { inner, place: self.place })
    }
}

#[cfg(test)]
mod tests {
    use crate::api::fault::Fault;
    use crate::api::request::from_json;
    use micro_chat_wire::auth::TokenRequest;
    use micro_chat_wire::chat::{HistoryRequest, Message, NewRequest};
    use micro_chat_wire::frame::ClientFrame;
    use micro_chat_wire::groups::CreateRequest;
    use serde::de::DeserializeOwned;

    /// What is said of it.
    fn refused<T: DeserializeOwned>(text: &str) -> String {
        match from_json::<T>(text) {
            Err(Fault::InvalidField { field, detail }) => format!("{field}: {detail}"),
            Err(_) => "another fault".to_owned(),
            Ok(_) => "nothing".to_owned(),
        }
    }

    #[test]
    fn null_is_the_same_as_nothing_in_a_field_of_any_type() {
        let history =
            from_json::<HistoryRequest>(r#"{"chat_id":null,"limit":null,"before":null,"after":null,"x":null}"#);
        assert!(history.is_ok_and(|it| it.chat_id.is_empty() && (it.limit, it.before, it.after) == (0, 0, None)));
        let group = from_json::<CreateRequest>(r#"{"name":"a","user_ids":null,"private":null}"#);
        assert!(group.is_ok_and(|it| it.name == "a" && it.user_ids.is_empty() && !it.private));
        let token = from_json::<TokenRequest>(r#"{"options":null,"cookie":true}"#);
        assert!(token.is_ok_and(|it| it.options.namespace.is_empty() && it.cookie));
        let token = from_json::<TokenRequest>(r#"{"options":{"namespace":null}}"#);
        assert!(token.is_ok_and(|it| it.options.namespace.is_empty()));
        assert!(from_json::<Message>(r#"{"text":"a","sent_at":null,"seq":null}"#).is_ok_and(|it| it.sent_at == 0));
        assert!(from_json::<ClientFrame>(r#"[1,{"user_id":"ann","token":null}]"#).is_ok());
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        for (text, limit) in [("1.0", 1), ("1e2", 100), ("0.0", 0), ("-0.0", 0), ("-0", 0), ("1000", 1_000)] {
            let read = from_json::<HistoryRequest>(&format!("{{\"limit\":{text},\"after\":{text}}}"));
            assert!(read.is_ok_and(|it| it.limit == limit && it.after == Some(limit)), "{text}");
        }
        assert!(
            from_json::<HistoryRequest>(r#"{"before":18446744073709551615}"#).is_ok_and(|it| it.before == u64::MAX)
        );
        assert!(from_json::<Message>(r#"{"sent_at":-5.0}"#).is_ok_and(|it| it.sent_at == -5));
        for text in ["1.5", "-1", "-1.0", "1e300", "18446744073709551616", "9007199254740993.5e1"] {
            let words = refused::<HistoryRequest>(&format!("{{\"before\":{text}}}"));
            assert_eq!(words, "before: it has to be a whole number from 0 on", "{text}");
        }
    }

    #[test]
    fn what_is_of_another_type_is_refused_in_the_words_of_json() {
        let values = ["null", "true", "5", "1.5", "\"a\"", "[]", "[null]", "{}", r#"{"a":[{}]}"#];
        let each = |refused: fn(&str) -> String, before: &str, after: &str, taken: &[&str], words: &str| {
            for value in values {
                let said = refused(&format!("{before}{value}{after}"));
                let expected = if taken.contains(&value) { "nothing" } else { words };
                assert_eq!(said, expected, "{before}{value}{after}");
            }
        };
        let objects = ["{}", r#"{"a":[{}]}"#];
        each(refused::<NewRequest>, "", "", &objects, "request: it has to be an object");
        each(refused::<HistoryRequest>, "{\"chat_id\":", "}", &["null", "\"a\""], "chat_id: it has to be a string");
        each(
            refused::<HistoryRequest>,
            "{\"limit\":",
            "}",
            &["null", "5"],
            "limit: it has to be a whole number from 0 on",
        );
        each(
            refused::<HistoryRequest>,
            "{\"after\":",
            "}",
            &["null", "5"],
            "after: it has to be a whole number from 0 on",
        );
        each(refused::<Message>, "{\"sent_at\":", "}", &["null", "5"], "sent_at: it has to be a whole number");
        each(refused::<CreateRequest>, "{\"private\":", "}", &["null", "true"], "private: it has to be true or false");
        each(refused::<NewRequest>, "{\"user_ids\":[\"a\",", "]}", &["\"a\""], "user_ids[1]: it has to be a string");
        each(
            refused::<TokenRequest>,
            "{\"options\":",
            "}",
            &["null", objects[0], objects[1]],
            "options: it has to be an object",
        );
        let namespace = "options.namespace: it has to be a string";
        each(refused::<TokenRequest>, "{\"options\":{\"namespace\":", "}}", &["null", "\"a\""], namespace);
        for value in ["true", "5", "\"a\"", "{}"] {
            let said = refused::<NewRequest>(&format!("{{\"user_ids\":{value}}}"));
            assert_eq!(said, "user_ids: it has to be a list of strings");
            assert_eq!(refused::<ClientFrame>(value), "request: it has to be a list that begins with a number");
        }
        assert_eq!(refused::<ClientFrame>("[3,4294967296]"), "[1]: it has to be a whole number from 0 to 4294967295");
        assert_eq!(refused::<NewRequest>(r#"{"user_ids":[],"user_ids":[]}"#), "request: duplicate field `user_ids`");
        // What is no JSON is that, wherever it ends.
        for text in ["[1,", "{\"user_ids\":{\"a\":", "{\"user_ids\":[[", "{\"user_ids\":\"a"] {
            assert!(matches!(from_json::<NewRequest>(text), Err(Fault::InvalidJson(_))), "{text}");
        }
    }
}
