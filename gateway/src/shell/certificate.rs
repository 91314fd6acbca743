//! The edge's certificate: read from files, or made for development.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use thiserror::Error;

use super::config::CertificateSource;

/// The chain in a development folder; what clients pin.
pub const CERTIFICATE_FILE: &str = "cert.pem";
/// The private key in a development folder.
pub const KEY_FILE: &str = "key.pem";

/// How long a development certificate is valid.
const DEVELOPMENT_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// A development certificate that ends sooner than this is made anew at the start.
const DEVELOPMENT_LIFE_LEFT_MIN: Duration = Duration::from_secs(2 * 24 * 3600);
/// Clocks of clients may be behind by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file holds no PEM block of the right kind.
    #[error("{} holds no {what} in PEM form", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// A name is no host name or address.
    #[error("no certificate can be made for {names:?}")]
    Make {
        /// The names.
        names: Vec<String>,
        /// What does not fit.
        source: rcgen::Error,
    },
}

/// A chain and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads the certificate, or makes one.
pub(super) fn identity(source: &CertificateSource) -> Result<Identity, CertificateError> {
    match source {
        CertificateSource::Files { certificate, key } => read(certificate, key),
        CertificateSource::Development { dir, names } => development(dir, names),
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Identity, CertificateError> {
    let missing = |path: &Path, what| CertificateError::Missing { path: path.to_path_buf(), what };
    let bytes = read_file(certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|_| missing(certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(missing(certificate, "certificate"));
    }
    let bytes = read_file(key)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| missing(key, "private key"))?;
    Ok((chain, key))
}

fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::Read { path: path.to_path_buf(), source })
}

fn development(dir: &Path, names: &[String]) -> Result<Identity, CertificateError> {
    let (certificate, key) = (dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE));
    fs::create_dir_all(dir).map_err(|source| write_error(dir, source))?;
    // Several gateways of one machine may start at once with one folder.
    let lock_path = dir.join("cert.lock");
    let lock = File::create(&lock_path).map_err(|source| write_error(&lock_path, source))?;
    lock.lock().map_err(|source| write_error(&lock_path, source))?;
    if let Ok(identity) = read(&certificate, &key)
        && is_fit(&identity, names)
    {
        return Ok(identity);
    }
    tracing::info!(dir = %dir.display(), "making a development certificate");
    let (certificate_pem, key_pem) =
        make(names).map_err(|source| CertificateError::Make { names: names.to_vec(), source })?;
    replace(&key, key_pem.as_bytes(), 0o600)?;
    replace(&certificate, certificate_pem.as_bytes(), 0o644)?;
    read(&certificate, &key)
}

fn make(names: &[String]) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    let now = rcgen::date_time_ymd(1970, 1, 1) + since_epoch();
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + DEVELOPMENT_LIFE;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Whether the certificate holds for all names for some time yet, and the key is its own.
fn is_fit((chain, key): &Identity, names: &[String]) -> bool {
    let Some(own) = chain.first() else { return false };
    if super::transport::server_config(chain.clone(), key.clone_key()).is_err() {
        return false;
    }
    let mut roots = rustls::RootCertStore::empty();
    if roots.add(own.clone()).is_err() {
        return false;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let Ok(verifier) = verifier else { return false };
    let then = UnixTime::since_unix_epoch(since_epoch() + DEVELOPMENT_LIFE_LEFT_MIN);
    names.iter().all(|name| {
        ServerName::try_from(name.as_str())
            .is_ok_and(|name| verifier.verify_server_cert(own, &[], &name, &[], then).is_ok())
    })
}

/// Writes a file so that it is whole or not there at all.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CertificateError> {
    let fresh = path.with_extension("new");
    let write = || {
        // A file of an earlier attempt would keep its mode.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = create(&fresh, mode)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|source| write_error(path, source))
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn write_error(path: &Path, source: io::Error) -> CertificateError {
    CertificateError::Write { path: path.to_path_buf(), source }
}

#[expect(clippy::disallowed_methods, reason = "certificates live by the calendar")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec()
    }

    #[test]
    fn a_development_certificate_is_kept_while_it_fits() {
        let dir = tempfile::tempdir().expect("a folder");
        let source = |names| CertificateSource::Development { dir: dir.path().join("sub"), names };
        let first = identity(&source(names())).expect("made");
        let second = identity(&source(names())).expect("read");
        assert_eq!(first.0, second.0);
        let third = identity(&source(vec![String::from("example.org")])).expect("made anew");
        assert_ne!(first.0, third.0, "it does not hold for the name");
        let key_file = dir.path().join("sub").join(KEY_FILE);
        fs::write(&key_file, "damaged").expect("written");
        let fourth = identity(&source(vec![String::from("example.org")])).expect("made anew");
        assert_ne!(third.0, fourth.0);
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let source =
            CertificateSource::Development { dir: dir.path().to_path_buf(), names: names() };
        identity(&source).expect("made");
        let mode = fs::metadata(dir.path().join(KEY_FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn files_that_hold_no_certificate_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (dir.path().join("a.pem"), dir.path().join("b.pem"));
        let source = CertificateSource::Files { certificate: certificate.clone(), key };
        let error = identity(&source).expect_err("nothing is there");
        assert!(error.to_string().contains("a.pem"), "{error}");
        fs::write(&certificate, "no PEM").expect("written");
        let error = identity(&source).expect_err("no PEM");
        assert!(error.to_string().contains("holds no certificate"), "{error}");
    }
}
