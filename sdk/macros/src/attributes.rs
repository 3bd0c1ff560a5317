//! Reads `#[value(...)]` on a type, a field or a variant. Whether an attribute makes sense there is for `shape`.

use syn::{Attribute, LitStr, Path, Token, meta::ParseNestedMeta, spanned::Spanned};

/// On the type.
#[derive(Default)]
pub(crate) struct Container {
    /// The path of modhost-abi.
    pub(crate) root: Option<Path>,
}

impl Container {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut found = Container::default();
        each(attributes, |meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("expected `crate = \"...\"`; the other attributes stand on fields and variants"));
            }
            let path: LitStr = meta.value()?.parse()?;
            let wrong = |_| syn::Error::new(path.span(), "expected a path that leads to modhost-abi, `\"my::abi\"`");
            once(&meta, &mut found.root, path.parse_with(Path::parse_mod_style).map_err(wrong)?)
        })?;
        Ok(found)
    }
}

/// On a field or a variant.
#[derive(Default)]
pub(crate) struct Item {
    /// Its name in the value.
    pub(crate) rename: Option<LitStr>,
    /// Where `default` stands.
    pub(crate) default: Option<proc_macro2::Span>,
}

impl Item {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut found = Item::default();
        each(attributes, |meta| {
            if meta.path.is_ident("rename") {
                let name = meta.value()?.parse()?;
                once(&meta, &mut found.rename, name)
            } else if meta.path.is_ident("default") {
                if meta.input.peek(Token![=]) {
                    return Err(meta.error("`default` takes no value: it is the type's `Default`"));
                }
                once(&meta, &mut found.default, meta.path.span())
            } else {
                Err(meta.error("expected `rename = \"...\"` or `default`"))
            }
        })?;
        Ok(found)
    }
}

fn each(attributes: &[Attribute], mut take: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>) -> syn::Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("value"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut take))
}

fn once<T>(meta: &ParseNestedMeta<'_>, slot: &mut Option<T>, value: T) -> syn::Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("given twice")),
    }
}
