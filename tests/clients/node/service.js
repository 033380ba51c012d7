// The service that the libraries are tried on, and clients registered with it.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'

export const url = process.env.KITH_URL
export const issuer = new URL(`${url}/idhub/oidc`)
export const users = new URL(`${url}/identity/users`)
export const ALL = 'users:read users:write'

/** Where the service is reached, if its own name leads nowhere. */
const address = process.env.KITH_CONNECT ?? url

async function asked(path, init) {
  const answer = await fetch(address + path, init)
  const content = await answer.json()
  if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(content)}`)
  return content
}

const { KITH_ADMIN_CLIENT_ID: id, KITH_ADMIN_CLIENT_SECRET: secret } = process.env
const { access_token: administrator } = await asked('/idhub/oidc/v1/token', {
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
  body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'administrator' }),
})

/** A new client that may read and write users, with a refresh token unless `fields` say otherwise. */
export function register(token_endpoint_auth_method, fields = {}) {
  const client = {
    name: `${token_endpoint_auth_method} ${randomUUID()}`,
    token_endpoint_auth_method,
    scopes: ALL.split(' '),
    grant_types: ['client_credentials', 'refresh_token'],
    ...fields,
  }
  return asked('/config/clients', {
    method: 'POST',
    headers: { authorization: `Bearer ${administrator}`, 'content-type': 'application/json' },
    body: JSON.stringify(client),
  })
}

/** A new client that signs by this algorithm, and its private key. */
export async function registerSigning(alg, fields = {}) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const kid = randomUUID()
  const jwk = { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' }
  const client = await register('private_key_jwt', { jwks: { keys: [jwk] }, ...fields })
  return { client, key: { key: privateKey, kid } }
}

/** The body of a request for a person with a unique username. */
export const person = () => JSON.stringify({ username: `jan.${randomUUID()}`, given_name: 'Jan' })
