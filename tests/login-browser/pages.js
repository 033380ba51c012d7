// Every page of the sign-in, in the states that a person can see.

import assert from 'node:assert/strict'
import {
  authenticator, enter, follow, hasNextStep, setPassword, signIn, submit, unfold,
} from './browser.js'
import { PASSWORD, application, ask, created, invited, linkTo, register, tenant, url } from './service.js'

/**
 * What the pages are about; made once. `els` has a password, and `ina` has two personas too. No page
 * changes them.
 */
export async function cast(newPage) {
  const [native, foreign] = await Promise.all([
    register({ redirect_uris: ['http://127.0.0.1/callback', 'org.example.notes:/callback'] }),
    register({ name: 'Holiday planner', first_party: false }),
  ])
  return {
    notes: await application(native),
    planner: await application(foreign),
    els: await member(newPage),
    ina: await member(newPage, { personas: [{ name: 'auditor' }, { name: 'helpdesk' }] }),
  }
}

/** A new person who has set a password. */
async function member(newPage, fields) {
  const person = await invited(fields)
  await setPassword(await newPage(), person.link)
  return person
}

/**
 * The pages, by name: each function brings a new page of a fresh browser to its state. `language` is
 * what the address asks for; `newPage` opens pages of another browser.
 */
export const PAGES = {
  'sign-in': (page, { at }) => page.goto(at(`/idhub/login/${tenant}`)),

  async 'sign-in-refused'(page, { at }) {
    await page.goto(at(`/idhub/login/${tenant}`))
    await enter(page, 'nobody', 'not the password at all')
  },

  async 'sign-in-empty'(page, { at }) {
    await page.goto(at(`/idhub/login/${tenant}`))
    await page.evaluate(() => {
      for (const field of document.querySelectorAll('[required]')) field.required = false
    })
    await submit(page)
  },

  'sign-in-for-application': (page, { notes, language }) =>
    page.goto(notes.start({ ui_locales: language, login_hint: 'els' }).url),

  async 'sign-in-again'(page, { at, els }) {
    await signIn(page, els.username)
    await page.goto(at(`/idhub/login/${tenant}?prompt=login`))
  },

  async 'sign-in-blocked'(page, { at, newPage }) {
    const person = await member(newPage)
    await ask('POST', `/identity/users/${person.id}/block`)
    await page.goto(at(`/idhub/login/${tenant}`))
    await enter(page, person.username)
  },

  async consent(page, { planner, language, els }) {
    const scope = 'openid profile email offline_access'
    await page.goto(planner.start({ scope, ui_locales: language }).url)
    await enter(page, els.username)
    assert.ok(await page.locator('button[name=decision]').count())
  },

  async 'choose-persona'(page, { notes, language, ina }) {
    await page.goto(notes.start({ scope: 'openid profile', ui_locales: language }).url)
    await enter(page, ina.username)
    assert.ok(await page.locator('input[name=persona]').count())
  },

  async 'choose-account'(page, { notes, language, els }) {
    await signIn(page, els.username)
    await page.goto(notes.start({ prompt: 'select_account', ui_locales: language }).url)
    assert.ok(await page.locator('button[name=account]').count())
  },

  forgot: (page, { at }) => page.goto(at(`/idhub/login/forgot?tenant=${tenant}`)),

  async 'forgot-sent'(page, { at }) {
    await page.goto(at(`/idhub/login/forgot?tenant=${tenant}`))
    await page.fill('#username', 'nobody')
    await submit(page)
  },

  'forgot-username': (page, { at }) => page.goto(at(`/idhub/login/forgot-username?tenant=${tenant}`)),

  async 'forgot-username-sent'(page, { at }) {
    await page.goto(at(`/idhub/login/forgot-username?tenant=${tenant}`))
    await page.fill('#email', 'nobody@example.org')
    await submit(page)
  },

  link: (page, { at }) => page.goto(at('/idhub/login/link')),

  async 'link-malformed'(page, { at }) {
    await page.goto(at('/idhub/login/link'))
    await page.fill('#link', 'https://example.org/')
    await submit(page)
  },

  async invitation(page, { inLanguage }) {
    await follow(page, inLanguage((await invited()).link))
    assert.ok(await page.locator('#new_password').count())
  },

  async 'reset-with-passkeys'(page, { at, inLanguage, newPage }) {
    const person = await withPasskey(page, await member(newPage))
    await page.goto(at(`/idhub/login/forgot?tenant=${tenant}`))
    await page.fill('#username', person.username)
    await submit(page)
    await follow(page, inLanguage(await linkTo(person.preferred_email)))
    await page.check('#remove_passkeys')
  },

  async 'password-refused'(page, { inLanguage }) {
    await setPassword(page, inLanguage((await invited()).link), 'passwordpassword')
    assert.ok(await page.locator('#problem').count())
  },

  async 'password-set'(page, { inLanguage }) {
    await setPassword(page, inLanguage((await invited()).link))
  },

  async 'link-used'(page, { inLanguage, newPage }) {
    const { link } = await member(newPage)
    await follow(page, inLanguage(link))
  },

  async 'temporary-password'(page, { at }) {
    const person = await created()
    const { password } = await ask('POST', `/identity/users/${person.id}/temporary-password`)
    await page.goto(at(`/idhub/login/${tenant}`))
    await enter(page, person.username, password)
    assert.ok(await page.locator('#new_password').count())
  },

  async 'temporary-password-with-passkeys'(page, { at, newPage }) {
    const person = await withPasskey(page, await member(newPage))
    const { password } = await ask('POST', `/identity/users/${person.id}/temporary-password`)
    await page.goto(at(`/idhub/login/${tenant}`))
    await enter(page, person.username, password)
    assert.ok(await page.locator('#remove_passkeys').count())
  },

  async account(page, { at, els }) {
    await signIn(page, els.username)
    await page.goto(at('/idhub/account'))
  },

  async 'account-in-full'(page, { at, newPage, planner }) {
    // Another browser, a passkey, an application, and all that can be unfolded.
    const person = await member(newPage)
    await signIn(await newPage(), person.username)
    await authenticator(page)
    await page.goto(planner.start({ scope: 'openid email' }).url)
    await enter(page, person.username)
    await submit(page, 'button[name=decision][value=allow]')
    await page.goto(at('/idhub/account'))
    await submit(page, '#passkey-add-button')
    await page.goto(at('/idhub/account'))
    for (const part of await page.locator('details > summary').all()) await part.click()
  },

  async 'account-password-refused'(page, { language, els }) {
    await signIn(page, els.username, PASSWORD, `?ui_locales=${language}`)
    const form = 'form[action="/idhub/account/password"]'
    await unfold(page, form)
    for (const field of await page.locator(`${form} input[type=password]`).all()) {
      await field.fill('passwordpassword')
    }
    await submit(page, `${form} button[type=submit]`)
    assert.ok(await page.locator('#problem').count())
  },

  async 'account-address-pending'(page, { at, newPage }) {
    await changeAddress(page, await member(newPage))
    await page.goto(at('/idhub/account'))
  },

  async 'confirm-address'(page, { newPage, inLanguage }) {
    const address = await changeAddress(page, await member(newPage))
    await follow(page, inLanguage(await linkTo(address)))
    assert.ok(await page.locator('button[name=act][value=confirm]').count())
  },

  async 'undo-address'(page, { newPage, inLanguage }) {
    const person = await member(newPage)
    await changeAddress(page, person)
    await follow(page, inLanguage(await linkTo(person.preferred_email)))
    const shown = await page.locator('main').innerText()
    assert.ok(await page.locator('button[name=act][value=undo]').count(), shown)
  },

  async 'sign-out'(page, { at, els }) {
    await signIn(page, els.username)
    await page.goto(at('/idhub/oidc/v1/logout'))
    assert.ok(await page.locator('button[name=answer]').count())
  },

  async 'signed-out'(page, { at, els }) {
    await signIn(page, els.username)
    await page.goto(at('/idhub/oidc/v1/logout'))
    await submit(page, 'button[name=answer][value=yes]')
  },

  async 'answer-by-form'(page, { notes, language, els }) {
    // Without scripts the page stays; the browser of this state has none.
    await page.goto(notes.start({ response_mode: 'form_post', ui_locales: language }).url)
    await enter(page, els.username)
  },

  async 'open-application'(page, { notes, language, els }) {
    const to = { redirect_uri: 'org.example.notes:/callback', ui_locales: language }
    await page.goto(notes.start(to).url)
    await enter(page, els.username)
    assert.ok(await page.locator('a[href^="org.example.notes:"]').count())
  },

  'unknown-client': (page, { notes, language }) =>
    page.goto(notes.start({ client_id: `${tenant}.unknown`, ui_locales: language }).url),

  'unknown-redirect': (page, { notes, language }) =>
    page.goto(notes.start({ redirect_uri: 'http://127.0.0.1/other', ui_locales: language }).url),

  'unknown-tenant': (page, { at }) => page.goto(at('/idhub/login/nobody-here')),

  'account-signed-out': (page, { at }) => page.goto(at('/idhub/account')),

  async expired(page, { notes, language }) {
    await page.goto(notes.start({ ui_locales: language }).url)
    await page.evaluate(() => {
      document.querySelector('input[name=state]').value = 'expired'
    })
    await enter(page, 'els')
  },

  async 'no-cookies'(page, { at }) {
    await page.goto(at(`/idhub/login/${tenant}`))
    await page.context().clearCookies()
    await enter(page, 'els')
  },
}

/** The states that are seen in a browser without scripts. */
export const WITHOUT_SCRIPTS = ['link', 'link-malformed', 'answer-by-form']

/** Adds a passkey to the account of a person, who signs in for it; returns the person. */
async function withPasskey(page, person) {
  await signIn(page, person.username)
  const device = await authenticator(page)
  await page.goto(`${url}/idhub/account`)
  await submit(page, '#passkey-add-button')
  // Else the next sign-in page would use it.
  await device.clear()
  return person
}

/** Asks for another address on the account page; returns it. */
async function changeAddress(page, person) {
  const address = `new.${person.preferred_email}`
  await signIn(page, person.username)
  await page.goto(`${url}/idhub/account`)
  const form = 'form[action="/idhub/account/address"]'
  await unfold(page, form)
  await page.fill(`${form} input[type=email]`, address)
  await submit(page, `${form} button[type=submit]`)
  return address
}

/** Demands that a page is in the language, has one heading and leads on. */
export async function complete(page, language) {
  assert.equal(await page.getAttribute('html', 'lang'), language)
  assert.equal(await page.locator('h1').count(), 1)
  assert.ok(await hasNextStep(page), 'the page leads nowhere')
}
