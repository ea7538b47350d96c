//! Figures: that they are right, that they are nobody else's business, and that nobody can write into them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;

use crate::guarded::token;
use crate::program::Program;
use crate::running::{PATIENCE, Running};

/// Each sample by its name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let sample =
        |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().expect("a number")));
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

/// All that a server shows.
pub async fn scrape(host: &str) -> (String, BTreeMap<String, f64>) {
    let answer = reqwest::get(format!("http://{host}/metrics")).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let text = answer.text().await.expect("text");
    let samples = samples(&text);
    (text, samples)
}

/// Waits until a server has that of a figure, which is none before it has one; also where it shows nobody its figures.
pub async fn until(server: &Running, figure: &str, value: f64) {
    let begun = std::time::Instant::now();
    let is = || samples(&server.store.metrics().text().expect("figures")).get(figure).copied().unwrap_or_default();
    while is() != value {
        assert!(begun.elapsed() < PATIENCE, "{figure} is not {value}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// How many streams in the session dialect are open.
pub const SESSIONS: &str = "micro_chat_streams{dialect=\"session\"}";

#[tokio::test]
async fn what_happens_is_counted_once() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut readers = Vec::new();
    for user in ["ann", "ben", "cleo"] {
        let mut reader = server.session(user).await;
        reader.send(json!([2, 1, chat_id, 0, -1])).await;
        assert_eq!((reader.json().await[0].clone(), reader.json().await[0].clone()), (json!(21), json!(23)));
        readers.push(reader);
    }
    let mut hears = server.gateway(&format!("/chat/Connect?chat_id={chat_id}&user_id=dan"), &[]).await;
    let message = |id: &str| json!({ "chat_id": chat_id, "user_id": "ann", "client_id": id, "text": "hello" });
    for id in ["one", "two", "two", "one", "one"] {
        server.ask("/chat/Send", message(id)).await;
    }
    server.refused("/chat/Send", json!({ "chat_id": chat_id, "user_id": "ann" })).await;
    server.refused("/chat/Send", json!({ "chat_id": "none", "user_id": "ann", "text": "hello" })).await;
    readers[0].send(json!([4, 1, 99, { "text": "hello" }])).await;
    for reader in &mut readers {
        while reader.json().await[3] != 2 {}
    }
    while hears.json().await["seq"] != 2 {}
    // The server reads the frame that names no subscription before it answers.
    assert_eq!(readers[0].json().await[0], 25);
    let (text, samples) = scrape(&server.host).await;
    for (name, value) in [
        ("micro_chat_sends_total{outcome=\"stored\"}", 2.0),
        ("micro_chat_sends_total{outcome=\"repeated\"}", 3.0),
        ("micro_chat_sends_total{outcome=\"refused\"}", 2.0),
        ("micro_chat_requests_total{endpoint=\"chat.Send\",status=\"200\"}", 5.0),
        ("micro_chat_requests_total{endpoint=\"chat.Send\",status=\"400\"}", 2.0),
        ("micro_chat_request_seconds_count{endpoint=\"chat.Send\"}", 7.0),
        ("micro_chat_requests_total{endpoint=\"chat.Connect\",status=\"101\"}", 4.0),
        ("micro_chat_errors_total{id=\"chat.Send.MissingText\"}", 1.0),
        ("micro_chat_errors_total{id=\"chat.Send.InvalidChatID\"}", 1.0),
        ("micro_chat_errors_total{id=\"gateway.UnknownHandle\"}", 1.0),
        ("micro_chat_streams{dialect=\"session\"}", 3.0),
        ("micro_chat_streams{dialect=\"gateway\"}", 1.0),
        ("micro_chat_subscriptions", 4.0),
        ("micro_chat_deliveries_total", 8.0),
        ("micro_chat_waiting_messages", 0.0),
        ("micro_chat_waiting_writes", 0.0),
        ("micro_chat_commits_failed_total", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}\n{text}");
    }
    let version = format!("micro_chat_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(samples.get(&version), Some(&1.0), "{text}");
    // A chat, six of seven sends, and the look for deleted chats at the start.
    assert_eq!(samples["micro_chat_commit_writes_sum"], 8.0, "{text}");
    assert_eq!(samples["micro_chat_commit_seconds_count"], samples["micro_chat_commit_writes_count"]);
    assert!(
        samples["micro_chat_read_seconds_count"] >= 1.0 && samples["process_resident_memory_bytes"] > 1e6,
        "{text}"
    );
    assert!(samples.contains_key("process_cpu_seconds_total") && samples["process_start_time_seconds"] > 1e9, "{text}");
    // Streams that end are not open any more, and it is known why.
    drop(readers);
    hears.send("nonsense").await;
    loop {
        let (text, samples) = scrape(&server.host).await;
        let open =
            samples["micro_chat_streams{dialect=\"session\"}"] + samples["micro_chat_streams{dialect=\"gateway\"}"];
        if open + samples["micro_chat_subscriptions"] == 0.0 {
            let closed = |code: u16, reason: &str| {
                samples.get(&format!("micro_chat_streams_closed_total{{code=\"{code}\",reason=\"{reason}\"}}"))
            };
            assert_eq!((closed(1000, "left"), closed(1008, "refused")), (Some(&3.0), Some(&1.0)), "{text}");
            break;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn connections_are_counted_while_they_are_open_and_until_they_are_streams() {
    let server = Running::start().await;
    let open = async || {
        // Its own connection, which is one of them.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let answer = http.get(format!("http://{}/metrics", server.host)).send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix("micro_chat_connections "));
        line.and_then(|count| count.parse::<usize>().ok()).expect("a number") - 1
    };
    let until = async |count: usize| {
        let begun = std::time::Instant::now();
        while open().await != count {
            assert!(begun.elapsed() < PATIENCE, "there are not {count} of them");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    until(0).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(tokio::net::TcpStream::connect(&server.host).await.expect("a connection"));
    }
    until(3).await;
    let stream = server.session("ann").await;
    until(3).await;
    idle.pop();
    until(2).await;
    drop((idle, stream));
    until(0).await;
    server.stop().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_seen_waiting_and_then_cut_off() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let mut stalled = server.session("ben").await;
    stalled.send(json!([2, 1, chat_id, 0, -1])).await;
    stalled.json().await;
    let (mut most, text) = (0.0_f64, "x".repeat(60_000));
    // Who takes nothing takes no goodbye either: a while is spent on that before the stream has ended.
    let begun = std::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        server.send(&chat_id, "ann", &text).await;
        let (_, samples) = scrape(&server.host).await;
        most = most.max(samples["micro_chat_waiting_bytes_most"]);
        if samples.contains_key("micro_chat_streams_closed_total{code=\"4001\",reason=\"fell behind\"}") {
            assert!(most > 60_000.0, "{most}");
            server.stop().await;
            return;
        }
    }
    panic!("it was not cut off; at most {most} bytes waited");
}

#[tokio::test]
async fn each_figure_says_what_it_is_and_none_holds_what_somebody_wrote() {
    let server = Running::start().await;
    let chat_id = server.chat().await;
    let hostile = async |round: usize| {
        for number in 0..20 {
            let made_up = format!("made-up-{round}-{number}");
            server.post_in(&made_up, &format!("/{made_up}"), "").await;
            server.post_in(&made_up, &format!("/chat/{made_up}"), "").await;
            server.post("/chat/Send", json!({ "chat_id": made_up, "user_id": made_up, "text": made_up })).await;
            server.post("/chat/Send", format!("{{\"{made_up}\": ")).await;
            server.post("/chat/Send", json!({ "chat_id": [made_up] })).await;
            let method = reqwest::Method::from_bytes(made_up.to_uppercase().as_bytes()).expect("a method");
            let request = server.http.request(method, server.url("/chat/New")).header("x-request-id", &made_up);
            request.send().await.expect("an answer");
            let mut session = server.session(&made_up).await;
            session.send(json!([2, 1, made_up, 0, -1])).await;
            session.send(made_up).await;
        }
    };
    server.send(&chat_id, "ann", "hello").await;
    hostile(0).await;
    // The streams end when they end.
    until(&server, SESSIONS, 0.0).await;
    // Whoever looks is counted as well.
    scrape(&server.host).await;
    let before = scrape(&server.host).await.1.len();
    hostile(1).await;
    until(&server, SESSIONS, 0.0).await;
    let (text, samples) = scrape(&server.host).await;
    assert_eq!(samples.len(), before, "figures grow with what comes:\n{text}");
    assert!(!text.to_lowercase().contains("made-up"), "{text}");
    for name in samples.keys() {
        let name = name.split('{').next().unwrap_or_default();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let is_said =
            |name: &str| text.contains(&format!("# HELP {name} ")) && text.contains(&format!("# TYPE {name} "));
        assert!(is_said(name) || is_said(base), "{name} is not described");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_for_real_use_shows_figures_only_where_it_was_told_to_and_nothing_else_there() {
    let arguments = ["--metrics-listen", "127.0.0.1:0", "--limit-sends", "1/h:1"];
    let program = Program::start(&arguments, &[]).await;
    let figures = program.figures.clone().expect("an address");
    let http = reqwest::Client::new();
    let status = async |host: &str, path: &str| {
        http.get(format!("http://{host}{path}"))
            .bearer_auth(token("ann"))
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    for path in ["/metrics", "/metrics/", "//metrics", "/v1/metrics", "/assets/metrics", "/assets/../metrics"] {
        assert_eq!(status(&program.host, path).await, 404, "{path}");
    }
    for path in ["/", "/chat/New", "/healthz/", "/assets/micro.js"] {
        assert_eq!(status(&figures, path).await, 404, "{path}");
    }
    let call = async |path: &str, body: serde_json::Value| {
        let request = http.post(format!("http://{}{path}", program.host)).bearer_auth(token("ann"));
        request.body(body.to_string()).send().await.expect("an answer").json::<serde_json::Value>().await.expect("JSON")
    };
    let chat = call("/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
    let message = json!({ "chat_id": chat["chat_id"], "text": "hello" });
    assert_eq!(call("/chat/Send", message.clone()).await, json!({}));
    assert_eq!(call("/chat/Send", message).await["Id"], "chat.Send.TooMany");
    let (text, samples) = scrape(&figures).await;
    assert_eq!(samples.get("micro_chat_limited_total{limit=\"sends\"}"), Some(&1.0), "{text}");
    assert_eq!(samples["micro_chat_sends_total{outcome=\"refused\"}"], 1.0, "{text}");
    program.stop().await;
    // Nobody asked this one.
    let quiet = Program::start(&[], &[]).await;
    assert!(quiet.figures.is_none());
    assert_eq!(status(&quiet.host, "/metrics").await, 404);
}

/// What promtool says of it, if it finds anything.
fn promtool(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().expect("promtool (Debian: prometheus)");
    running.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = running.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { String::new() } else { String::from_utf8(said).expect("text") }
}

/// The names of figures in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("micro_chat_") || word.starts_with("process_"))
}

#[tokio::test]
async fn prometheus_reads_all_figures_and_each_that_the_dashboard_asks_for_is_there() {
    let arguments = ["--metrics-listen", "127.0.0.1:0", "--limit-sends", "1/h:1"];
    let program = Program::start(&arguments, &[]).await;
    let http = reqwest::Client::new();
    for _ in 0..2 {
        let request = http.post(format!("http://{}/chat/Send", program.host)).bearer_auth(token("ann"));
        request.body(json!({ "chat_id": "none", "text": "hello" }).to_string()).send().await.expect("an answer");
    }
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/chat/Connect", program.host)).await.expect("an upgrade");
    socket.send("nonsense".into()).await.expect("a link");
    while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    let (text, _) = scrape(program.figures.as_deref().expect("an address")).await;
    assert_eq!(promtool(&["check", "metrics"], &text), "");
    let wrong = text.replace("# TYPE micro_chat_sends_total counter", "# TYPE micro_chat_sends_total gauge");
    assert_ne!(promtool(&["check", "metrics"], &wrong), "", "it finds nothing ever");
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
    assert_eq!(promtool(&["check", "config", &format!("{deploy}/prometheus.yml")], ""), "");
    let dashboard = std::fs::read_to_string(format!("{deploy}/grafana.json")).expect("the dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("a list"));
    let queries: Vec<&str> = targets.map(|target| target["expr"].as_str().expect("a query")).collect();
    let asked: BTreeSet<&str> = queries.iter().flat_map(|query| names(query)).collect();
    let is_there =
        |name: &str| text.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    for name in &asked {
        assert!(is_there(name), "{name} is not there");
    }
    assert!(asked.len() > 15 && !is_there("micro_chat_nothing"), "{asked:?}");
    // Each is asked for one job and its instances: two sites may be watched by one Prometheus.
    for query in &queries {
        let series = names(query).count();
        assert_eq!(query.matches("{job=\"$job\",instance=~\"$instance\"").count(), series, "{query}");
    }
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    let instance = variables.iter().find(|variable| variable["name"] == "instance").expect("it is chosen");
    assert_eq!(instance["query"], "label_values(micro_chat_streams{job=\"$job\"}, instance)");
    // And each of ours is somewhere on it.
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE micro_chat_")?.split(' ').next()) {
        assert!(
            queries.iter().any(|query| query.contains(&format!("micro_chat_{name}"))),
            "{name} is not on the dashboard"
        );
    }
    program.stop().await;
}
