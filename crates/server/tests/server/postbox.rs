//! A mail server that keeps what it is given.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use micro_chat_server::certificate::Certificate;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::running::PATIENCE;

/// A mail as it came.
#[derive(Clone, Debug)]
pub struct Mail {
    /// What the envelope says.
    pub to: Vec<String>,
    /// Headers and text.
    pub text: String,
}

/// A connection, with or without TLS.
trait Link: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Link for T {}

type Stream = BufReader<Box<dyn Link>>;

/// When a mail server does TLS.
#[derive(Clone, Debug)]
pub enum Tls {
    Never,
    /// From the first byte.
    AtOnce(Certificate),
    /// When it is asked to.
    Asked(Certificate),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Postbox {
    /// For `--mail-server`.
    pub url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// So many mails are put off before one is taken.
    pub busy: Arc<AtomicUsize>,
    /// How many clients there were,
    pub greeted: Arc<AtomicUsize>,
    /// and how many of them wanted to mail something.
    pub mailed: Arc<AtomicUsize>,
}

impl Postbox {
    pub async fn open() -> Self {
        Self::with(Tls::Never).await
    }

    pub async fn with(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let postbox =
            Self { url, mails: Arc::default(), busy: Arc::default(), greeted: Arc::default(), mailed: Arc::default() };
        let serving = postbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (postbox, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    let mut stream: Box<dyn Link> = Box::new(stream);
                    if let Tls::AtOnce(certificate) = &tls {
                        stream = Box::new(certificate.acceptor().accept(stream).await.ok()?);
                    }
                    let mut stream = BufReader::new(stream);
                    stream.write_all(b"220 postbox\r\n").await.ok()?;
                    postbox.serve(stream, &tls).await
                });
            }
        });
        postbox
    }

    /// One connection, by RFC 5321. It ends where the client does not keep to that.
    async fn serve(&self, mut stream: Stream, tls: &Tls) -> Option<()> {
        let mut mail = Mail { to: Vec::new(), text: String::new() };
        loop {
            let line = line(&mut stream).await?;
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            self.greeted.fetch_add(usize::from(verb == "EHLO"), Ordering::SeqCst);
            self.mailed.fetch_add(usize::from(verb == "MAIL"), Ordering::SeqCst);
            let answer = match verb.as_str() {
                "EHLO" if matches!(tls, Tls::Asked(_)) => "250-hello\r\n250 STARTTLS",
                "STAR" => {
                    let Tls::Asked(certificate) = tls else { return None };
                    stream.write_all(b"220 go on\r\n").await.ok()?;
                    let secured = certificate.acceptor().accept(stream.into_inner()).await.ok()?;
                    stream = BufReader::new(Box::new(secured));
                    continue;
                }
                "EHLO" | "HELO" | "RSET" | "NOOP" => "250 hello",
                "MAIL" if self.busy.load(Ordering::SeqCst) > 0 => {
                    self.busy.fetch_sub(1, Ordering::SeqCst);
                    "451 later"
                }
                "MAIL" => "250 from whom",
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1)?;
                    mail.to.push(address.to_owned());
                    "250 to whom"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    loop {
                        let line = self::line(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        mail.text += line.strip_prefix('.').unwrap_or(&line);
                        mail.text += "\r\n";
                    }
                    let mail = std::mem::replace(&mut mail, Mail { to: Vec::new(), text: String::new() });
                    self.mails.lock().expect("mails").push(mail);
                    "250 kept"
                }
                "QUIT" => "221 bye",
                _ => "502 what",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }

    /// All mails to an address, the oldest first.
    pub fn mails(&self, address: &str) -> Vec<Mail> {
        let mails = self.mails.lock().expect("mails");
        mails.iter().filter(|mail| mail.to.iter().any(|to| to == address)).cloned().collect()
    }

    /// How many mails there are, for whomever.
    pub fn count(&self) -> usize {
        self.mails.lock().expect("mails").len()
    }

    /// The newest mail to an address, once there are so many.
    pub async fn mail(&self, address: &str, count: usize) -> Mail {
        newest(count, || self.mails(address)).await.unwrap_or_else(|| panic!("no mail for {address}"))
    }

    /// All codes that were mailed to an address, the oldest first.
    pub fn codes(&self, address: &str) -> Vec<String> {
        self.mails(address).iter().filter_map(Mail::code).collect()
    }

    /// The newest of them, once there are so many.
    pub async fn code(&self, address: &str, count: usize) -> String {
        newest(count, || self.codes(address)).await.unwrap_or_else(|| panic!("no code for {address}"))
    }
}

/// The last of what has come, once there is so much of it.
async fn newest<T>(count: usize, come: impl Fn() -> Vec<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let mut come = come();
        if come.len() >= count {
            return come.pop();
        }
        if begun.elapsed() > PATIENCE {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn line(stream: &mut Stream) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

impl Mail {
    /// The code in it, if there is one.
    pub fn code(&self) -> Option<String> {
        let words = self.text.split(|character: char| !character.is_ascii_alphanumeric());
        let mut codes = words.filter(|word| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()));
        codes.next().map(str::to_owned)
    }
}
