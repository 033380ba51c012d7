// The onboarding flow with the client that hey-api generates.

import assert from 'node:assert/strict'
import { createClient } from './client/client/index.js'
import {
  createAttributeDefinition,
  createPersona,
  createPersonaDefinition,
  createUser,
  getUser,
  issueToken,
  patchUser,
  queryUsers,
  type Problem,
} from './client/index.js'

const { KITH_URL: baseUrl, ...env } = process.env
const run = crypto.randomUUID().slice(0, 8)

async function authenticated(prefix: string) {
  const { data } = await issueToken({
    client: createClient({ baseUrl }),
    body: {
      grant_type: 'client_credentials',
      client_id: env[`${prefix}_CLIENT_ID`],
      client_secret: env[`${prefix}_CLIENT_SECRET`],
    },
    throwOnError: true,
  })
  return createClient({ baseUrl, auth: data.access_token })
}

const [admin, client] = [await authenticated('KITH_ADMIN'), await authenticated('KITH')]

const badge = `badge-${run}`
const defined = await createAttributeDefinition({
  client: admin,
  body: { category: 'common', name: badge, data_format: 'TEXT' },
})
assert.equal(defined.data?.name, badge)
const guest = await createPersonaDefinition({ client: admin, body: { name: `guest-${run}` } })
assert(guest.data)

const created = await createUser({
  client,
  headers: { 'Idempotency-Key': run },
  body: {
    username: `jan.${run}`,
    preferred_email: `jan.${run}@example.org`,
    attributes: { common: { [badge]: ['42'] } },
  },
})
assert(created.data)
const path = { user_id: created.data.id }
assert.equal(created.response?.headers.get('location'), `/identity/users/${path.user_id}`)
const persona = await createPersona({ client, path, body: { name: guest.data.name } })
assert.equal(persona.data?.status, 'ACTIVE')

const filter = { preferred_email: `JAN.${run}@example.org` }
const found = await queryUsers({ client, body: { filter } })
assert.deepEqual(found.data?.items.map((user) => user.id), [path.user_id])

const read = await getUser({ client, path })
assert.deepEqual(read.data?.attributes.common?.[badge], ['42'])
const headers = { 'If-Match': read.response?.headers.get('etag') ?? '' }
const patched = await patchUser({
  client,
  path,
  headers,
  body: { attributes: { common: { [badge]: ['43'] } } },
})
assert(patched.data && 'username' in patched.data)
assert.deepEqual(patched.data.attributes.common?.[badge], ['43'])
const stale = await patchUser({ client, path, headers, body: { given_name: 'Jan' } })
const problem: Problem | undefined = stale.error
assert.equal(problem?.status, 412)
