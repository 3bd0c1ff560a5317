//! Finds the path of modhost-abi for the package that is compiled: itself, or through what re-exports it whole.

use proc_macro_crate::FoundCrate;
use proc_macro2::Span;
use syn::{Ident, Path, parse_quote};

/// The packages that lead to modhost-abi, the straightest way first, and the module in them.
const WAYS: [(&str, Option<&str>); 3] =
    [("modhost-abi", None), ("modhost-plugin", Some("abi")), ("modhost", Some("abi"))];

/// The path for the package that is compiled.
pub(crate) fn find(span: Span) -> syn::Result<Path> {
    choose(span, |package| proc_macro_crate::crate_name(package).ok())
}

fn choose(span: Span, look_up: impl Fn(&str) -> Option<FoundCrate>) -> syn::Result<Path> {
    let found = WAYS.iter().find_map(|(package, module)| Some((look_up(package)?, *module)));
    let Some((found, module)) = found else {
        return Err(syn::Error::new(
            span,
            "this needs `modhost`, `modhost-plugin` or `modhost-abi` among the dependencies; \
             name a path that leads to modhost-abi with `#[value(crate = \"...\")]`",
        ));
    };
    let module = module.map(|name| Ident::new(name, Span::call_site())).into_iter();
    Ok(match found {
        FoundCrate::Itself => parse_quote!(crate #(:: #module)*),
        FoundCrate::Name(name) => {
            let name = Ident::new(&name, Span::call_site());
            parse_quote!(::#name #(:: #module)*)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;

    fn check(dependencies: &[(&str, &str)], expected: Option<&str>) {
        let path = choose(Span::call_site(), |package| {
            let (_, name) = dependencies.iter().find(|(dependency, _)| *dependency == package)?;
            Some(if *name == "crate" { FoundCrate::Itself } else { FoundCrate::Name((*name).into()) })
        });
        let path = path.ok().map(|path| path.to_token_stream().to_string().replace(' ', ""));
        assert_eq!(path.as_deref(), expected, "{dependencies:?}");
    }

    #[test]
    fn any_one_of_the_three_packages_leads_to_the_traits() {
        check(&[("modhost-abi", "modhost_abi")], Some("::modhost_abi"));
        check(&[("modhost", "modhost")], Some("::modhost::abi"));
        check(&[("modhost-plugin", "modhost_plugin")], Some("::modhost_plugin::abi"));
        check(&[("modhost", "renamed")], Some("::renamed::abi"));
        check(&[("modhost", "modhost"), ("modhost-abi", "modhost_abi")], Some("::modhost_abi"));
        check(&[("modhost", "crate")], Some("crate::abi"));
        check(&[], None);
    }
}
