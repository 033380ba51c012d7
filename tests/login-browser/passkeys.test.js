// Passkeys, made by Chromium's virtual authenticator (WebAuthn over CDP).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticator, isSignedIn, setPassword, signIn, silent, submit, visitor } from './browser.js'
import { invited, mailTo, tenant, url } from './service.js'

const SIGN_IN = `${url}/idhub/login/${tenant}`

/** A person with a passkey on a device, signed in. The button alone signs in, unless the username
 *  field is to offer the passkey too. */
async function withPasskey({ offered = false, ...options } = {}) {
  const person = await invited()
  const context = await visitor()
  if (!offered) {
    await context.addInitScript(() => {
      // Pages that are no secure context have no such class.
      const { PublicKeyCredential: credential } = globalThis
      if (credential) credential.isConditionalMediationAvailable = async () => false
    })
  }
  const page = await context.newPage()
  await setPassword(page, person.link)
  await signIn(page, person.username)
  const device = await authenticator(page, options)
  await add(page, 'Laptop')
  return { person, context, page, device }
}

async function add(page, name) {
  await page.goto(`${url}/idhub/account`)
  await page.fill('#passkey-name', name)
  await submit(page, '#passkey-add-button')
}

/** Signs out, and opens the sign-in page with a device that waits to be touched. */
async function signOut({ page, device }) {
  await device.touches(false)
  await page.goto(`${url}/idhub/account`)
  await submit(page, 'form[action="/idhub/account/sign-out"] button')
  await page.goto(SIGN_IN)
}

test('g52: a passkey is added, and signs in by the button', async () => {
  const session = await withPasskey()
  const { context, page, device, person } = session
  assert.equal(await page.locator('li[data-passkey]').count(), 1)
  const [credential] = await device.credentials()
  assert.equal(credential.isResidentCredential, true)
  assert.equal(credential.rpId, 'localhost')
  assert.ok(!Buffer.from(credential.userHandle, 'base64').toString().includes(person.id))
  await mailTo(person.preferred_email, /passkey/i)

  await signOut(session)
  assert.ok(!(await isSignedIn(context)))
  await device.touches(true)
  await Promise.all([page.waitForURL('**/idhub/account'), page.click('#passkey-button')])

  assert.ok(await isSignedIn(context))
  silent(context)
})

test('g54: the username field offers the passkey', async () => {
  const session = await withPasskey({ offered: true })
  const { context, page, device } = session
  await signOut(session)
  assert.match(await page.getAttribute('#username', 'autocomplete'), /username webauthn/)

  await device.touches(true)
  await page.goto(SIGN_IN)
  await page.waitForURL('**/idhub/account')

  assert.ok(await isSignedIn(context))
})

test('g53: a device that does not verify its user is refused', async () => {
  const session = await withPasskey()
  const { context, page, device } = session
  await signOut(session)
  await device.verifies(false)
  await device.touches(true)

  await page.click('#passkey-button')
  await page.locator('#passkey-error').waitFor({ state: 'visible' })

  assert.ok(!(await isSignedIn(context)))
  // The password is a way in.
  assert.ok(await page.locator('#password').isVisible())
})

test('g53: a copy of a passkey is refused, and the person is told', async () => {
  const session = await withPasskey()
  const { context, page, device, person } = session
  await signOut(session)
  await device.touches(true)
  await Promise.all([page.waitForURL('**/idhub/account'), page.click('#passkey-button')])
  const [credential] = await device.credentials()
  assert.ok(credential.signCount > 0)
  await signOut(session)
  await device.clear()
  await device.add({ ...credential, signCount: 0 })

  await device.touches(true)
  await page.click('#passkey-button')
  await page.locator('#problem, #passkey-error:visible').first().waitFor()

  assert.ok(!(await isSignedIn(context)))
  await mailTo(person.preferred_email, /passkey/i)
})

test('g55: a second device, a new name, and a removed passkey', async () => {
  const { context, page, device, person } = await withPasskey()
  const [first] = await device.credentials()
  await device.clear()
  await add(page, 'Phone')
  assert.equal(await page.locator('li[data-passkey]').count(), 2)

  await page.goto(`${url}/idhub/account`)
  const phone = page.locator('li[data-passkey]', { hasText: 'Phone' })
  await phone.locator('summary').click()
  await phone.locator('.passkey-rename input[name=name]').fill('Work phone')
  await Promise.all([page.waitForEvent('load'), phone.locator('.passkey-rename button').click()])
  assert.equal(await page.locator('li[data-passkey]', { hasText: 'Work phone' }).count(), 1)

  const laptop = page.locator('li[data-passkey]', { hasText: 'Laptop' })
  await Promise.all([page.waitForEvent('load'), laptop.locator('.passkey-remove button').click()])
  assert.equal(await page.locator('li[data-passkey]').count(), 1)
  await mailTo(person.preferred_email, /passkey/i)

  await signOut({ page, device })
  await device.clear()
  await device.add(first)
  await device.touches(true)
  await page.click('#passkey-button')
  await page.locator('#problem, #passkey-error:visible').first().waitFor()
  assert.ok(!(await isSignedIn(context)))
})

test('g52: a device that holds a passkey of the person makes no second one', async () => {
  const { page } = await withPasskey()
  await page.goto(`${url}/idhub/account`)
  await page.fill('#passkey-name', 'Again')
  await page.click('#passkey-add-button')
  await page.locator('#passkey-held:visible, #passkey-error:visible').first().waitFor()
  await page.goto(`${url}/idhub/account`)
  assert.equal(await page.locator('li[data-passkey]').count(), 1)
})
