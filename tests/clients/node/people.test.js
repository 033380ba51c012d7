// openid-client signs people in: by discovery alone it gets tokens for a code with PKCE, refreshes
// them, reads userinfo, and signs the person out.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { issuer, register } from './service.js'
import { Visitor, reach } from './visitor.js'

const CALLBACK = 'https://app.example/callback'
const BYE = 'https://app.example/bye'
const SCOPE = 'openid profile email offline_access'
const { KITH_PERSON_USERNAME: username, KITH_PERSON_PASSWORD: password } = process.env

const AUTHENTICATIONS = {
  none: () => oidc.None(),
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
}

/** The configuration of a new application, as discovered. */
async function application(method = 'none', fields = {}) {
  const client = await register(method, {
    scopes: SCOPE.split(' '),
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [BYE],
    first_party: true,
    ...fields,
  })
  const authentication = AUTHENTICATIONS[method](client.client_secret)
  const execute = issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []
  const config = await oidc.discovery(issuer, client.client_id, client.client_secret,
    authentication, { execute, [oidc.customFetch]: reach })
  config[oidc.customFetch] = reach
  return config
}

/** Starts a sign-in: its address, and what the application remembers of it. */
async function start(config, parameters = {}) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  }
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...parameters,
  })
  return { address, checks: { ...checks, idTokenExpected: true } }
}

const finish = (config, { checks }, address, options) =>
  oidc.authorizationCodeGrant(config, new URL(address), checks, undefined, options)

/** Signs the person in; returns the browser and the tokens. */
async function signedIn(config, options) {
  const browser = new Visitor()
  const started = await start(config)
  await browser.open(started.address)
  await browser.signIn(username, password)
  assert.ok(browser.url.startsWith(`${CALLBACK}?`), browser.text)
  return { browser, started, tokens: await finish(config, started, browser.url, options) }
}

for (const method of Object.keys(AUTHENTICATIONS)) {
  test(`g4 g8: a person signs in by discovery alone, with ${method}`, async () => {
    const config = await application(method)
    const { browser, tokens } = await signedIn(config)

    const { sub, amr, auth_time, sid } = tokens.claims()
    assert.deepEqual(amr, ['pwd'])
    assert.ok(auth_time && sid)
    const profile = await oidc.fetchUserInfo(config, tokens.access_token, sub)
    assert.equal(profile.preferred_username, username)
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    assert.equal((await oidc.fetchUserInfo(config, renewed.access_token, sub)).sub, sub)
    const state = randomUUID()
    await browser.open(oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state,
    }))
    assert.equal(browser.url, `${BYE}?state=${state}`)
    const again = await start(config, { prompt: 'none' })
    await browser.open(again.address)
    await assert.rejects(finish(config, again, browser.url), { error: 'login_required' })
  })
}

test('g10: a second application needs no sign-in, and `max_age` asks for one', async () => {
  const [first, second] = [await application(), await application()]
  const { browser, tokens } = await signedIn(first)

  const started = await start(second)
  await browser.open(started.address)
  const other = await finish(second, started, browser.url)

  assert.equal(other.claims().auth_time, tokens.claims().auth_time)
  assert.equal(other.claims().sid, tokens.claims().sid)
  await browser.open((await start(second, { prompt: 'login' })).address)
  assert.equal(browser.status, 200)
  assert.ok(browser.text.includes('name="password"'))
})

test('g5: an answer of another issuer is not taken', async () => {
  const config = await application()
  const browser = new Visitor()
  const started = await start(config)
  await browser.open(started.address)
  await browser.signIn(username, password)
  const answer = new URL(browser.url)
  assert.equal(answer.searchParams.get('iss'), issuer.href)

  answer.searchParams.set('iss', 'https://other.example')
  await assert.rejects(finish(config, started, answer))
})

test('g6: a code without its verifier is refused', async () => {
  const config = await application()
  const browser = new Visitor()
  const started = await start(config)
  await browser.open(started.address)
  await browser.signIn(username, password)

  const wrong = { checks: { ...started.checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() } }
  await assert.rejects(finish(config, wrong, browser.url), { error: 'invalid_grant' })
})

test('g6: tokens of a person are bound to a key by DPoP', async () => {
  const config = await application('none', { dpop_bound_access_tokens: true })
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())

  const { tokens } = await signedIn(config, { DPoP })

  assert.equal(tokens.token_type, 'dpop')
  const { sub } = tokens.claims()
  assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub, sub)
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP })
  await oidc.fetchUserInfo(config, renewed.access_token, sub, { DPoP })
  const stolen = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token, {}, { DPoP: stolen }))
})
