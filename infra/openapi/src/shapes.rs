//! Building blocks of schemas: the few shapes that all resources are made of.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::{Array, Ref, RefOr, Schema};

/// A schema in a place where a reference may stand too.
pub(super) type Shape = RefOr<Schema>;

/// Text that is not blank and has no control characters.
const LEGIBLE: &str =
    "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$";

/// A string of at most `max` bytes.
pub(super) fn string(max: usize, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(max))
        .description(Some(description))
        .build()
}

/// A string of 1 to `max` characters that people can read.
pub(super) fn text(max: usize, description: &str) -> Object {
    let mut text = string(max, description);
    text.pattern = Some(LEGIBLE.to_owned());
    text
}

/// A string that matches a pattern.
pub(super) fn matching(pattern: &str, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .build()
}

/// A string of a format.
pub(super) fn formatted(format: &str, description: &str) -> Object {
    let format = SchemaFormat::Custom(format.to_owned());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(format))
        .description(Some(description))
        .build()
}

/// A UUID in its hyphenated form.
pub(super) fn uuid(description: &str) -> Object {
    formatted("uuid", description)
}

/// A point in time.
pub(super) fn time(description: &str) -> Object {
    formatted("date-time", description)
}

/// A string with one of these values.
pub(super) fn word<'w>(words: impl IntoIterator<Item = &'w str>, description: &str) -> Object {
    let words: Vec<_> = words.into_iter().map(Value::from).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some(description))
        .build()
}

/// True or false.
pub(super) fn boolean(description: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description)).build()
}

/// A whole number from `least` to `most`.
pub(super) fn integer(least: i32, most: Option<i32>, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(most)
        .description(Some(description))
        .build()
}

/// A number that is not negative.
pub(super) fn number(description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0))
        .description(Some(description))
        .build()
}

/// Any JSON value. A list of types would say no more, and generators make empty models of one.
pub(super) fn anything(description: &str) -> Object {
    let mut any = Object::with_type(SchemaType::AnyValue);
    any.description = Some(description.to_owned());
    any
}

/// An array of at most `most` items.
pub(super) fn list(items: impl Into<Shape>, most: Option<usize>, description: &str) -> Array {
    ArrayBuilder::new().items(items.into()).max_items(most).description(Some(description)).build()
}

/// An object whose members all have one shape.
pub(super) fn map(names: Option<Object>, members: impl Into<Shape>, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(names.map(Schema::Object))
        .additional_properties(Some(AdditionalProperties::RefOr(members.into())))
        .description(Some(description))
        .build()
}

/// A value of one of several schemas.
pub(super) fn either(shapes: impl IntoIterator<Item = Shape>, description: &str) -> Schema {
    let one = OneOfBuilder::new().description(Some(description));
    Schema::OneOf(shapes.into_iter().fold(one, OneOfBuilder::item).build())
}

/// The schema of this name.
pub(super) fn named(name: &str) -> Shape {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// `null` alone.
pub(super) fn null() -> Shape {
    RefOr::T(Schema::Object(Object::with_type(Type::Null)))
}

/// The schema of this name, or `null`.
pub(super) fn nullable(name: &str) -> Shape {
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(named(name)).item(null()).build()))
}

/// A shape that may also be `null`.
pub(super) trait OrNull {
    /// Allows `null`, which in requests means the same as leaving the field out, and in a patch
    /// removes it.
    fn or_null(self) -> Self;
}

impl OrNull for Object {
    fn or_null(mut self) -> Self {
        self.schema_type = with_null(self.schema_type);
        self
    }
}

impl OrNull for Array {
    fn or_null(mut self) -> Self {
        self.schema_type = with_null(self.schema_type);
        self
    }
}

fn with_null(kind: SchemaType) -> SchemaType {
    match kind {
        SchemaType::Type(kind) => SchemaType::from_iter([kind, Type::Null]),
        SchemaType::Array(kinds) => kinds.into_iter().chain([Type::Null]).collect(),
        SchemaType::AnyValue => SchemaType::AnyValue,
    }
}

/// An object with named fields.
pub(super) struct Record(Object);

impl Record {
    /// A record without fields.
    pub(super) fn new(description: &str) -> Self {
        Self(ObjectBuilder::new().schema_type(Type::Object).description(Some(description)).build())
    }

    /// Adds the fields that `more` does.
    pub(super) fn with(self, more: impl FnOnce(Self) -> Self) -> Self {
        more(self)
    }

    /// Adds a field that is always there.
    pub(super) fn must(mut self, name: &str, shape: impl Into<Shape>) -> Self {
        self.0.required.push(name.to_owned());
        self.may(name, shape)
    }

    /// Adds a field that may be absent.
    pub(super) fn may(mut self, name: &str, shape: impl Into<Shape>) -> Self {
        self.0.properties.insert(name.to_owned(), shape.into());
        self
    }

    /// Adds fields that are accepted when they are sent back unchanged, so that what was read can
    /// be written.
    pub(super) fn unchanged(self, fields: &[&str]) -> Self {
        fields.iter().fold(self, |record, name| record.may(name, named("Unchanged")))
    }

    /// Refuses fields that are not named.
    pub(super) fn closed(mut self) -> Self {
        self.0.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        self
    }

    /// Adds the example of the bodies and answers that have this schema.
    pub(super) fn example(mut self, example: Value) -> Self {
        self.0.examples = vec![example];
        self
    }

    /// Removes the limits on which fields must be there: what a patch is made of.
    pub(super) fn optional(mut self) -> Self {
        self.0.required.clear();
        self
    }

    /// Says that a field which is there may not be absent.
    pub(super) fn must_have(mut self, name: &str) -> Self {
        self.0.required.push(name.to_owned());
        self
    }

    /// The object's schema.
    pub(super) fn schema(self) -> Schema {
        Schema::Object(self.0)
    }
}
