//! The types that a gob stream defines for itself, as far as they matter.

use std::collections::HashMap;

use super::gob::{Cursor, Malformed};

/// Numbers of the types that need no definition.
const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const FLOAT: i64 = 4;
const BYTES: i64 = 5;
pub(super) const STRING: i64 = 6;
const COMPLEX: i64 = 7;

/// Values nested deeper than this are not skipped but refused. The Go Pushgateway's own nest four deep.
const MAX_DEPTH: u32 = 32;

/// The type of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Type {
    /// An array or slice.
    List { element: i64 },
    /// Fields by name and type.
    Struct(Vec<(Vec<u8>, i64)>),
    /// A map.
    Map { key: i64, element: i64 },
    /// Bytes that only the type itself understands.
    Opaque,
}

/// All definitions of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Types(HashMap<i64, Type>);

impl Types {
    pub(super) fn define(&mut self, id: i64, definition: Type) {
        self.0.insert(id, definition);
    }

    /// Key and element type of a map.
    pub(super) fn map(&self, id: i64) -> Option<(i64, i64)> {
        match self.0.get(&id)? {
            Type::Map { key, element } => Some((*key, *element)),
            Type::List { .. } | Type::Struct(_) | Type::Opaque => None,
        }
    }

    /// Names and types of the fields of a struct.
    pub(super) fn fields(&self, id: i64) -> Option<&[(Vec<u8>, i64)]> {
        match self.0.get(&id)? {
            Type::Struct(fields) => Some(fields),
            Type::List { .. } | Type::Map { .. } | Type::Opaque => None,
        }
    }

    /// The type of the field of this name of a struct.
    pub(super) fn field(&self, id: i64, name: &str) -> Option<i64> {
        let mut fields = self.fields(id)?.iter();
        fields
            .find(|(field, _)| field == name.as_bytes())
            .map(|(_, id)| *id)
    }

    pub(super) fn is_opaque(&self, id: i64) -> bool {
        self.0.get(&id) == Some(&Type::Opaque)
    }

    /// Passes over a value. Every value takes at least a byte, so that a claimed count costs nothing.
    pub(super) fn skip(&self, id: i64, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
        self.skip_nested(id, cursor, 0)
    }

    fn skip_nested(&self, id: i64, cursor: &mut Cursor<'_>, depth: u32) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return cursor.malformed("values are nested too deep");
        }
        match (id, self.0.get(&id)) {
            (BOOL | INT | UINT | FLOAT, _) => cursor.uint().map(drop),
            (BYTES | STRING, _) | (_, Some(Type::Opaque)) => cursor.bytes().map(drop),
            (COMPLEX, _) => cursor.uint().and_then(|_| cursor.uint()).map(drop),
            (_, Some(Type::List { element })) => {
                for _ in 0..cursor.uint()? {
                    self.skip_nested(*element, cursor, depth + 1)?;
                }
                Ok(())
            }
            (_, Some(Type::Map { key, element })) => {
                for _ in 0..cursor.uint()? {
                    self.skip_nested(*key, cursor, depth + 1)?;
                    self.skip_nested(*element, cursor, depth + 1)?;
                }
                Ok(())
            }
            (_, Some(Type::Struct(fields))) => {
                let mut last = -1;
                while let Some(field) = cursor.next_field(last)? {
                    let Some((_, id)) = usize::try_from(field).ok().and_then(|at| fields.get(at))
                    else {
                        return cursor.malformed("a field is not defined");
                    };
                    self.skip_nested(*id, cursor, depth + 1)?;
                    last = field;
                }
                Ok(())
            }
            (_, None) => cursor.malformed("a type is not defined"),
        }
    }
}

/// Reads the body of a definition: a struct of which one field is set, the one for the kind of type.
pub(super) fn definition(cursor: &mut Cursor<'_>) -> Result<Type, Malformed> {
    let kind = cursor.next_field(-1)?;
    let defined = match kind {
        Some(0 | 1) => Type::List {
            element: numbers(cursor)?[0],
        },
        Some(2) => Type::Struct(struct_fields(cursor)?),
        Some(3) => {
            let [key, element] = numbers(cursor)?;
            Type::Map { key, element }
        }
        Some(4..=6) => {
            numbers(cursor)?;
            Type::Opaque
        }
        _ => return cursor.malformed("a kind of type is unknown"),
    };
    match cursor.uint()? {
        0 => Ok(defined),
        _ => cursor.malformed("a type is of two kinds"),
    }
}

/// The two integers after the common part of a definition, 0 if absent: element and length of an array, element of a
/// slice, key and element of a map.
fn numbers(cursor: &mut Cursor<'_>) -> Result<[i64; 2], Malformed> {
    let mut numbers = [0; 2];
    let mut last = -1;
    while let Some(field) = cursor.next_field(last)? {
        match field {
            0 => name_and_id(cursor).map(drop)?,
            1 => numbers[0] = cursor.int()?,
            2 => numbers[1] = cursor.int()?,
            _ => return cursor.malformed("a type has an unknown property"),
        }
        last = field;
    }
    Ok(numbers)
}

fn struct_fields(cursor: &mut Cursor<'_>) -> Result<Vec<(Vec<u8>, i64)>, Malformed> {
    let mut fields = Vec::new();
    let mut last = -1;
    while let Some(field) = cursor.next_field(last)? {
        match field {
            0 => name_and_id(cursor).map(drop)?,
            1 => {
                for _ in 0..cursor.uint()? {
                    fields.push(name_and_id(cursor)?);
                }
            }
            _ => return cursor.malformed("a struct type has an unknown property"),
        }
        last = field;
    }
    Ok(fields)
}

/// A struct of a name and a type's number: what all definitions begin with, and what a field of a struct is.
fn name_and_id(cursor: &mut Cursor<'_>) -> Result<(Vec<u8>, i64), Malformed> {
    let mut named = (Vec::new(), 0);
    let mut last = -1;
    while let Some(field) = cursor.next_field(last)? {
        match field {
            0 => named.0 = cursor.bytes()?.to_vec(),
            1 => named.1 = cursor.int()?,
            _ => return cursor.malformed("a name has an unknown property"),
        }
        last = field;
    }
    Ok(named)
}
