// Chromium, and what a person does in it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after } from 'node:test'
import { chromium } from 'playwright-core'
import { PASSWORD, tenant, url } from './service.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** What keeps people out of a page: WCAG 2.2 at the levels A and AA, and what practice has shown. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic'],
})
after(() => browser.close())

/** A browser of its own: no cookie of another one. Each page notes what its console complains of. */
export async function visitor(options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  context.setDefaultTimeout(10_000)
  context.complaints = []
  context.on('page', (page) => {
    page.on('pageerror', (error) => context.complaints.push(`${page.url()}: ${error}`))
    page.on('console', (message) => {
      // Refused requests are complained of too, and are what some tests are about.
      const refused = /Failed to load resource: the server responded with a status/
      if (message.type() === 'error' && !refused.test(message.text())) {
        context.complaints.push(`${page.url()}: ${message.text()}`)
      }
    })
  })
  return context
}

/** Demands that no page complained, of a violation of its Content-Security-Policy for one. */
export function silent(context) {
  assert.deepEqual(context.complaints, [])
}

/** Sends the form that holds an element by its button, and waits for the next page. */
export async function submit(page, button = 'main form button[type=submit]') {
  await Promise.all([page.waitForEvent('load'), page.locator(button).first().click()])
}

/** Opens the part of the account page that holds a form. */
export async function unfold(page, form) {
  await page.locator(`details:has(${form}):not([open]) > summary`).click()
}

/** Opens a link of a mail and goes on to what it does. Without scripts the person pastes it. */
export async function follow(page, link) {
  await page.goto(link)
  const field = page.locator('#link')
  if (await field.isVisible()) await field.fill(link)
  await submit(page)
}

/** Sets the first password, or another one, by a link. */
export async function setPassword(page, link, password = PASSWORD) {
  await follow(page, link)
  await page.fill('#new_password', password)
  await submit(page, 'button[name=act]')
}

/** Fills in the form of the sign-in page that is shown, and sends it. */
export async function enter(page, username, password = PASSWORD) {
  const field = page.locator('#username')
  if (await field.isEditable()) await field.fill(username)
  await page.fill('#password', password)
  await submit(page)
}

/** Signs in without an application. */
export async function signIn(page, username, password = PASSWORD, more = '') {
  await page.goto(`${url}/idhub/login/${tenant}${more}`)
  await enter(page, username, password)
}

/** Whether the browser is signed in: the account page is shown. */
export async function isSignedIn(context) {
  const page = await context.newPage()
  const answer = await page.goto(`${url}/idhub/account`)
  const shown = answer.status() === 200 && new URL(page.url()).pathname === '/idhub/account'
  await page.close()
  return shown
}

/** What axe-core finds, in words. */
export async function obstacles(page) {
  // Playwright hands the script over without the page's policy.
  if (await page.evaluate(() => !globalThis.axe)) await page.evaluate(AXE)
  const { violations } = await page.evaluate(
    (values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), RULES)
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help}: ${target.join(' ')}`))
}

/** A page from which a person can go on: by a form, by a link, or by what an error says to do. */
export async function hasNextStep(page) {
  return (await page.locator('main a[href], main form button, main p[role=alert]').count()) > 0
}

/** A device of the person that makes passkeys, in place of a real one. */
export async function authenticator(page, options = {}) {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...options,
    },
  })
  const send = (command, more = {}) =>
    session.send(`WebAuthn.${command}`, { authenticatorId, ...more })
  return {
    credentials: async () => (await send('getCredentials')).credentials,
    add: (credential) => send('addCredential', { credential }),
    clear: () => send('clearCredentials'),
    verifies: (isUserVerified) => send('setUserVerified', { isUserVerified }),
    touches: (enabled) => send('setAutomaticPresenceSimulation', { enabled }),
  }
}
