//! [`Shape`]: the kinds of types that have values. All refusals of a type's form are here.

use std::collections::BTreeSet;

use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, Ident, Type, spanned::Spanned, visit::Visit};

use crate::{attributes::Item, names};

/// A field of a [`Shape::Record`].
pub(crate) struct Member {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// Its name in the value.
    pub(crate) name: String,
    /// Whether it may be missing.
    pub(crate) default: bool,
}

/// A type that has values.
pub(crate) enum Shape {
    /// A struct with named fields, sorted by their names in the value.
    Record(Vec<Member>),
    /// A struct around one value.
    Newtype(Box<Type>),
    /// Variants without fields, and their names in the value, in the order of the source.
    Names(Vec<(Ident, String)>),
}

impl Shape {
    pub(crate) fn of(input: &DeriveInput) -> syn::Result<Self> {
        match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => record(&input.ident, fields.named.iter()),
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => newtype(&input.ident, &fields.unnamed[0]),
                Fields::Unnamed(fields) => {
                    Err(Error::new(fields.span(), "a struct with several unnamed fields has no value: name its fields"))
                }
                Fields::Unit => Err(Error::new(input.ident.span(), "a struct without fields has no value")),
            },
            Data::Enum(data) => names(&input.ident, data),
            Data::Union(data) => Err(Error::new(data.union_token.span(), "a union has no value")),
        }
    }
}

fn record<'a>(itself: &Ident, fields: impl Iterator<Item = &'a Field>) -> syn::Result<Shape> {
    let mut members = Vec::new();
    let mut taken = BTreeSet::new();
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let item = Item::of(&field.attrs)?;
        let name = names::field(ident, item.rename.as_ref())?;
        unique(&mut taken, &name, item.rename.as_ref().map_or(ident.span(), |rename| rename.span()))?;
        not_inside_itself(itself, &field.ty)?;
        members.push(Member { ident: ident.clone(), ty: field.ty.clone(), name, default: item.default.is_some() });
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Shape::Record(members))
}

fn newtype(itself: &Ident, field: &Field) -> syn::Result<Shape> {
    let item = Item::of(&field.attrs)?;
    if let Some(at) = item.default.or(item.rename.map(|rename| rename.span())) {
        return Err(Error::new(at, "a newtype is its inner value, whose field has no name and cannot be missing"));
    }
    not_inside_itself(itself, &field.ty)?;
    Ok(Shape::Newtype(Box::new(field.ty.clone())))
}

fn names(itself: &Ident, data: &DataEnum) -> syn::Result<Shape> {
    if data.variants.is_empty() {
        return Err(Error::new(itself.span(), "an enum without variants has no value"));
    }
    let mut variants = Vec::new();
    let mut taken = BTreeSet::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(variant.fields.span(), "a variant with fields has no value: an enum is a text"));
        }
        let item = Item::of(&variant.attrs)?;
        if let Some(at) = item.default {
            return Err(Error::new(at, "`default` stands on fields of structs"));
        }
        let name = names::variant(&variant.ident, item.rename.as_ref())?;
        unique(&mut taken, &name, item.rename.as_ref().map_or(variant.ident.span(), |rename| rename.span()))?;
        variants.push((variant.ident.clone(), name));
    }
    Ok(Shape::Names(variants))
}

fn unique(taken: &mut BTreeSet<String>, name: &str, at: proc_macro2::Span) -> syn::Result<()> {
    if taken.insert(name.into()) { Ok(()) } else { Err(Error::new(at, format!("`{name}` is there twice"))) }
}

/// Types are trees: writing one down for a type inside itself would not end, and at run time overflow the stack.
fn not_inside_itself(itself: &Ident, ty: &Type) -> syn::Result<()> {
    struct Search<'a>(&'a Ident, Option<proc_macro2::Span>);
    impl<'ast> Visit<'ast> for Search<'_> {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            if path.get_ident().is_some_and(|ident| ident == "Self")
                || path.segments.len() == 1 && path.segments[0].ident == *self.0
            {
                self.1 = Some(path.span());
            }
            syn::visit::visit_path(self, path);
        }
    }
    let mut search = Search(itself, None);
    search.visit_type(ty);
    match search.1 {
        Some(at) => Err(Error::new(at, "a type inside itself has no `Type`: use `Value` here and convert by hand")),
        None => Ok(()),
    }
}
