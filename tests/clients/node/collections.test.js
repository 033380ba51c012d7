// The collections of requests: Postman's runs in Newman, Postman's own runner; Bruno's files are read
// by Bruno's parser and say the same.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import bruno from '@usebruno/lang'
import newman from 'newman'
import { url } from './service.js'

const root = resolve('../..')
const read = (...path) => readFileSync(join(root, ...path), 'utf8')
const collection = JSON.parse(read('collections', 'postman.json'))
const requests = collection.item.flatMap((folder) => folder.item)

/** The name of the request of an operation. */
const names = new Map(Object.values(JSON.parse(read('openapi.json')).paths).flatMap((item) =>
  Object.values(item).map(({ operationId, summary }) => [operationId, summary])))

/** Sends the requests of operations in the order of the collection; the statuses by operation. */
async function send(client, operations) {
  const variables = { KITH_URL: url, ...client }
  const run = await new Promise((done, failed) => newman.run({
    collection,
    folder: operations.map((operation) => names.get(operation)),
    envVar: Object.entries(variables).map(([key, value]) => ({ key, value })),
  }, (error, summary) => error ? failed(error) : done(summary.run)))
  assert.deepEqual(run.failures.map(({ error }) => error.message), [])
  const statuses = run.executions.map(({ item, response }) => [item.name, response?.code])
  return operations.map((operation) => new Map(statuses).get(names.get(operation)))
}

const client = (prefix) => ({
  KITH_CLIENT_ID: process.env[`${prefix}_ID`],
  KITH_CLIENT_SECRET: process.env[`${prefix}_SECRET`],
})

test('the collection for Postman creates, finds, changes and forgets a user', async () => {
  const operations = ['issue_token', 'create_user', 'query_users', 'get_user', 'patch_user',
    'list_principals', 'forget_user']
  assert.deepEqual(await send(client('KITH_CLIENT'), operations),
    [200, 201, 200, 200, 200, 200, 204])
})

test('the collection for Postman configures with the ids that it made', async () => {
  const operations = ['issue_token', 'create_attribute_definition', 'get_attribute_definition',
    'create_persona_definition', 'patch_persona_definition', 'introspect_token', 'create_client',
    'get_client', 'create_import', 'get_import']
  assert.deepEqual(await send(client('KITH_ADMIN_CLIENT'), operations),
    [200, 201, 200, 201, 200, 200, 201, 200, 201, 200])
})

test('the collection for Bruno says the same as the one for Postman', () => {
  const folder = join(root, 'collections', 'bruno')
  const files = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.bru'))
  const parsed = files.filter((path) => !/(^environments|(folder|collection)\.bru$)/.test(path))
    .map((path) => bruno.bruToJsonV2(readFileSync(join(folder, path), 'utf8')))
  assert.equal(parsed.length, requests.length)
  for (const { meta, http, body = {}, auth = {}, script, headers = [], params = [], docs } of parsed) {
    const { request, event } = requests.find(({ name }) => name === meta.name)
    assert.equal(http.method, request.method.toLowerCase(), meta.name)
    assert.equal(http.url, request.url.raw, meta.name)
    assert.equal(docs, request.description, meta.name)
    const sent = (pairs) => pairs.map(({ key, name = key, value, disabled, enabled = !disabled }) =>
      [name, value, enabled]).sort()
    assert.deepEqual(sent(headers), sent(request.header), meta.name)
    assert.deepEqual(sent(params), sent([...request.url.query, ...request.url.variable]), meta.name)
    assert.equal(Boolean(script?.res), Boolean(event), meta.name)
    const types = { none: 'noauth', basic: 'basic', bearer: 'bearer', inherit: undefined }
    assert.equal(types[http.auth], request.auth?.type, meta.name)
    if (auth.bearer) assert.equal(auth.bearer.token, request.auth.bearer[0].value, meta.name)
    const { raw, urlencoded } = request.body ?? {}
    if (body.json) assert.deepEqual(JSON.parse(body.json), JSON.parse(raw), meta.name)
    else if (body.text) assert.equal(body.text.trim(), raw.trim(), meta.name)
    else assert.deepEqual(sent(body.formUrlEncoded ?? []), sent(urlencoded ?? []), meta.name)
  }
  bruno.collectionBruToJson(readFileSync(join(folder, 'collection.bru'), 'utf8'))
  const environment = readFileSync(join(folder, 'environments', 'kith serve.bru'), 'utf8')
  const variables = bruno.bruToEnvJsonV2(environment).variables.map(({ name }) => name)
  assert.deepEqual(variables, ['KITH_URL', 'KITH_CLIENT_ID', 'KITH_CLIENT_SECRET'])
})
