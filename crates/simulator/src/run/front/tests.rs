use super::*;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A server that counts its requests and answers `inner`; its address.
async fn server(asked: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = vec![0; 65_536];
                let _ = stream.read(&mut head).await;
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-own: yes\r\nconnection: close\r\n\r\ninner";
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

/// A front before the server at `inner`; the address where it listens.
async fn front(settings: Settings, inner: SocketAddr) -> (Front, SocketAddr) {
    let acceptor = settings.acceptor().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dial = move || -> BoxFuture<'static, std::io::Result<TcpStream>> { Box::pin(TcpStream::connect(inner)) };
    (Front::over("test", listener, acceptor, settings, Box::new(dial)), address)
}

fn with_keys(one: &str, other: &str) -> Settings {
    Settings { keys: Some([one, other].map(Secret::new)), tls: None }
}

async fn status(client: &reqwest::Client, url: &str, key: Option<&str>) -> u16 {
    let request = client.post(url).body("{}");
    let request = match key {
        Some(key) => request.header("authorization", format!("Bearer {key}")),
        None => request,
    };
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn nothing_passes_without_one_of_the_two_keys_of_now() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (front, address) = front(with_keys("one", "two"), server(asked.clone()).await).await;
    let (client, url) = (reqwest::Client::new(), format!("http://{address}/score"));
    for key in [None, Some("none"), Some(""), Some("ONE")] {
        assert_eq!(status(&client, &url, key).await, 401, "{key:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the container hears nothing of them");
    assert_eq!(status(&client, &url, Some("one")).await, 200);
    assert_eq!(status(&client, &url, Some("two")).await, 200);
    front.update(&with_keys("new", "two"));
    assert_eq!(status(&client, &url, Some("one")).await, 401, "on a connection that stands");
    assert_eq!(status(&client, &url, Some("new")).await, 200);
}

#[tokio::test]
async fn a_large_request_without_a_key_gets_its_answer() {
    let inner = server(Arc::default()).await;
    let (_front, address) = front(with_keys("one", "two"), inner).await;
    let body = vec![b'x'; 64 * 1024 * 1024];
    let answer = reqwest::Client::new().post(format!("http://{address}/score")).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn the_answer_is_the_containers_own_or_says_that_there_is_none() {
    let inner = server(Arc::default()).await;
    let (_front, address) = front(Settings::default(), inner).await;
    let answer = reqwest::get(format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.headers()["x-own"], "yes");
    assert_eq!(answer.text().await.unwrap(), "inner");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_front, address) = front(Settings::default(), nobody).await;
    assert_eq!(reqwest::get(format!("http://{address}/")).await.unwrap().status(), 502);
}

/// A certificate for `localhost`, and the forms of its key.
fn certificate() -> (String, KeyPair) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key)
}

#[tokio::test]
async fn tls_is_spoken_with_the_certificate_that_was_sent() {
    let (certificate, key) = certificate();
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let tls = Some((certificate, Secret::new(key.serialize_pem())));
    let settings = Settings { tls, ..with_keys("one", "two") };
    assert_eq!(settings.port(), 443);
    let (_front, address) = front(settings, server(Arc::default()).await).await;
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    let url = format!("https://localhost:{}/score", address.port());
    assert_eq!(status(&client, &url, Some("one")).await, 200);
    assert_eq!(status(&client, &url, None).await, 401);
    let plain = reqwest::get(format!("http://{address}/score")).await;
    assert!(plain.is_err(), "nothing but TLS there");
}

/// Keys of each form that `openssl` writes, with what else stands in such files.
const KEYS: &[(&str, &str)] = &[
    ("PKCS #8, EC", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    ("SEC 1 with parameters", "openssl ecparam -name prime256v1 -genkey"),
    ("PKCS #8, RSA", "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
    ("PKCS #1", "openssl genrsa -traditional 2048"),
    ("Ed25519", "openssl genpkey -algorithm ED25519"),
];

fn shell(script: &str) -> String {
    let output = std::process::Command::new("bash").args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_form_of_a_key_is_taken() {
    for (form, command) in KEYS {
        let key = shell(&format!("{command} 2> /dev/null"));
        let request = "openssl req -x509 -new -key /dev/stdin -subj /CN=localhost -days 2";
        let certificate = shell(&format!("{request} <<< '{key}'"));
        for (what, key, certificate) in [
            ("as it is", key.clone(), certificate.clone()),
            ("CRLF", key.replace('\n', "\r\n"), certificate.replace('\n', "\r\n")),
            (
                "bag attributes",
                format!("Bag Attributes\n    id: 1\n{key}"),
                format!("subject=CN = x\n{certificate}\n\n"),
            ),
        ] {
            let settings = Settings { keys: None, tls: Some((certificate, Secret::new(key))) };
            assert!(settings.acceptor().is_ok_and(|tls| tls.is_some()), "{form}, {what}");
        }
    }
}

#[test]
fn what_can_not_be_used_is_told_without_the_key() {
    let ((certificate, key), (_, other)) = (self::certificate(), self::certificate());
    let because = |certificate: &str, key: &str| {
        let tls = Some((certificate.to_owned(), Secret::new(key)));
        Settings { keys: None, tls }.acceptor().err().expect("no TLS with these")
    };
    let key = key.serialize_pem();
    assert!(because(&certificate, "no key").contains("sslKey is not a readable private key"));
    assert!(because("no certificate", &key).contains("can't be used together"));
    let mismatch = because(&certificate, &other.serialize_pem());
    assert!(mismatch.contains("can't be used together"), "{mismatch}");
    assert!(
        !format!("{:?}", Settings { keys: None, tls: Some((certificate, Secret::new(key.clone()))) }).contains(&key)
    );
}
