//! `docs/errors.md`: every error by its id.

use std::fmt::Write;

use micro_chat_wire::endpoint::Endpoint;
use micro_chat_wire::error::ErrorBody;

use super::errors::{self, Described};
use super::method::twin;
use super::methods::method;
use super::occasion::Place;

/// Where what is written by hand begins.
const BY_HAND: &str = "\n## In the page";

const ABOUT: &str = "# Errors

Every refusal has an `Id` for programs, a `Code`, which is the HTTP status, and a `Detail` for people:

```json
{ \"Id\": \"chat.New.MissingUserIDs\", \"Code\": 400, \"Detail\": \"Name at least one user in user_ids.\", \
\"Status\": \"Bad Request\" }
```

In the session dialect it is the last element of an ERROR frame, in the gateway dialect a frame of its own. In a page it
is a `MicroError` with `id`, `code` and `detail`.

Trying again helps where the last column says so; `retry_after` (milliseconds) then says when, and so does the header
`retry-after` (seconds). Sentences that name a limit, a path or what the parser found say what fits.

The parts about the server are made from its code; a test compares them.
";

/// The page, with what was written by hand in the last one.
pub fn errors(last: &str) -> String {
    let mut page = ABOUT.to_owned();
    let elsewhere = |place: Place| !matches!(place, Place::AccountCall);
    let example = Endpoint::ChatNew;
    let mut all = errors::shared(example, elsewhere);
    all.iter_mut().for_each(|error| error.body.id = error.body.id.replace(example.name(), "<method>"));
    section(&mut page, "Anywhere", "Of calls, streams and paths, whatever the method.", &all);
    let mut tokens = errors::tokens(|_| true);
    tokens.extend(errors::shared(example, |place| place == Place::AccountCall));
    section(&mut page, "Tokens", "Of every method that wants a token, and of pages that may not ask for one.", &tokens);
    section(&mut page, "/readyz", "Whether the server should get visitors.", &errors::of_readiness());
    for (endpoint, path) in super::endpoints() {
        rules(&mut page, endpoint, &path);
        if let Some(twin) = twin(endpoint) {
            rules(&mut page, twin, &format!("{path} with a group_id"));
        }
    }
    let by_hand = last.find(BY_HAND).and_then(|at| last.get(at..)).unwrap_or(BY_HAND);
    page + by_hand
}

fn rules(page: &mut String, endpoint: Endpoint, path: &str) {
    let said = method(endpoint);
    let errors = errors::of_rules(endpoint, &said);
    if !errors.is_empty() {
        section(page, path, &format!("{}.", said.summary), &errors);
    }
}

fn section(page: &mut String, title: &str, about: &str, errors: &[Described]) {
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "\n## {title}\n\n{about}\n\n| id | code | sentence | when | again? |\n| --- | --- | --- | --- | --- |\n"
    );
    for Described { body, when } in errors {
        let ErrorBody { id, code, detail, .. } = body;
        let detail = detail.replace('<', "\\<").replace('|', "\\|");
        let _ = writeln!(page, "| `{id}` | {code} | {detail} | {when} | {} |", again(body));
    }
}

/// Whether trying again helps.
fn again(body: &ErrorBody) -> &'static str {
    match body.code {
        _ if body.retry_after.is_some() => "yes, after `retry_after`",
        401 => "with another token",
        408 | 500 => "yes",
        _ => "no",
    }
}
