// The onboarding flow with openapi-fetch and the types that openapi-typescript generates.

import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type Problem = components['schemas']['Problem']

const { KITH_URL: baseUrl, ...env } = process.env
const run = crypto.randomUUID().slice(0, 8)

async function authenticated(prefix: string) {
  const { data, error } = await createClient<paths>({ baseUrl }).POST('/idhub/oidc/v1/token', {
    body: {
      grant_type: 'client_credentials',
      client_id: env[`${prefix}_CLIENT_ID`],
      client_secret: env[`${prefix}_CLIENT_SECRET`],
    },
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
  if (!data) throw new Error(error.error_description)
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${data.access_token}` } })
}

const [admin, crm] = [await authenticated('KITH_ADMIN'), await authenticated('KITH')]

const badge = `badge-${run}`
const defined = await admin.POST('/identity/config/attribute-definitions', {
  body: { category: 'common', name: badge, data_format: 'TEXT' },
})
assert.equal(defined.data?.name, badge)
const guest = await admin.POST('/identity/config/persona-definitions', {
  body: { name: `guest-${run}` },
})
assert(guest.data)

const created = await crm.POST('/identity/users', {
  params: { header: { 'Idempotency-Key': run } },
  body: {
    username: `jan.${run}`,
    preferred_email: `jan.${run}@example.org`,
    attributes: { common: { [badge]: ['42'] } },
  },
})
assert(created.data)
const path = { user_id: created.data.id }
assert.equal(created.response.headers.get('location'), `/identity/users/${path.user_id}`)
const persona = await crm.POST('/identity/users/{user_id}/personas', {
  params: { path },
  body: { name: guest.data.name },
})
assert.equal(persona.data?.status, 'ACTIVE')

const found = await crm.POST('/identity/users/query', {
  body: { filter: { preferred_email: `JAN.${run}@example.org` } },
})
assert.deepEqual(found.data?.items.map((user) => user.id), [path.user_id])

const read = await crm.GET('/identity/users/{user_id}', { params: { path } })
assert.deepEqual(read.data?.attributes.common?.[badge], ['42'])
const header = { 'If-Match': read.response.headers.get('etag') ?? '' }
const patched = await crm.PATCH('/identity/users/{user_id}', {
  params: { path, header },
  body: { attributes: { common: { [badge]: ['43'] } } },
})
assert(patched.data && 'username' in patched.data)
assert.deepEqual(patched.data.attributes.common?.[badge], ['43'])
const stale = await crm.PATCH('/identity/users/{user_id}', {
  params: { path, header },
  body: { given_name: 'Jan' },
})
const problem: Problem | undefined = stale.error
assert.equal(problem?.status, 412)
