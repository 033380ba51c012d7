// openid-client: discovery, client authentication, grants, DPoP, introspection and revocation as
// its users write them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { ALL, issuer, person, register, registerSigning, url, users } from './service.js'

const SECRET_METHODS = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
}
const JSON_BODY = new Headers({ 'content-type': 'application/json' })

/** The configuration of a client: plain HTTP on loopback has to be allowed, the rest is as discovered. */
const configure = (client, authentication, algorithm = 'oidc') =>
  oidc.discovery(issuer, client.client_id, client.client_secret, authentication, {
    algorithm,
    execute: [oidc.allowInsecureRequests],
  })

const withSecret = async (fields) => {
  const client = await register('client_secret_basic', fields)
  return configure(client, oidc.ClientSecretBasic(client.client_secret))
}

/** Makes a user and reads it. */
async function use(config, token, options) {
  const created = await oidc.fetchProtectedResource(
    config, token, users, 'POST', person(), JSON_BODY, options)
  assert.equal(created.status, 201)
  const location = new URL(created.headers.get('location'), url)
  const read = await oidc.fetchProtectedResource(config, token, location, 'GET', null, undefined, options)
  assert.equal(read.status, 200)
  assert.deepEqual(await read.json(), await created.json())
}

for (const algorithm of ['oidc', 'oauth2']) {
  test(`the service is discovered by ${algorithm}`, async () => {
    const client = await register('client_secret_post')

    // Without any other word, the library sends the secret in the form.
    const config = await configure(client, undefined, algorithm)

    assert.equal(config.serverMetadata().issuer, issuer.href)
    assert.equal((await oidc.clientCredentialsGrant(config)).scope, ALL)
  })
}

for (const [method, authentication] of Object.entries(SECRET_METHODS)) {
  test(`o4: a client uses the service by ${method}`, async () => {
    const client = await register(method)
    const config = await configure(client, authentication(client.client_secret))

    const tokens = await oidc.clientCredentialsGrant(config, { scope: 'users:write users:read' })

    assert.deepEqual([tokens.token_type, tokens.scope, tokens.expires_in], ['bearer', ALL, 900])
    await use(config, tokens.access_token)
  })
}

for (const algorithm of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
  test(`o3: a client uses the service by private_key_jwt with ${algorithm}`, async () => {
    const { client, key } = await registerSigning(algorithm)
    const config = await configure(client, oidc.PrivateKeyJwt(key))

    const tokens = await oidc.clientCredentialsGrant(config)

    await use(config, tokens.access_token)
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(renewed.refresh_token, tokens.refresh_token)
    assert.equal((await oidc.tokenIntrospection(config, renewed.access_token)).active, true)
    await oidc.tokenRevocation(config, renewed.access_token)
    assert.deepEqual(await oidc.tokenIntrospection(config, renewed.access_token), { active: false })
  })
}

test('o3: an assertion is signed by a registered key and used once', async () => {
  const { client } = await registerSigning('ES256')
  const { key: other } = await registerSigning('ES256')
  const foreign = await configure(client, oidc.PrivateKeyJwt(other))
  await assert.rejects(oidc.clientCredentialsGrant(foreign), { error: 'invalid_client', status: 401 })

  const { client: second, key } = await registerSigning('ES256')
  const fixed = { [oidc.modifyAssertion]: (_header, payload) => (payload.jti = 'once') }
  const config = await configure(second, oidc.PrivateKeyJwt(key, fixed))
  await oidc.clientCredentialsGrant(config)
  const reused = { error: 'invalid_client', error_description: /used before/ }
  await assert.rejects(oidc.clientCredentialsGrant(config), reused)
})

test('o6: refresh tokens rotate, and scopes shrink', async () => {
  const config = await withSecret()
  const first = await oidc.clientCredentialsGrant(config)

  const second = await oidc.refreshTokenGrant(config, first.refresh_token, { scope: 'users:read' })

  assert.equal(second.scope, 'users:read')
  const wider = oidc.refreshTokenGrant(config, second.refresh_token, { scope: 'administrator' })
  await assert.rejects(wider, { error: 'invalid_scope', status: 400 })
  await use(config, (await oidc.refreshTokenGrant(config, second.refresh_token)).access_token)
})

test('o7: tokens are introspected and revoked', async () => {
  const config = await withSecret()
  const { access_token, refresh_token } = await oidc.clientCredentialsGrant(config, { scope: 'users:read' })

  for (const [hint, token] of Object.entries({ access_token, refresh_token })) {
    const content = await oidc.tokenIntrospection(config, token, { token_type_hint: hint })
    const { active, client_id, scope } = content
    assert.deepEqual([active, client_id, scope], [true, config.clientMetadata().client_id, 'users:read'])
    await oidc.tokenRevocation(config, token, { token_type_hint: hint })
    assert.deepEqual(await oidc.tokenIntrospection(config, token), { active: false })
  }
  const revoked = oidc.refreshTokenGrant(config, refresh_token)
  await assert.rejects(revoked, { error: 'invalid_grant', status: 400 })
})

test('o1: what is refused is reported', async () => {
  const client = { ...(await register('client_secret_basic')), client_secret: 'kith_wrong' }
  const posted = await configure(client, oidc.ClientSecretPost(client.client_secret))
  await assert.rejects(oidc.clientCredentialsGrant(posted), { error: 'invalid_client', status: 401 })
  // With a challenge in the answer, the library reports that instead of the error beside it.
  const basic = await configure(client, oidc.ClientSecretBasic(client.client_secret))
  const challenged = (error) => error.status === 401 && error.cause[0].scheme === 'basic'
  await assert.rejects(oidc.clientCredentialsGrant(basic), challenged)

  const config = await withSecret()
  for (const scope of ['administrator', 'unknown']) {
    const grant = oidc.clientCredentialsGrant(config, { scope })
    await assert.rejects(grant, { error: 'invalid_scope', status: 400 })
  }
})

for (const algorithm of ['ES256', 'RS256', 'PS256', 'Ed25519']) {
  test(`tokens are bound to a key by DPoP with ${algorithm}`, async () => {
    const config = await withSecret({ dpop_bound_access_tokens: true })
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(algorithm))

    const tokens = await oidc.clientCredentialsGrant(config, {}, { DPoP })

    assert.equal(tokens.token_type, 'dpop')
    await use(config, tokens.access_token, { DPoP })
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP })
    await use(config, renewed.access_token, { DPoP })
    const { cnf, token_type } = await oidc.tokenIntrospection(config, renewed.access_token)
    assert.deepEqual([cnf.jkt, token_type], [await DPoP.calculateThumbprint(), 'DPoP'])
  })
}

test('a bound token is no good without a fresh proof by its own key', async () => {
  const config = await withSecret({ dpop_bound_access_tokens: true })
  await assert.rejects(oidc.clientCredentialsGrant(config), { error: 'invalid_dpop_proof', status: 400 })
  const keys = await oidc.randomDPoPKeyPair()
  const fixed = { [oidc.modifyAssertion]: (_header, payload) => (payload.jti = 'once') }
  const once = oidc.getDPoPHandle(config, keys, fixed)
  const { access_token } = await oidc.clientCredentialsGrant(config, {}, { DPoP: once })
  const read = (options) => oidc.fetchProtectedResource(
    config, access_token, users, 'POST', person(), JSON_BODY, options)
  const refused = (code) => (error) => error.status === 401 && error.cause[0].parameters.error === code

  const reused = oidc.clientCredentialsGrant(config, {}, { DPoP: once })
  await assert.rejects(reused, { error: 'invalid_dpop_proof', status: 400, error_description: /used before/ })
  await assert.rejects(read({ DPoP: once }), refused('invalid_dpop_proof'))
  const stolen = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  await assert.rejects(read({ DPoP: stolen }), refused('invalid_dpop_proof'))
  await assert.rejects(read(), refused('invalid_token'))
  await use(config, access_token, { DPoP: oidc.getDPoPHandle(config, keys) })
})
