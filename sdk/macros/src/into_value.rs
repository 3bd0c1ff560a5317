//! Writes `impl IntoValue`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Path, parse_quote, spanned::Spanned};

use crate::shape::Shape;

pub(crate) fn derive(abi: &Path, mut input: DeriveInput, shape: Shape) -> TokenStream {
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#abi::IntoValue));
    }
    let (ty, into_value) = match &shape {
        Shape::Record(members) => record(abi, members),
        Shape::Newtype(inner) => (
            quote_spanned!(inner.span()=> <#inner as #abi::IntoValue>::ty()),
            quote!(#abi::IntoValue::into_value(self.0)),
        ),
        Shape::Names(variants) => {
            let names = variants.iter().map(|(_, name)| name);
            let arms = variants.iter().map(|(ident, name)| quote!(Self::#ident => #name));
            (
                quote!(#abi::derive::names(&[#(#names),*])),
                quote!(::core::result::Result::Ok(#abi::Value::from(match self { #(#arms),* }))),
            )
        }
    };
    let (name, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    quote! {
        #[automatically_derived]
        impl #generics #abi::IntoValue for #name #arguments #bounds {
            fn ty() -> #abi::Type {
                #ty
            }
            fn into_value(self) -> ::core::result::Result<#abi::Value, #abi::TypeError> {
                #into_value
            }
        }
    }
}

fn record(abi: &Path, members: &[crate::shape::Member]) -> (TokenStream, TokenStream) {
    let count = members.len();
    let types = members.iter().map(|member| {
        let (name, ty) = (&member.name, &member.ty);
        quote_spanned!(ty.span()=> (#name, <#ty as #abi::IntoValue>::ty()))
    });
    let puts = members.iter().map(|member| {
        let (name, ident) = (&member.name, &member.ident);
        quote_spanned!(member.ty.span()=> entries.put(#name, self.#ident)?;)
    });
    let entries = if members.is_empty() { quote!(entries) } else { quote!(mut entries) };
    (
        quote!(#abi::derive::record([#(#types),*])),
        quote! {
            let #entries = #abi::derive::Entries::new(#count);
            #(#puts)*
            ::core::result::Result::Ok(entries.finish())
        },
    )
}
