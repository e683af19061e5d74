//! A request as a curl line that can be pasted, without its secrets.

use crate::credentials::Secrets;
use crate::request::Request;

/// The longest body that is written out.
const LONGEST_BODY: usize = 4096;

/// The curl line of a request.
pub(crate) fn line(url: &str, request: &Request, secrets: &Secrets) -> String {
    let mut line =
        format!("curl -i -X {} {}", request.method, quoted(&format!("{url}{}", request.target)));
    for (name, value) in &request.headers {
        match secrets.masked_header(value) {
            Some(masked) => line.push_str(&format!(" -H \"{name}: {masked}\"")),
            None => line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}")))),
        }
    }
    match &request.body {
        Some(body) if body.len() > LONGEST_BODY => {
            line.push_str(&format!(" --data-binary @body  # {} bytes", body.len()));
        }
        Some(body) => {
            let text = String::from_utf8_lossy(body);
            line.push_str(&format!(" --data-raw {}", quoted(&secrets.masked(&text))));
        }
        None => {}
    }
    line
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
