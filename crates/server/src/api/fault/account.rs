//! What is refused of accounts, in words.

use micro_chat_wire::endpoint::Endpoint;

use crate::auth::accounts::Refusal;

/// The ids of the two services of accounts: `auth.WrongCode`, and `signup.WrongCode`.
pub fn words(endpoint: Endpoint, refusal: &Refusal) -> (String, u16, String) {
    let service = endpoint.name().split('.').next().unwrap_or_default();
    let (id, code, detail) = match refusal {
        Refusal::Denied(denied) => return super::denied(*denied),
        Refusal::Closed if service == "signup" => ("Closed", 403, "Nobody can sign up in this namespace."),
        Refusal::Closed => ("Closed", 403, "Nobody logs in with a password in this namespace."),
        Refusal::InvalidEmail => ("InvalidEmail", 400, "This is no e-mail address, such as ann@example.com."),
        Refusal::WeakSecret => {
            ("WeakSecret", 400, "A password has 8 to 256 characters, and is not the e-mail address.")
        }
        Refusal::InvalidId => ("InvalidID", 400, "A user id is one line of 256 bytes at most."),
        Refusal::IdTaken => ("IDTaken", 409, "This user id is not to be had; choose another."),
        Refusal::WrongCode => {
            ("WrongCode", 400, "This code is wrong, or too old, or was tried too often; ask for another.")
        }
        Refusal::WrongCredentials => {
            return (
                "auth.WrongCredentials".into(),
                401,
                "There is no such account, or its password is another.".into(),
            );
        }
        Refusal::NoLogin => return ("auth.NoLogin".into(), 401, "Nobody is logged in here any more; log in.".into()),
        Refusal::TooManyAttempts(_) => {
            return ("auth.TooManyAttempts".into(), 429, "That was tried too often; wait for a moment.".into());
        }
        Refusal::Busy => ("Busy", 503, "Too many want this at once; try again in a moment."),
        Refusal::Store(_) => ("Unavailable", 503, "The account store does not answer; try again."),
    };
    (format!("{service}.{id}"), code, detail.to_owned())
}
