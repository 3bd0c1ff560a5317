//! Writes `impl FromValue`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{DeriveInput, Path, parse_quote, spanned::Spanned};

use crate::shape::{Member, Shape};

pub(crate) fn derive(abi: &Path, mut input: DeriveInput, shape: Shape) -> TokenStream {
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#abi::FromValue));
    }
    let (ty, from_value) = match &shape {
        Shape::Record(members) => record(abi, members),
        Shape::Newtype(inner) => (
            quote_spanned!(inner.span()=> <#inner as #abi::FromValue>::ty()),
            quote_spanned!(inner.span()=> <#inner as #abi::FromValue>::from_value(value).map(Self)),
        ),
        Shape::Names(variants) => names(abi, variants),
    };
    let (name, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    quote! {
        #[automatically_derived]
        impl #generics #abi::FromValue for #name #arguments #bounds {
            fn ty() -> #abi::Type {
                #ty
            }
            fn from_value(value: #abi::Value) -> ::core::result::Result<Self, #abi::TypeError> {
                #from_value
            }
        }
    }
}

fn record(abi: &Path, members: &[Member]) -> (TokenStream, TokenStream) {
    let types = members.iter().map(|member| {
        let (name, ty) = (&member.name, &member.ty);
        let plain = quote_spanned!(ty.span()=> <#ty as #abi::FromValue>::ty());
        if member.default { quote!((#name, #abi::derive::may_be_missing(#plain))) } else { quote!((#name, #plain)) }
    });
    // Locals are numbered, so that a field named `fields` is no clash.
    let locals: Vec<_> = (0..members.len()).map(|at| format_ident!("field{at}")).collect();
    let takes = members.iter().zip(&locals).map(|(member, local)| {
        let (name, ty) = (&member.name, &member.ty);
        let take = if member.default { quote!(take_or_default) } else { quote!(take) };
        quote_spanned!(ty.span()=> let #local = fields.#take::<#ty>(#name)?;)
    });
    let idents = members.iter().map(|member| &member.ident);
    let fields = if members.is_empty() { quote!(fields) } else { quote!(mut fields) };
    (
        quote!(#abi::derive::record([#(#types),*])),
        quote! {
            let #fields = #abi::derive::Fields::new(value)?;
            #(#takes)*
            fields.end()?;
            ::core::result::Result::Ok(Self { #(#idents: #locals),* })
        },
    )
}

fn names(abi: &Path, variants: &[(syn::Ident, String)]) -> (TokenStream, TokenStream) {
    let names: Vec<_> = variants.iter().map(|(_, name)| name).collect();
    let mut arms: Vec<_> = variants.iter().enumerate().map(|(at, (ident, _))| quote!(#at => Self::#ident)).collect();
    // `variant` gives no index beyond the last name, which the compiler cannot know.
    if let (Some(arm), Some((ident, _))) = (arms.last_mut(), variants.last()) {
        *arm = quote!(_ => Self::#ident);
    }
    (
        quote!(#abi::derive::names(&[#(#names),*])),
        quote! {
            let at = #abi::derive::variant(&value, &[#(#names),*])?;
            ::core::result::Result::Ok(match at { #(#arms),* })
        },
    )
}
