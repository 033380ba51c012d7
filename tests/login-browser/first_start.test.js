// From the link that `kith serve` prints to a sign-out, with and without scripts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { follow, isSignedIn, setPassword, signIn, silent, submit, visitor } from './browser.js'
import { PASSWORD, invited, linkTo, url } from './service.js'

/** The account page is shown; signs out there. */
async function signOut(page) {
  assert.equal(new URL(page.url()).pathname, '/idhub/account')
  await submit(page, 'form[action="/idhub/account/sign-out"] button')
  assert.equal(await page.locator('main form').count(), 0, 'signing out asks for more')
}

test('g63: the printed link makes an administrator within a minute', async () => {
  const started = Date.now()
  const context = await visitor()
  const page = await context.newPage()

  await setPassword(page, process.env.KITH_LINK)
  await signIn(page, 'admin')
  assert.ok(await isSignedIn(context))
  await signOut(page)

  assert.ok(!(await isSignedIn(context)))
  assert.ok(Date.now() - started < 60_000)
  silent(context)
})

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts'

  test(`g46: an invited person sets a password, signs in and signs out ${how}`, async () => {
    const person = await invited()
    const context = await visitor({ javaScriptEnabled })
    const page = await context.newPage()

    await setPassword(page, person.link)
    await page.locator('main a').first().click()
    await signIn(page, person.username)
    assert.ok(await isSignedIn(context))
    await signOut(page)

    assert.ok(!(await isSignedIn(context)))
    silent(context)
  })
}

test('g46: a reader that opens the link of a mail uses up nothing', async () => {
  const person = await invited()
  const context = await visitor()
  const page = await context.newPage()
  for (let times = 0; times < 3; times++) {
    await page.goto(person.link)
    // What the page does by itself would be done by now.
    await page.waitForLoadState('networkidle')
    assert.equal(new URL(page.url()).pathname, '/idhub/login/link')
  }
  // A scanner of mails sends each form that it sees, without what a person enters.
  await follow(page, person.link)

  await page.fill('#new_password', PASSWORD)
  await submit(page, 'button[name=act]')

  await signIn(page, person.username)
  assert.ok(await isSignedIn(context))
  await setPasswordIsRefused(page, person.link)
})

/** The link was used: the page says so and leads on. */
async function setPasswordIsRefused(page, link) {
  await follow(page, link)
  assert.equal(await page.locator('#new_password').count(), 0)
  assert.ok((await page.locator('main a').count()) > 0)
}

test('g44: the token of a link is sent to no server', async () => {
  const person = await invited()
  const context = await visitor()
  const page = await context.newPage()
  const sent = []
  page.on('request', (request) => sent.push(request))

  await page.goto(person.link)

  await page.waitForLoadState('networkidle')
  const token = new URL(person.link).hash.slice(1)
  assert.ok(sent.length > 0)
  for (const request of sent) {
    assert.ok(!request.url().split('#')[0].includes(token), request.url())
    assert.ok(!JSON.stringify(await request.allHeaders()).includes(token), request.url())
    assert.equal(request.postData(), null)
  }
})

test('g49: a reset ends what was signed in, and the old password', async () => {
  const person = await invited()
  const context = await visitor()
  const page = await context.newPage()
  await setPassword(page, person.link)
  await signIn(page, person.username)

  const other = await (await visitor()).newPage()
  await other.goto(`${url}/idhub/login/${process.env.KITH_TENANT}`)
  await other.locator('a[href^="/idhub/login/forgot?"]').click()
  await other.fill('#username', person.username)
  await submit(other)
  await setPassword(other, await linkTo(person.preferred_email), `${PASSWORD}-again`)

  assert.ok(!(await isSignedIn(context)))
  await signIn(page, person.username, PASSWORD)
  assert.equal(await page.locator('#problem').count(), 1, 'the old password is still good')
  await signIn(page, person.username, `${PASSWORD}-again`)
  assert.ok(await isSignedIn(context))
  silent(context)
})
