//! What the program is told of the service `chats`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::number;

/// A command of `micro chats`.
#[derive(Debug, Subcommand)]
pub enum Chats {
    /// Opens the chat of two or more users, or of an id
    CreateChat {
        /// Its id; without it the server makes one
        #[arg(long, default_value = "")]
        id: String,
        /// Whom it is for, with commas between them
        #[arg(long, value_name = "USERS", value_delimiter = ',')]
        user_ids: Vec<String>,
    },
    /// Sends a message
    SendMessage {
        /// The message's id, which makes a retry safe
        #[arg(long, default_value = "")]
        id: String,
        /// The chat
        #[arg(long, value_name = "ID", default_value = "")]
        chat_id: String,
        /// Who sends; where a token says that, it may be left out
        #[arg(long, value_name = "USER", default_value = "")]
        author_id: String,
        /// What it says; `-`, or nothing where the input is no terminal, reads it from there
        #[arg(long, allow_hyphen_values = true)]
        text: Option<String>,
    },
    /// Prints messages
    ListMessages {
        /// The chat
        #[arg(long, value_name = "ID", default_value = "")]
        chat_id: String,
        /// At most so many; without it 25
        #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
        limit: u64,
        /// Messages to pass over
        #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
        offset: u64,
        /// `asc`: the oldest first; otherwise the newest
        #[arg(long, default_value = "")]
        order: String,
    },
    /// Lists a user's chats, those first in which something was said last, with what is unread
    #[command(name = "list-chats")]
    List {
        /// Whose; where a token says that, it may be left out
        #[arg(long, value_name = "USER", default_value = "")]
        user_id: String,
        /// At most so many, 1 to 100; without it 25
        #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = number)]
        limit: u64,
        /// Where the list before ended, as it says itself
        #[arg(long, default_value = "", allow_hyphen_values = true)]
        cursor: String,
    },
    /// Says up to where a user has read
    MarkRead {
        /// The chat
        #[arg(long, value_name = "ID", default_value = "")]
        chat_id: String,
        /// Who has read; where a token says that, it may be left out
        #[arg(long, value_name = "USER", default_value = "")]
        user_id: String,
        /// Up to which message
        #[arg(long, value_parser = number)]
        seq: u64,
    },
    /// Writes all of a chat, or of a user, a line of JSON each
    Export(Export),
    /// Deletes a user with all that they wrote; nothing brings that back; asks before
    DeleteUser {
        /// Who goes; always to be said, so that nobody goes by mistake
        #[arg(long, value_name = "USER")]
        user_id: String,
        /// Reads the password that a login wants for this from the input, instead of asking for it
        #[arg(long)]
        password_stdin: bool,
        /// Deletes without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What is exported, and where to.
#[derive(Debug, Args)]
pub struct Export {
    /// All of this chat
    #[arg(long, value_name = "ID", default_value = "")]
    pub chat_id: String,
    /// Without a chat: all of this user; where a token says who that is, it may be left out
    #[arg(long, value_name = "USER", default_value = "")]
    pub user_id: String,
    /// The file, which appears when all of it is there; without it, or as `-`, the output
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}
