//! Keys of others: of clients that sign assertions, of callers that prove possession, and of
//! attackers. A test decides exactly which claims they sign, valid or not.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use shared::domain::client::{AuthMethod, Client as Registered, KeySource};

use crate::call::Call;
use crate::service::{BASE, Client, START, Service};

/// A private RSA key of 2048 bits for tests alone, as PKCS #8 (`openssl genpkey -algorithm RSA
/// -pkeyopt rsa_keygen_bits:2048`).
const RSA: &[u8] = include_bytes!("keys/rsa-2048.pk8.der");

/// The algorithms that the service verifies.
pub const ALGORITHMS: [&str; 5] = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"];

enum PrivateKeyPair {
    /// With the document that it was parsed from.
    Ec(EcdsaKeyPair, Vec<u8>),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A pair of keys for one algorithm.
pub struct KeyPair {
    pair: PrivateKeyPair,
    random: SystemRandom,
    /// The algorithm.
    pub alg: &'static str,
    /// The id under which the public key is registered.
    pub kid: String,
}

/// A name that no other call gets, and that does not become another's when it is damaged.
pub fn fresh(what: &str) -> String {
    static NAMES: AtomicU64 = AtomicU64::new(1);
    // A product with an odd number is another one for each factor.
    let spread = NAMES.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{what}-{spread:016x}")
}

/// Bytes in base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A part of a JWS as JSON: 0 is its header, 1 its claims.
pub fn part(jws: &str, index: usize) -> Value {
    let part = jws.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// An object with changed members; `null` removes one.
pub fn with(mut whole: Value, changes: Value) -> Value {
    let members = whole.as_object_mut().expect("an object");
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
    }
    whole
}

impl KeyPair {
    /// A new key for ES256.
    pub fn es256() -> Self {
        Self::of("ES256")
    }

    /// A key for one of [`ALGORITHMS`]: a new one, but there is one RSA key only, since making one
    /// takes seconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "clients and attackers have randomness of their own"
    )]
    pub fn of(alg: &'static str) -> Self {
        let random = SystemRandom::new();
        let pair = match alg {
            "ES256" => {
                let document =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                        .unwrap();
                let document = document.as_ref();
                let fixed =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &random)
                        .unwrap();
                PrivateKeyPair::Ec(fixed, document.to_vec())
            }
            "EdDSA" | "Ed25519" => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                PrivateKeyPair::Ed(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            "RS256" | "PS256" => PrivateKeyPair::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap()),
            other => panic!("no keys for {other}"),
        };
        Self { pair, random, alg, kid: fresh("key") }
    }

    /// The public members that the thumbprint covers.
    fn members(&self) -> Value {
        match &self.pair {
            PrivateKeyPair::Ec(fixed, _) => {
                let (x, y) = fixed.public_key().as_ref()[1..].split_at(32);
                json!({ "crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y) })
            }
            PrivateKeyPair::Ed(pair) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": base64url(pair.public_key()) })
            }
            PrivateKeyPair::Rsa(pair) => {
                let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "e": base64url(key.e), "kty": "RSA", "n": base64url(key.n) })
            }
        }
    }

    /// The public key as it is registered: with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Value {
        with(self.members(), json!({ "kid": self.kid, "alg": self.alg, "use": "sig" }))
    }

    /// The thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        // The members of a JSON value are sorted by name, and written without spaces.
        base64url(digest(&SHA256, self.members().to_string().as_bytes()))
    }

    /// The signature of some bytes, in the form of JWS.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            PrivateKeyPair::Ec(fixed, _) => {
                fixed.sign(&self.random, message).unwrap().as_ref().to_vec()
            }
            PrivateKeyPair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            PrivateKeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let padding: &dyn ring::signature::RsaEncoding =
                    if self.alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &self.random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The signature in DER, as TLS has it and JWS does not; of ES256 alone.
    pub fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            PrivateKeyPair::Ec(_, document) => {
                let pair = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_ASN1_SIGNING,
                    document,
                    &self.random,
                )
                .unwrap();
                pair.sign(&self.random, message).unwrap().as_ref().to_vec()
            }
            _ => panic!("DER is a form of ECDSA signatures"),
        }
    }

    /// A JWS with this header and these claims, whatever they say.
    pub fn jws(&self, header: &Value, claims: &Value) -> String {
        let content =
            format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = base64url(self.sign(content.as_bytes()));
        format!("{content}.{signature}")
    }

    /// A good assertion of a client at [`START`], with changed members of its header and its
    /// claims; `null` removes one.
    pub fn assertion(&self, client_id: &str, header: Value, claims: Value) -> String {
        let now = START.seconds();
        let due = json!({
            "iss": client_id, "sub": client_id, "aud": format!("{BASE}/idhub/oidc"),
            "jti": fresh("jti"), "iat": now,
            "exp": now + 120,
        });
        self.jws(
            &with(json!({ "alg": self.alg, "typ": "JWT", "kid": self.kid }), header),
            &with(due, claims),
        )
    }

    /// A good proof for a request at [`START`], with changed members of its header and its claims;
    /// `null` removes one.
    pub fn proof(&self, method: &str, path: &str, header: Value, claims: Value) -> String {
        let due = json!({
            "jti": fresh("jti"), "htm": method, "htu": format!("{BASE}{path}"),
            "iat": START.seconds()
        });
        let due_header = json!({ "alg": self.alg, "typ": "dpop+jwt", "jwk": self.members() });
        self.jws(&with(due_header, header), &with(due, claims))
    }

    /// A good proof for a request with a token at [`START`], with changed claims; `null` removes
    /// one.
    pub fn proof_with(&self, method: &str, path: &str, token: &str, claims: Value) -> String {
        let ath = base64url(digest(&SHA256, token.as_bytes()));
        self.proof(method, path, json!({}), with(json!({ "ath": ath }), claims))
    }
}

/// A JWK set of these keys, as text.
pub fn jwks(keys: &[&KeyPair]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

impl Service {
    /// Registers a client as `edit` leaves it; it has a secret unless that is taken away, and no
    /// token yet.
    pub async fn register_as(
        &self,
        tenant: &str,
        scopes: &str,
        edit: impl FnOnce(&mut Registered),
    ) -> Client {
        let tenant = tenant.parse().expect("a tenant's name");
        let scopes = scopes.parse().expect("scopes");
        let (mut client, secret) =
            Registered::register(&tenant, "test", scopes, false, self.table.env());
        edit(&mut client);
        self.table.create_client(&client).await.expect("a client");
        let (id, secret) = (client.client_id.to_string(), secret.reveal().to_owned());
        Client { service: self.clone(), id, secret, token: String::new() }
    }

    /// Registers a client of a tenant that authenticates with these keys alone.
    pub async fn register_keys(&self, tenant: &str, keys: &[&KeyPair]) -> Client {
        let edit = |client: &mut Registered| {
            client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            client.keys = Some(KeySource::Jwks(jwks(keys)));
            client.secrets.clear();
        };
        self.register_as(tenant, "users:read users:write config:read", edit).await
    }

    /// A request to an OAuth endpoint by a client that authenticates with an assertion.
    pub fn asserted(&self, path: &str, assertion: &str, form: &[(&str, &str)]) -> Call {
        const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let credentials = [("client_assertion_type", TYPE), ("client_assertion", assertion)];
        self.call("POST", path).form(&[form, &credentials].concat())
    }
}

impl Client {
    /// The client with a token that is bound to a key.
    pub async fn bound_to(mut self, key: &KeyPair) -> Self {
        let proof = key.proof(
            "POST",
            "/idhub/oidc/v1/token",
            json!({}),
            json!({ "iat": self.service.now() }),
        );
        let answer = self
            .token_for(&[("grant_type", "client_credentials")])
            .header("dpop", proof)
            .await
            .is(200);
        self.token = answer.field("access_token");
        self
    }

    /// A request with the client's token, which is bound to a key, and this proof.
    pub fn proved(&self, method: &str, path: &str, proof: &str) -> Call {
        self.service
            .call(method, path)
            .header("authorization", format!("DPoP {}", self.token))
            .header("dpop", proof)
    }
}

impl Service {
    /// The seconds of the clock now.
    pub fn now(&self) -> i64 {
        self.clock.now().seconds()
    }
}
