//! Which server, which namespace, and who calls: what flags say counts before the environment, and that before the
//! configuration file.

use std::env;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use etcetera::BaseStrategy;
use url::{Host, Url};

use crate::answer::Output;
use crate::failure::Failure;
use crate::options::Everywhere;
use crate::settings::Settings;

/// Where a server is that was started without further words.
const HERE: &str = "http://127.0.0.1:8080";

/// Where something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Default,
    File,
    Environment,
    Flag,
}

impl Source {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// What was said, and where.
#[derive(Clone, Debug)]
pub struct Said<T> {
    pub value: T,
    pub source: Source,
}

/// All of it.
#[derive(Debug)]
pub struct Place {
    pub api: Said<Url>,
    /// Without it the server takes the token's, or its own.
    pub namespace: Option<Said<String>>,
    /// What proves who calls; without it a login may.
    pub token: Option<Said<String>>,
    /// Why the file's token does not prove it, where it has one that is for another server.
    pub withheld: Option<String>,
    pub output: Said<Output>,
    /// Whether tokens may go to another machine without TLS.
    pub insecure: bool,
    /// Where logins are kept.
    pub folder: PathBuf,
}

impl Place {
    /// What holds.
    pub fn find(options: &Everywhere) -> Result<Self, Failure> {
        let file = file(options)?;
        file.check()?;
        let path = file.path;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let settings = Settings::open(&path)?;
        let api = said(options.api.clone(), "MICRO_API", settings.get("api")?);
        let api = api.unwrap_or(Said { value: HERE.to_owned(), source: Source::Default });
        let api = Said { value: address(&api.value)?, source: api.source };
        let output = match (options.output, said(None, "MICRO_OUTPUT", settings.get("output")?)) {
            (Some(value), _) => Said { value, source: Source::Flag },
            (None, Some(said)) => Said { value: format(&said.value)?, source: said.source },
            (None, None) => Said { value: Output::default(), source: Source::Default },
        };
        let token = token(options, &settings, &api)?;
        let withheld = if token.is_some() { None } else { withheld(&settings, &api)? };
        Ok(Self {
            token,
            withheld,
            namespace: said(options.namespace.clone(), "MICRO_NAMESPACE", settings.get("namespace")?),
            insecure: options.insecure,
            output,
            api,
            folder,
        })
    }

    /// The namespace as logins know it: what was said, or the one that holds where nothing was.
    pub fn namespace(&self) -> &str {
        self.namespace.as_ref().map_or(micro_chat_wire::DEFAULT_NAMESPACE, |namespace| &namespace.value)
    }

    /// Refuses to show a secret to whoever listens on the way.
    pub fn check_secrets(&self) -> Result<(), Failure> {
        let url = &self.api.value;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
            None => false,
        };
        if url.scheme() == "https" || is_here || self.insecure {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{url} has no TLS: everybody on the way could read what proves who you are; use https, or say --insecure"
        )))
    }
}

/// Whether a setting may be that.
pub fn check(key: &str, value: Option<&str>) -> Result<(), Failure> {
    match (key, value) {
        (_, Some("")) => Err(Failure::Usage(format!(
            "{key} can't be empty; micro config set {key}, without a value, takes it out of the file"
        ))),
        ("api", Some(value)) => address(value).map(drop),
        ("output", Some(value)) => format(value).map(drop),
        _ => Ok(()),
    }
}

/// The configuration file.
#[derive(Debug)]
pub struct ConfigFile {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What named it; none: it is where such files are.
    named_by: Option<&'static str>,
}

impl ConfigFile {
    /// Whoever names a file means one that is there: without it, another server would be called, as nobody.
    pub fn check(&self) -> Result<(), Failure> {
        let is_missing = || matches!(self.path.try_exists(), Ok(false));
        match self.named_by {
            Some(name) if is_missing() => Err(Failure::Usage(format!(
                "{}: there is no such file, and {name} names it; micro config set makes it",
                self.path.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// Which file that is.
pub fn file(options: &Everywhere) -> Result<ConfigFile, Failure> {
    if let Some(path) = options.config.clone() {
        return Ok(ConfigFile { path, named_by: Some("--config") });
    }
    if let Some(path) = variable("MICRO_CONFIG") {
        return Ok(ConfigFile { path: path.into(), named_by: Some("MICRO_CONFIG") });
    }
    let home = etcetera::choose_base_strategy().map_err(|_| {
        let why = "there is no home folder; name a file with --config";
        Failure::Usage(why.to_owned())
    })?;
    Ok(ConfigFile { path: home.config_dir().join("micro").join("config.toml"), named_by: None })
}

fn format(text: &str) -> Result<Output, Failure> {
    Output::from_str(text, true).map_err(|_| Failure::Usage(format!("output is json or table, not {text}")))
}

/// What a flag, a variable or the file says, whichever counts first. An empty variable says nothing.
fn said(flag: Option<String>, name: &str, file: Option<&str>) -> Option<Said<String>> {
    let flag = flag.map(|value| Said { value, source: Source::Flag });
    let variable = || variable(name).map(|value| Said { value, source: Source::Environment });
    flag.or_else(variable).or_else(|| file.map(|value| Said { value: value.to_owned(), source: Source::File }))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the server is the file's.
fn is_ours(settings: &Settings, api: &Said<Url>) -> Result<bool, Failure> {
    Ok(match settings.get("api")? {
        Some(ours) => address(ours)? == api.value,
        None => api.source == Source::Default,
    })
}

/// Why the file's token is not sent, where it has one and is about another server.
fn withheld(settings: &Settings, api: &Said<Url>) -> Result<Option<String>, Failure> {
    let has_token = settings.get("token")?.or(settings.get("token-file")?).is_some();
    if !has_token || is_ours(settings, api)? {
        return Ok(None);
    }
    let whose = match settings.get("api")? {
        Some(ours) => format!("is for {}", address(ours)?),
        None => format!("is for {HERE}/, since it names no api"),
    };
    Ok(Some(format!("the token of {} {whose}, and was not sent to {}", settings.path.display(), api.value)))
}

/// A token, or the file that has one, from the same source before another. The file's goes to the file's server only.
fn token(options: &Everywhere, settings: &Settings, api: &Said<Url>) -> Result<Option<Said<String>>, Failure> {
    let is_ours = is_ours(settings, api)?;
    let of_file = |key| if is_ours { settings.get(key) } else { Ok(None) };
    let file = options.token_file.as_ref().map(|path| path.display().to_string());
    let direct = said(options.token.clone(), "MICRO_TOKEN", of_file("token")?);
    let indirect = said(file, "MICRO_TOKEN_FILE", of_file("token-file")?);
    match (direct, indirect) {
        (Some(direct), Some(indirect)) if direct.source == indirect.source => {
            Err(Failure::Usage("there is a token and a file with a token; leave one of them out".to_owned()))
        }
        (direct, Some(indirect)) if direct.as_ref().is_none_or(|direct| direct.source < indirect.source) => {
            let wrong = |why: String| Failure::Usage(format!("{}: {why}", indirect.value));
            let text = std::fs::read_to_string(&indirect.value).map_err(|error| wrong(error.to_string()))?;
            let value = text.trim().to_owned();
            if value.is_empty() {
                return Err(wrong("there is no token in it".to_owned()));
            }
            Ok(Some(Said { value, source: indirect.source }))
        }
        (direct, _) => Ok(direct),
    }
}

/// A server's address, with a slash at its end.
fn address(text: &str) -> Result<Url, Failure> {
    let wrong = || Failure::Usage(format!("{text} is no server's address; one looks like https://chat.example.com"));
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain || url.fragment().is_some() {
        return Err(wrong());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}
