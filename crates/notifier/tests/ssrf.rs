//! Addresses that somebody wrote to reach what only this machine can reach: none goes through.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use campanile_notifier::egress::{
    Allowed, Cause, Egress, EgressOptions, Guard, HeaderMap, Method, Refusal, Request, Resolve, inside,
};

/// Literal addresses inside, as an URL writes them. Each is tried with several schemes and ports' worth of dressing.
const LITERALS: &[&str] = &[
    // Loopback, and the odd spellings of it that old resolvers take.
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "127.255.255.255",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0X7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "127.0x0.0.01",
    "0x7f.0.1",
    "127.000.000.001",
    "00000000177.0.0.1",
    "127.0.0.1.",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127｡0｡0｡1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "0x7F.0.0.0x1",
    // This network, which connects to loopback.
    "0.0.0.0",
    "0",
    "0x0",
    "00",
    "0.1",
    "0.0.0.1",
    "0.255.255.255",
    // Private.
    "10.0.0.1",
    "10.255.255.255",
    "10.1",
    "0xa.1",
    "012.0.0.1",
    "167772161",
    "0x0a000001",
    "172.16.0.1",
    "172.31.255.255",
    "172.16.1",
    "0xac100001",
    "2886729729",
    "192.168.0.1",
    "192.168.255.255",
    "192.168.1",
    "0xc0a80001",
    "3232235521",
    "0300.0250.0.1",
    // Link-local and metadata.
    "169.254.169.254",
    "169.254.0.1",
    "169.254.255.255",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "0251.254.169.254",
    "025177524776",
    "169.254.170.2",
    "169.254.169.123",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "0xa83f8110",
    // Carrier's, protocols, documentation, benchmarks, relays.
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.0.2.255",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "192.52.193.1",
    // Multicast, reserved, broadcast.
    "224.0.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "250.1.2.3",
    "255.255.255.254",
    "255.255.255.255",
    "4294967295",
    "0xffffffff",
    // IPv6: loopback, unspecified, link-local, site-local, unique local, multicast, discard, documentation.
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "[fe80::1]",
    "[febf::1]",
    "[fec0::1]",
    "[feff::1]",
    "[fc00::1]",
    "[fd00::1]",
    "[fdff:ffff::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fd00:42::42]",
    "[ff02::1]",
    "[ff05::2]",
    "[ff0e::1]",
    "[100::1]",
    "[100:0:0:1::1]",
    "[2001:db8::1]",
    "[2001:db8:ffff::1]",
    "[3fff::1]",
    "[3fff:fff::1]",
    "[2620:4f:8000::1]",
    "[5f00::1]",
    // IPv6 that hides IPv4: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:192.168.1.1]",
    "[::ffff:0.0.0.0]",
    "[::ffff:8.8.8.8]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::10.0.0.1]",
    "[::a9fe:a9fe]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::7f00:1]",
    "[64:ff9b:1:ffff::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    "[2002:a00:1::1]",
    "[2002:a9fe:a9fe::1]",
    "[2002:c0a8:101::1]",
    "[2001:0:7f00:1::]",
    "[2001::f5ff:fffe]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:2::1]",
    "[2001:1::1]",
    "[2001:4860::5efe:7f00:1]",
    "[2001:4860:0:1:0:5efe:10.0.0.1]",
    "[2a00:1450:4001::200:5efe:127.0.0.1]",
    "[fe80::5efe:127.0.0.1]",
];

/// Tricks with the rest of the address, complete.
const DRESSED: &[&str] = &[
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://example.com%40x@127.0.0.1/",
    "http://a:b@127.0.0.1:80/",
    "https://example.com:443@[::1]/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1/@example.com",
    "http://127.0.0.1\\@example.com/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1",
    "http:/127.0.0.1",
    "http:///127.0.0.1",
    "HTTP://127.0.0.1/",
    "hTTps://127.0.0.1/",
    " http://127.0.0.1/",
    "http://127.0.0.1/\t",
    "ht\ntp://127.0.0.1/",
    "http://12\t7.0.0.1/",
    "http://127.0.0.1:80/",
    "http://127.0.0.1:443/",
    "http://127.0.0.1:8443/",
    "http://127.0.0.1:00080/",
    "http://[::1]:80/",
    "https://[::ffff:127.0.0.1]:8443/",
    "http://@127.0.0.1/",
    "http://:@127.0.0.1/",
    "http://example.com@@127.0.0.1/",
    "http://127.0.0.1:/",
    "http://127.0.0.1/../../",
    // Schemes.
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "ws://example.com/",
    "wss://example.com/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "jar:http://127.0.0.1!/",
    "tftp://127.0.0.1/x",
    "sftp://127.0.0.1/",
    "netdoc:///etc/hosts",
    "about:blank",
    "blob:http://127.0.0.1/x",
    "httpx://example.com/",
    "h2c://example.com/",
    // No address at all.
    "",
    " ",
    "/",
    "//",
    "127.0.0.1",
    "//127.0.0.1/",
    "example.com",
    "http://",
    "http:///",
    "http://./",
    "http://..:/x",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://[::1]x/",
    "http://[127.0.0.1]/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    "http://0x100000000/",
    "http://exa mple.com/",
    "http://ex^ample.com/",
    "http://a%00b/",
    "http://127.0.0.1%00.example.com/",
    "http://example.com:99999/",
    "http://example.com:-1/",
    "http://%zz/",
    // Ports of other protocols, on a public host.
    "http://public.test:22/",
    "http://public.test:25/",
    "http://public.test:53/",
    "http://public.test:2375/",
    "http://public.test:6379/",
    "http://public.test:9200/",
    "http://public.test:11211/",
    "http://public.test:0/",
    "https://public.test:80443/",
    "http://8.8.8.8:6443/",
    "http://[2001:4860:4860::8888]:10250/",
];

/// Names, and what they resolve to.
const NAMES: &[(&str, &[&str])] = &[
    ("localhost", &["127.0.0.1", "::1"]),
    ("LOCALHOST", &["127.0.0.1"]),
    ("localhost.", &["127.0.0.1"]),
    ("localtest.me", &["127.0.0.1"]),
    ("127.0.0.1.nip.io", &["127.0.0.1"]),
    ("spoofed.burp.test", &["127.0.0.1"]),
    ("v6-loopback.test", &["::1"]),
    ("unspecified.test", &["0.0.0.0"]),
    ("unspecified6.test", &["::"]),
    ("metadata.google.internal", &["169.254.169.254"]),
    ("metadata", &["169.254.169.254"]),
    ("instance-data.ec2.internal", &["169.254.169.254"]),
    ("kubernetes.default.svc", &["10.96.0.1"]),
    ("host.docker.internal", &["192.168.65.2"]),
    ("router.test", &["192.168.1.1"]),
    ("mapped.test", &["::ffff:127.0.0.1"]),
    ("mapped-meta.test", &["::ffff:169.254.169.254"]),
    ("nat64.test", &["64:ff9b::a9fe:a9fe"]),
    ("sixtofour.test", &["2002:a9fe:a9fe::1"]),
    ("unique-local.test", &["fd12:3456::1"]),
    // One good address does not carry a bad one, wherever it stands.
    ("half.test", &["8.8.8.8", "127.0.0.1"]),
    ("half-reversed.test", &["127.0.0.1", "8.8.8.8"]),
    ("half6.test", &["8.8.8.8", "::1"]),
    ("last.test", &["8.8.8.8", "8.8.4.4", "1.1.1.1", "2001:4860:4860::8888", "10.0.0.1"]),
    ("bücher.test", &["10.0.0.1"]),
    ("xn--bcher-kva.test", &["10.0.0.1"]),
    ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", &["127.0.0.1"]),
];

/// A resolver with the names above, which also knows a public name for the ports.
struct Names {
    known: HashMap<String, Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn new() -> Self {
        let mut known = HashMap::from([("public.test".to_owned(), vec![ip("8.8.8.8")])]);
        for (name, addresses) in NAMES {
            let Ok(url::Host::Domain(plain)) = url::Host::parse(name) else { panic!("{name} is no name") };
            known.insert(plain, addresses.iter().map(|text| ip(text)).collect());
        }
        Self { known, asked: Mutex::new(Vec::new()) }
    }
}

impl Resolve for Names {
    fn resolve(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.known.get(&host).cloned();
        self.asked.lock().expect("no test panics while it holds this").push(host.clone());
        Box::pin(async move { found.ok_or_else(|| io::Error::other(format!("{host} is not in the test"))) })
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("the tables hold addresses")
}

fn request(url: &str) -> Request {
    Request {
        method: Method::POST,
        url: url.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        timeout: Duration::from_millis(300),
        trusted: false,
    }
}

fn vectors() -> Vec<String> {
    let literals = LITERALS.iter().flat_map(|host| [format!("http://{host}/"), format!("https://{host}:8443/x?y=z")]);
    let names = NAMES.iter().flat_map(|(name, _)| [format!("http://{name}/"), format!("https://u:p@{name}/")]);
    literals.chain(names).chain(DRESSED.iter().map(|url| (*url).to_owned())).collect()
}

#[tokio::test]
async fn no_address_inside_is_reached() {
    let egress = Egress::with_resolver(EgressOptions::default(), Arc::new(Names::new())).expect("no files are read");
    let vectors = vectors();
    let mut through = Vec::new();
    for url in &vectors {
        match egress.send(request(url)).await {
            Err(error) if error.cause == Cause::Refused && error.permanent => {}
            other => through.push(format!("{url:?}: {other:?}")),
        }
    }
    println!("{} vectors, {} through", vectors.len(), through.len());
    assert!(vectors.len() >= 200 && through.is_empty(), "{through:#?}");
}

#[test]
fn public_addresses_pass() {
    let guard = Guard::default();
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "192.0.3.1",
        "192.167.255.255",
        "192.169.0.1",
        "198.17.255.255",
        "198.20.0.1",
        "198.51.99.1",
        "203.0.112.1",
        "203.0.114.1",
        "223.255.255.255",
        "168.63.129.15",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001:82a::200e",
        "2001:200::1",
        "2620:fe::fe",
        "2003::1",
        "2001:db7::1",
        "3ffe::1",
    ] {
        assert_eq!(inside(ip(text)), None, "{text}");
        for port in [80, 443, 8443] {
            assert_eq!(guard.addresses("receiver.test", port, &[ip(text)]), Ok(()), "{text}:{port}");
        }
    }
}

#[test]
fn what_the_operator_lists_passes_and_nothing_beside_it() {
    let entries = ["10.1.0.0/16", "fd00:1::/32", "192.168.7.7", "Hooks.Corp.test.", "bücher.test"];
    let guard = Guard { allow: entries.iter().map(|text| Allowed::parse(text).expect("a good entry")).collect() };
    let passes = |host: &str, port, address: &str| guard.addresses(host, port, &[ip(address)]).is_ok();
    assert!(passes("a.test", 9000, "10.1.255.255"));
    assert!(passes("a.test", 1, "fd00:1::9"));
    assert!(passes("a.test", 8080, "192.168.7.7"));
    assert!(passes("hooks.corp.test", 6000, "127.0.0.1"));
    assert!(passes("HOOKS.corp.test.", 6000, "127.0.0.1"));
    assert!(passes("xn--bcher-kva.test", 80, "10.9.9.9"));
    assert!(!passes("a.test", 80, "10.2.0.1"));
    assert!(!passes("a.test", 80, "192.168.7.8"));
    assert!(!passes("x.hooks.corp.test", 80, "127.0.0.1"));
    assert!(!passes("hooks.corp.test.evil.test", 80, "127.0.0.1"));
    assert!(!passes("a.test", 80, "::ffff:10.1.0.1"));
    // A listed address does not carry one that is not.
    assert!(guard.addresses("a.test", 80, &[ip("10.1.0.1"), ip("10.2.0.1")]).is_err());
    let port = guard.addresses("a.test", 25, &[ip("10.1.0.1"), ip("8.8.8.8")]);
    assert_eq!(port, Err(Refusal::Port(25)));
}

#[test]
fn entries_that_mean_nothing_are_refused() {
    for text in ["", "10.0.0.0/33", "*.example.org", "http://example.org", "example.org:80", "a b", "10.0.0.0/8/8"] {
        assert!(Allowed::parse(text).is_err(), "{text:?}: {:?}", Allowed::parse(text));
    }
}

#[test]
fn this_machine_by_its_public_address_is_refused() {
    let guard = Guard::default();
    let [ours, theirs] = [ip("8.8.8.8"), ip("1.1.1.1")];
    assert_eq!(guard.connected("a.test", ours, theirs), Ok(()));
    assert!(matches!(guard.connected("a.test", ours, ours), Err(Refusal::Ourselves { .. })));
    let listed = Guard { allow: vec![Allowed::parse("8.8.8.8").expect("an address")] };
    assert_eq!(listed.connected("a.test", ours, ours), Ok(()));
}

#[test]
fn an_address_of_2048_bytes_is_read_and_one_more_is_not() {
    let url = |length: usize| format!("http://a.test/{}", "x".repeat(length - 14));
    assert!(Guard::url(&url(2_048)).is_ok());
    assert_eq!(Guard::url(&url(2_049)), Err(Refusal::TooLong(2_049)));
}
