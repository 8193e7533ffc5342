//! What a statement consists of, so that each member can be bent.

use towline_cbor::Writer;

/// A CBOR item of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An integer, such as a COSE algorithm.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array; the statement of `compound` is one.
    Array(Vec<Item>),
    /// A map with texts as keys, in any order: it is written canonically.
    Map(Vec<(String, Item)>),
}

impl Item {
    /// A map of these members.
    pub(super) fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, item)| (name.to_owned(), item)).collect())
    }

    /// The certificates of `x5c`.
    pub(super) fn certificates(chain: Vec<Vec<u8>>) -> Self {
        Self::Array(chain.into_iter().map(Self::Bytes).collect())
    }

    /// The member of this name, if it is a map that has one.
    pub fn member(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Map(members) = self else { return None };
        members.iter_mut().find(|(key, _)| key == name).map(|(_, item)| item)
    }

    /// The bytes, if it is a byte string.
    pub const fn bytes(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub const fn elements(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Adds a member to a map, in the place of one with the same name. Without effect on anything
    /// but a map.
    pub fn set(&mut self, name: &str, item: Self) {
        if let Some(place) = self.member(name) {
            *place = item;
        } else if let Self::Map(members) = self {
            members.push((name.to_owned(), item));
        }
    }

    /// Removes the member of this name from a map.
    pub fn remove(&mut self, name: &str) {
        if let Self::Map(members) = self {
            members.retain(|(key, _)| key != name);
        }
    }

    /// The item in canonical CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_vec()
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Int(value) => writer.int(*value),
            Self::Bytes(bytes) => writer.bytes(bytes),
            Self::Text(text) => writer.text(text),
            Self::Array(items) => {
                writer.array(|array| items.iter().for_each(|item| array.item(|w| item.write(w))));
            }
            Self::Map(members) => writer.map(|map| {
                for (name, item) in members {
                    map.entry(name.as_str(), |w| item.write(w));
                }
            }),
        }
    }
}
