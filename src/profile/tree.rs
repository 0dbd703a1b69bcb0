use super::place::Place;
use super::scalar::Scalar;

/// A piece of YAML that knows where it was written. Aliases and merge keys are resolved:
/// what came through one has the place of the original.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
    /// Of a map that lies over another: what it takes away of that one.
    pub(super) removed: Vec<Removed>,
}

/// A key that a null has taken away.
#[derive(Debug, Clone)]
pub(super) struct Removed {
    pub(super) key: String,
    pub(super) place: Place,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value. The keys of a map are distinct.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(place: Place, content: Content) -> Node {
        Node {
            place,
            content,
            removed: Vec::new(),
        }
    }

    /// Where a profile above has taken this key away.
    pub(super) fn removal(&self, key: &str) -> Option<Place> {
        let removed = self.removed.iter().find(|it| it.key == key);
        removed.map(|it| it.place)
    }

    /// Whether nothing is given: `key:`, `key: ~` or `key: null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.is_null())
    }

    /// What this is, in words that fit behind "this is".
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar(scalar) => scalar.kind(),
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}
