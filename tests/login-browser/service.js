// The service that the browser signs in at: people, clients, mails, and an application of another
// site.

import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export const url = process.env.KITH_URL
export const tenant = process.env.KITH_TENANT
export const issuer = `${url}/idhub/oidc`
/** A password that the policy takes. */
export const PASSWORD = 'brass-lantern-quiet-meadow'

const outbox = process.env.KITH_OUTBOX

async function answered(path, init) {
  const answer = await fetch(url + path, init)
  const text = await answer.text()
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

const { KITH_ADMIN_CLIENT_ID: id, KITH_ADMIN_CLIENT_SECRET: secret } = process.env
const { access_token: administrator } = await answered('/idhub/oidc/v1/token', {
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
  body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'administrator' }),
})

/** A request of the administrator's client. */
export const ask = (method, path, body, headers = {}) =>
  answered(path, {
    method,
    headers: {
      authorization: `Bearer ${administrator}`,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  })

/** Creates a person. */
export function created(fields = {}) {
  const username = `els.${randomUUID().slice(0, 8)}`
  const preferred_email = `${username}@example.org`
  return ask('POST', '/identity/users', { username, given_name: 'Els', preferred_email, ...fields })
}

/** Invites a new person; the mail of the invitation has the link. */
export async function invited(fields = {}) {
  const person = await created({ invite: true, ...fields })
  return { ...person, link: await linkTo(person.preferred_email) }
}

/** A new client of this machine, in which people sign in. */
export const register = (fields = {}) =>
  ask('POST', '/config/clients', {
    name: `Notes ${randomUUID().slice(0, 4)}`,
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    first_party: true,
    redirect_uris: ['http://127.0.0.1/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/bye'],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    grant_types: ['authorization_code', 'refresh_token'],
    ...fields,
  })

const seen = new Set()

const LINK = /https?:\/\/\S+\/idhub\/login\/link\S*#\S+/

/** The next mail to an address that was not returned before, once the service has sent it. */
export async function mailTo(address, subject = /./, text = /./) {
  for (let tries = 0; tries < 200; tries++) {
    for (const name of list(outbox)) {
      if (seen.has(name)) continue
      const mail = parsed(readFileSync(join(outbox, name), 'latin1'))
      const to = mail.to.split(/[<>,\s]+/)
      if (to.includes(address) && subject.test(mail.subject) && text.test(mail.text)) {
        seen.add(name)
        return mail
      }
    }
    await wait(100)
  }
  throw new Error(`no mail to ${address}`)
}

const list = (folder) => {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.eml')).sort()
  } catch {
    return []
  }
}

/** The link of the next mail to an address. */
export async function linkTo(address, subject) {
  const { text } = await mailTo(address, subject, LINK)
  return text.match(LINK)[0]
}

/** A mail: its recipient, its subject and its plain text. */
function parsed(source) {
  const [head] = source.split(/\r?\n\r?\n/, 1)
  const header = (name) =>
    head.match(new RegExp(`^${name}:((?:.*(?:\r?\n[ \t])?)*)`, 'im'))?.[1].trim() ?? ''
  const part = source.split(/\r?\n--/).find((part) => /^content-type: *text\/plain/im.test(part))
  const [, fields, body] = (part ?? source).match(/^([\s\S]*?)\r?\n\r?\n([\s\S]*)$/)
  const encoding = fields.match(/^content-transfer-encoding: *(\S+)/im)?.[1].toLowerCase()
  return { to: header('to'), subject: header('subject'), text: decoded(body, encoding) }
}

function decoded(body, encoding) {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1').toString()
  const bytes = body
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** An application on 127.0.0.1, which is another site than localhost. It keeps what it is sent. */
export async function application(client) {
  const received = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const at = new URL(request.url, 'http://127.0.0.1')
      const fields = new URLSearchParams(request.method === 'POST' ? body : at.search)
      received.push({ path: at.pathname, fields, referer: request.headers.referer })
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>Notes</title><link rel=icon href=data:,><h1>Notes</h1>')
    })
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const origin = `http://127.0.0.1:${server.address().port}`
  return {
    origin,
    received,
    client,
    close: () => server.close(),
    /** The address that asks for a sign-in, with its state and its verifier. */
    start(parameters = {}) {
      const verifier = randomBytes(32).toString('base64url')
      const query = {
        client_id: client.client_id,
        redirect_uri: `${origin}/callback`,
        response_type: 'code',
        scope: 'openid',
        state: randomUUID(),
        nonce: randomUUID(),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...parameters,
      }
      const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null))
      return { url: `${url}/idhub/oidc/v1/authorize?${asked}`, ...query, verifier }
    },
    /** The tokens for the code that the page's address has. */
    async exchange(start, address) {
      const answer = new URL(address).searchParams
      assert.equal(answer.get('error'), null, String(answer))
      assert.equal(answer.get('state'), start.state)
      assert.equal(answer.get('iss'), issuer)
      return answered('/idhub/oidc/v1/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: answer.get('code'),
          client_id: client.client_id,
          redirect_uri: start.redirect_uri,
          code_verifier: start.verifier,
        }),
      })
    },
  }
}

/** The content of a JWT. */
export const claims = (token) =>
  JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
