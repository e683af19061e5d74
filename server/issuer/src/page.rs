//! The page that asks who one wants to be. It loads nothing from anywhere.

use crate::Offer;
use crate::authorization::Asked;
use crate::grants::{OFFLINE, OPENID};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:10vh auto;max-width:28rem;\
    padding:0 1rem;color:#1b1f24;background:#f6f7f9}main{background:#fff;border:1px solid #d5dae1;\
    border-radius:.5rem;padding:1.5rem}h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:.5rem 0;\
    color:#56606c}code{overflow-wrap:anywhere}label{display:block;margin:.75rem 0 .25rem}\
    input[type=text]{font:inherit;width:100%;box-sizing:border-box;padding:.4rem .5rem;\
    border:1px solid #aab3bf;border-radius:.25rem}fieldset{border:0;padding:0;margin:1rem 0}\
    fieldset label{margin:.25rem 0}button{font:inherit;padding:.45rem 1rem;margin-right:.5rem;\
    border:1px solid #aab3bf;border-radius:.25rem;background:#fff;cursor:pointer}\
    button[value=allow]{background:#1f5fbf;border-color:#1f5fbf;color:#fff}\
    @media(prefers-color-scheme:dark){body{background:#15181c;color:#e6e9ed}\
    main{background:#1d2127;border-color:#3a424d}p{color:#a2acb8}\
    input[type=text],button{background:#15181c;color:inherit;border-color:#59636f}}";

/// The page for a request; its form is sent to `action`.
pub(crate) fn write(offer: &Offer, asked: &Asked<'_>, action: &str) -> String {
    let is_choice = |scope: &&String| ![OPENID, OFFLINE].contains(&scope.as_str());
    let scopes: String = asked.scopes.iter().filter(is_choice).map(|scope| choice(scope)).collect();
    let tenants: String =
        offer.tenants.iter().map(|name| format!("<option>{}</option>", escaped(name))).collect();
    let first = escaped(offer.tenants.first().map_or("development", String::as_str));
    let (client, redirect) = (escaped(asked.client), escaped(asked.redirect));
    let action = escaped(action);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Development sign-in</title><style>{STYLE}</style></head><body><main>\
         <h1>Who do you want to be?</h1>\
         <p>A development issuer: there are no passwords, and nothing here is for production.</p>\
         <p><b>{client}</b> asks, and gets its answer at <code>{redirect}</code>.</p>\
         <form method=\"post\" action=\"{action}\">\
         <label for=\"tenant\">Tenant</label>\
         <input type=\"text\" id=\"tenant\" name=\"tenant\" value=\"{first}\" list=\"tenants\" \
         required>\
         <datalist id=\"tenants\">{tenants}</datalist>\
         <label for=\"subject\">Subject</label>\
         <input type=\"text\" id=\"subject\" name=\"subject\" value=\"developer\" required>\
         <fieldset><legend>Scopes</legend>{scopes}</fieldset>\
         <button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\
         </form></main></body></html>\n"
    )
}

fn choice(scope: &str) -> String {
    let scope = escaped(scope);
    format!(
        "<label><input type=\"checkbox\" name=\"grant\" value=\"{scope}\" checked> {scope}</label>"
    )
}

/// A text that stays a text in HTML, in attributes too.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
