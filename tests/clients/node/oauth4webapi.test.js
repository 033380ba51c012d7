// oauth4webapi: each request and each answer by itself, and a resource server that validates tokens
// by RFC 9068 and RFC 9449.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { ALL, issuer, person, register, registerSigning, url, users } from './service.js'

const HTTP = { [oauth.allowInsecureRequests]: true }

async function discover(algorithm) {
  const answer = await oauth.discoveryRequest(issuer, { algorithm, ...HTTP })
  return oauth.processDiscoveryResponse(issuer, answer)
}

const as = await discover('oauth2')

/** A client, and how it authenticates. */
class Party {
  constructor(client, authentication) {
    this.client = { client_id: client.client_id }
    this.authentication = authentication
  }

  static async withSecret(fields) {
    const client = await register('client_secret_basic', fields)
    return new Party(client, oauth.ClientSecretBasic(client.client_secret))
  }

  async grant(parameters = {}, options = {}) {
    const { client, authentication } = this
    const all = { ...HTTP, ...options }
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, all)
    return oauth.processClientCredentialsResponse(as, client, answer)
  }

  async refresh(token, options = {}) {
    const { client, authentication } = this
    const all = { ...HTTP, ...options }
    const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, all)
    return oauth.processRefreshTokenResponse(as, client, answer)
  }

  async introspect(token) {
    const answer = await oauth.introspectionRequest(as, this.client, this.authentication, token, HTTP)
    return oauth.processIntrospectionResponse(as, this.client, answer)
  }

  async revoke(token) {
    const answer = await oauth.revocationRequest(as, this.client, this.authentication, token, HTTP)
    return oauth.processRevocationResponse(answer)
  }
}

/** Makes a user and reads it. */
async function use(token, options = {}) {
  const ask = (method, target, body) => {
    const headers = new Headers(body && { 'content-type': 'application/json' })
    return oauth.protectedResourceRequest(token, method, target, headers, body, { ...HTTP, ...options })
  }
  const created = await ask('POST', users, person())
  assert.equal(created.status, 201)
  const read = await ask('GET', new URL(created.headers.get('location'), url))
  assert.deepEqual(await read.json(), await created.json())
}

/** The request that another service would get. */
async function incoming(token, options = {}) {
  let request
  const keep = (target, init) => {
    request = new Request(target, init)
    return new Response()
  }
  const target = new URL('https://orders.example/orders?of=jan')
  const keeping = { ...options, [oauth.customFetch]: keep }
  await oauth.protectedResourceRequest(token, 'GET', target, undefined, null, keeping)
  return request
}

test('both documents of metadata say the same', async () => {
  assert.deepEqual(await discover('oidc'), as)
})

test('ec9: the metadata of the resource leads to the issuer', async () => {
  const resource = new URL(url)
  const answer = await oauth.resourceDiscoveryRequest(resource, HTTP)
  const metadata = await oauth.processResourceDiscoveryResponse(resource, answer)

  assert.deepEqual(metadata.authorization_servers, [as.issuer])
  assert.deepEqual(as.protected_resources, [metadata.resource])
})

test('ec10: a token is for the resource that is asked for', async () => {
  const shop = 'https://shop.example/'
  const party = await Party.withSecret({ audience: ['https://shop.example', url] })

  // URLs of JavaScript have a slash for an empty path.
  const here = await party.grant({ scope: ALL, resource: new URL(url).href })
  await use(here.access_token)
  const there = await party.grant({ resource: shop })
  const request = await incoming(there.access_token)
  const claims = await oauth.validateJwtAccessToken(as, request, 'https://shop.example', HTTP)
  assert.equal(claims.aud, 'https://shop.example')
  await assert.rejects(use(there.access_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' })
  const elsewhere = party.grant({ resource: 'https://other.example/' })
  await assert.rejects(elsewhere, { error: 'invalid_target' })
})

for (const method of ['ClientSecretBasic', 'ClientSecretPost']) {
  test(`o4: a client uses the service by ${method}`, async () => {
    const basic = method === 'ClientSecretBasic'
    const client = await register(basic ? 'client_secret_basic' : 'client_secret_post')
    const party = new Party(client, oauth[method](client.client_secret))

    const tokens = await party.grant({ scope: ALL })

    assert.deepEqual([tokens.token_type, tokens.scope, tokens.expires_in], ['bearer', ALL, 900])
    await use(tokens.access_token)
    const renewed = await party.refresh(tokens.refresh_token)
    assert.notEqual(renewed.refresh_token, tokens.refresh_token)
    await use(renewed.access_token)
  })
}

for (const algorithm of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
  test(`o3: a client uses the service by private_key_jwt with ${algorithm}`, async () => {
    const { client, key } = await registerSigning(algorithm)
    const party = new Party(client, oauth.PrivateKeyJwt(key))

    const { access_token, refresh_token } = await party.grant()

    await use(access_token)
    await use((await party.refresh(refresh_token)).access_token)
    assert.equal((await party.introspect(access_token)).active, true)
    await party.revoke(access_token)
    assert.deepEqual(await party.introspect(access_token), { active: false })
  })
}

test('o1: what is refused is reported', async () => {
  const { client_id } = await register('client_secret_basic')
  const posted = new Party({ client_id }, oauth.ClientSecretPost('kith_wrong'))
  for (const ask of [() => posted.grant(), () => posted.introspect('x'), () => posted.revoke('x')]) {
    await assert.rejects(ask, { error: 'invalid_client', status: 401 })
  }
  const challenged = (error) => error.status === 401 && error.cause[0].scheme === 'basic'
  await assert.rejects(new Party({ client_id }, oauth.ClientSecretBasic('kith_wrong')).grant(), challenged)

  const party = await Party.withSecret()
  await assert.rejects(party.grant({ scope: 'unknown' }), { error: 'invalid_scope', status: 400 })
  await assert.rejects(party.refresh('unknown'), { error: 'invalid_grant', status: 400 })
})

test('o7: what is revoked is not active, and nobody else can revoke it', async () => {
  const [party, other] = [await Party.withSecret(), await Party.withSecret()]
  const { access_token, refresh_token } = await party.grant()

  await other.revoke(access_token)
  await other.revoke(refresh_token)
  assert.equal((await other.introspect(access_token)).active, true)
  assert.equal((await party.introspect(refresh_token)).active, true)

  await party.revoke(refresh_token)
  assert.deepEqual(await party.introspect(refresh_token), { active: false })
  await assert.rejects(party.refresh(refresh_token), { error: 'invalid_grant' })
})

for (const access_token_signing_alg of ['ES256', 'RS256']) {
  test(`o5: a resource server takes tokens with ${access_token_signing_alg} as RFC 9068 says`, async () => {
    const audience = 'https://orders.example'
    const party = await Party.withSecret({ audience: [audience], access_token_signing_alg })
    const { access_token } = await party.grant()
    const request = await incoming(access_token)

    const options = { ...HTTP, signingAlgorithms: [access_token_signing_alg] }
    const validate = (...args) => oauth.validateJwtAccessToken(as, ...args)

    const claims = await validate(request, audience, options)

    assert.deepEqual([claims.client_id, claims.scope], [party.client.client_id, ALL])
    await assert.rejects(validate(request, 'https://other.example', options), {
      code: oauth.JWT_CLAIM_COMPARISON,
    })
    await assert.rejects(validate(request, audience, { ...options, requireDPoP: true }), {
      code: oauth.INVALID_RESPONSE,
    })
    const [head, body, signature] = access_token.split('.')
    const forged = await incoming([head, body, [...signature].reverse().join('')].join('.'))
    await assert.rejects(validate(forged, audience, options), { code: oauth.INVALID_RESPONSE })
  })
}

for (const algorithm of ['ES256', 'RS256', 'PS256', 'Ed25519']) {
  test(`tokens are bound to a key by DPoP with ${algorithm}, for every resource server`, async () => {
    const audience = 'https://orders.example'
    const party = await Party.withSecret({ audience: [audience, url], dpop_bound_access_tokens: true })
    const DPoP = oauth.DPoP(party.client, await oauth.generateKeyPair(algorithm))

    const tokens = await party.grant({}, { DPoP })

    assert.equal(tokens.token_type, 'dpop')
    await use(tokens.access_token, { DPoP })
    await use((await party.refresh(tokens.refresh_token, { DPoP })).access_token, { DPoP })
    const unmapped = oauth.DPoP(party.client, await oauth.generateKeyPair('ES256'))
    const validate = async (options) =>
      oauth.validateJwtAccessToken(as, await incoming(tokens.access_token, options), audience, HTTP)
    assert.equal((await validate({ DPoP })).cnf.jkt, await DPoP.calculateThumbprint())
    await assert.rejects(validate({ DPoP: unmapped }), { code: oauth.JWT_CLAIM_COMPARISON })
  })
}

test('a proof is good once', async () => {
  const party = await Party.withSecret()
  const fixed = { [oauth.modifyAssertion]: (_header, payload) => (payload.jti = 'once') }
  const DPoP = oauth.DPoP(party.client, await oauth.generateKeyPair('ES256'), fixed)
  const { access_token } = await party.grant({}, { DPoP })

  await assert.rejects(party.grant({}, { DPoP }), { error: 'invalid_dpop_proof', status: 400 })
  const refused = (error) => error.status === 401 && error.cause[0].parameters.error === 'invalid_dpop_proof'
  await assert.rejects(use(access_token, { DPoP }), refused)
})
