//! Templates have no thoughts: they name values, repeat, and leave out. Nothing else.

use super::Source;

/// Every tag of a template that does more than it may.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let templates =
        sources.iter().filter(|source| source.path.extension().is_some_and(|e| e == "j2"));
    templates
        .flat_map(|source| thoughts(&source.path.display().to_string(), &source.text))
        .collect()
}

/// A tag in a template that does more than it may.
fn thoughts(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let closing = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let Some(length) = rest[start + 2..].find(closing) else {
            found.push(format!("{name}: a tag that never ends"));
            return found;
        };
        let tag = &rest[start + 2..start + 2 + length];
        // A sign beside the braces trims white space and thinks nothing.
        let trimmed = tag.strip_prefix('-').unwrap_or(tag);
        let trimmed = trimmed.strip_suffix('-').unwrap_or(trimmed);
        let words: Vec<&str> = trimmed.split_whitespace().collect();
        let is_plain = match (closing, words.as_slice()) {
            ("}}", [path]) => is_path(path),
            (_, ["for", name, "in", path]) => is_name(name) && is_path(path),
            (_, ["if", path]) => is_path(path),
            (_, ["include", literal]) => {
                literal.starts_with('"') && literal.ends_with('"') && literal.len() > 2
            }
            (_, words) => matches!(words, ["endfor" | "endif"]),
        };
        if !is_plain {
            found.push(format!("{name}: `{}`", tag.trim()));
        }
        rest = &rest[start + 2 + length + 2..];
    }
    if rest.contains("{#") {
        found.push(format!("{name}: a comment"));
    }
    found
}

fn is_path(text: &str) -> bool {
    text.split('.').all(is_name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::thoughts;

    #[test]
    fn a_thought_is_found() {
        let allowed = "{{ a }} {{ a.b }} {% for x in a.b %} {% endfor %} {% if a.b %} \
            {%- endif -%} {% include \"part.j2\" %}";
        assert_eq!(thoughts("t", allowed), Vec::<String>::new());
        for tag in [
            "{{ a | upper }}",
            "{{ a() }}",
            "{{ a + b }}",
            "{{ a[0] }}",
            "{{ \"text\" }}",
            "{% set a = b %}",
            "{% if not a %}",
            "{% if a == b %}",
            "{% if a and b %}",
            "{% else %}",
            "{% elif a %}",
            "{% for a, b in c %}",
            "{% for a in b if c %}",
            "{% macro a() %}",
            "{% include a %}",
            "{%- else %}",
            "{{ a",
        ] {
            assert_eq!(thoughts("t", tag).len(), 1, "{tag}");
        }
    }
}
