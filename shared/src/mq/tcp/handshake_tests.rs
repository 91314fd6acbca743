//! Tests of the handshake, both sides without a socket.

use super::*;

const ONE: NodeId = NodeId { node: 1, incarnation: 10 };
const TWO: NodeId = NodeId { node: 2, incarnation: 20 };
const NONCE: [u8; NONCE_BYTES] = [5; NONCE_BYTES];

fn identity(me: NodeId) -> Identity {
    Identity { me, cluster: ClusterId(3), key: [4; 32] }
}

/// What the two sides come to; `change` may do something to each message on its way.
fn shake(
    dialer: &Identity,
    acceptor: &Identity,
    peer: NodeId,
    mut change: impl FnMut(usize, &mut [u8]),
) -> (Result<Agreed, LinkRefusal>, Result<Agreed, LinkRefusal>) {
    let (mut dialing, mut hello) = Dialer::hello(dialer, peer, &[6; NONCE_BYTES]);
    change(0, &mut hello);
    let (mut answer, accepted) = Acceptor::answer(acceptor, &hello, &NONCE);
    change(1, &mut answer);
    let mut proof = match dialing.prove(&answer, 100) {
        Ok(proof) => proof,
        Err(refusal) => return (Err(refusal), accepted.map(|_| unreachable!("no proof came"))),
    };
    change(2, &mut proof);
    let mut accepting = accepted.expect("a proof came");
    let (mut ready, there) = match accepting.check(&proof) {
        Ok((from, received)) => {
            assert_eq!(from, dialer.me);
            let (ready, agreed) = accepting.ready(200, received);
            (ready, Ok(agreed))
        }
        Err(refusal) => (accepting.refuse(refusal), Err(refusal)),
    };
    change(3, &mut ready);
    (dialing.agree(&ready), there)
}

#[test]
fn two_nodes_of_a_cluster_agree_on_places_and_seeds() {
    let (here, there) = shake(&identity(ONE), &identity(TWO), TWO, |_, _| {});
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_eq!((here.peer_received, there.peer_received), (200, 100));
    assert_eq!((here.seed_in, here.seed_out), (there.seed_out, there.seed_in));
    assert_ne!(here.seed_in, here.seed_out);
}

#[test]
fn the_bytes_of_the_first_message_are_frozen() {
    let (_, hello) = Dialer::hello(&identity(ONE), TWO, &NONCE);
    let mut expected = Vec::from(*b"\x89cohort\n");
    expected.extend([1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0, 0, 2, 0, 20, 0, 0, 0]);
    expected.extend([5; NONCE_BYTES]);
    assert_eq!(hello.to_vec(), expected);
}

fn refused(acceptor: &Identity, peer: NodeId, version: u16) -> (LinkRefusal, LinkRefusal) {
    let dialer = identity(ONE);
    let (mut dialing, mut hello) = Dialer::hello(&dialer, peer, &NONCE);
    if version != VERSION {
        hello = hello_bytes(version, &dialer, peer, &NONCE);
    }
    let (answer, accepted) = Acceptor::answer(acceptor, &hello, &NONCE);
    let here = dialing.prove(&answer, 0).expect_err("it is refused");
    (here, accepted.err().unwrap_or(here))
}

#[test]
fn every_misfit_has_its_reason_on_both_sides() {
    let other_cluster = Identity { cluster: ClusterId(4), ..identity(TWO) };
    let both = |refusal| (refusal, refusal);
    assert_eq!(refused(&other_cluster, TWO, VERSION), both(LinkRefusal::Cluster));
    assert_eq!(refused(&identity(TWO), TWO, 2), both(LinkRefusal::Version));
    let older = NodeId { incarnation: 19, ..TWO };
    assert_eq!(refused(&identity(TWO), older, VERSION), both(LinkRefusal::Incarnation));
    let third = NodeId { node: 3, ..TWO };
    assert_eq!(refused(&identity(TWO), third, VERSION), both(LinkRefusal::Node));
    let other_key = Identity { key: [9; 32], ..identity(TWO) };
    assert_eq!(refused(&other_key, TWO, VERSION), both(LinkRefusal::Key));
}

#[test]
fn a_word_that_would_end_a_link_is_believed_only_with_a_proof() {
    let forger = Identity { key: [9; 32], ..identity(TWO) };
    let older = NodeId { incarnation: 19, ..TWO };
    assert_eq!(refused(&forger, older, VERSION).0, LinkRefusal::Key);
}

#[test]
fn a_dialer_without_the_key_is_refused() {
    let stranger = Identity { key: [9; 32], ..identity(ONE) };
    let (mut dialing, hello) = Dialer::hello(&stranger, TWO, &NONCE);
    let (answer, accepted) = Acceptor::answer(&identity(TWO), &hello, &NONCE);
    assert_eq!(dialing.prove(&answer, 0), Err(LinkRefusal::Key));
    let guess = [7; PROVE_BYTES];
    assert_eq!(accepted.unwrap().check(&guess), Err(LinkRefusal::Key));
}

#[test]
fn a_changed_byte_in_any_message_ends_the_handshake() {
    let lengths = [HELLO_BYTES, ANSWER_BYTES, PROVE_BYTES, READY_BYTES];
    for (message, length) in lengths.into_iter().enumerate() {
        for byte in 0..length {
            let result = std::panic::catch_unwind(|| {
                shake(&identity(ONE), &identity(TWO), TWO, |number, bytes| {
                    if number == message {
                        bytes[byte] ^= 1;
                    }
                })
            });
            let agreed = result.is_ok_and(|(here, _)| here.is_ok());
            assert!(!agreed, "message {message}, byte {byte}");
        }
    }
}

#[test]
fn what_was_said_in_an_earlier_handshake_does_not_pass() {
    let (acceptor, dialer) = (identity(TWO), identity(ONE));
    let (mut dialing, hello) = Dialer::hello(&dialer, TWO, &NONCE);
    let (answer, _) = Acceptor::answer(&acceptor, &hello, &[1; NONCE_BYTES]);
    let proof = dialing.prove(&answer, 0).expect("the key is right");
    let (_, again) = Acceptor::answer(&acceptor, &hello, &[2; NONCE_BYTES]);
    assert_eq!(again.unwrap().check(&proof), Err(LinkRefusal::Key));
}
