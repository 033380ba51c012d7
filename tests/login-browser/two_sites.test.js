// Applications of another site (127.0.0.1) send people to the service (localhost) and get them back.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  enter, hasNextStep, isSignedIn, setPassword, signIn, silent, submit, visitor,
} from './browser.js'
import { PASSWORD, application, claims, invited, register, tenant, url } from './service.js'

let person, notes, other

before(async () => {
  person = await invited()
  const context = await visitor()
  await setPassword(await context.newPage(), person.link)
  await context.close()
  notes = await application(await register())
  other = await application(await register())
})
after(() => {
  notes.close()
  other.close()
})

/** A browser in which the person has signed in for the first application. */
async function signedIn() {
  const context = await visitor()
  const page = await context.newPage()
  const start = notes.start()
  await page.goto(start.url)
  await enter(page, person.username)
  return { context, page, start }
}

test('g11: a person is sent on to a foreign callback under the policy of the page', async () => {
  const { context, page, start } = await signedIn()

  assert.ok(page.url().startsWith(`${notes.origin}/callback?`), page.url())
  const tokens = await notes.exchange(start, page.url())
  const { nonce, sid, auth_time } = claims(tokens.id_token)
  assert.equal(nonce, start.nonce)
  assert.ok(sid && auth_time)
  const { referer } = notes.received.at(-1)
  assert.ok(!referer || new URL(referer).search === '', referer)
  silent(context)
})

test('g10: a second application needs no sign-in, and `prompt=none` shows no page', async () => {
  // It is native, so the person has to act (rule G15).
  const { context, page, start } = await signedIn()
  const first = claims((await notes.exchange(start, page.url())).id_token)

  const again = other.start()
  await page.goto(again.url)
  await submit(page, 'button[name=decision][value=allow]')
  assert.ok(page.url().startsWith(`${other.origin}/callback?`), page.url())
  const second = claims((await other.exchange(again, page.url())).id_token)
  assert.deepEqual([second.sid, second.auth_time], [first.sid, first.auth_time])

  await page.goto(other.start({ prompt: 'none' }).url)
  assert.ok(page.url().startsWith(`${other.origin}/callback?`), page.url())
  assert.equal(new URL(page.url()).searchParams.get('error'), 'consent_required')
  silent(context)
})

test('g10: `prompt=none` sends a stranger back with an error', async () => {
  const context = await visitor()
  const page = await context.newPage()
  const start = notes.start({ prompt: 'none' })

  await page.goto(start.url)

  assert.ok(page.url().startsWith(`${notes.origin}/callback?`), page.url())
  const answer = new URL(page.url()).searchParams
  assert.equal(answer.get('error'), 'login_required')
  assert.equal(answer.get('state'), start.state)
  assert.ok(answer.get('iss'))
})

test('g12: an application of another site cannot show the page in a frame', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await page.goto(`${notes.origin}/`)
  const framed = await page.evaluate(async (address) => {
    const frame = document.createElement('iframe')
    frame.src = address
    document.body.append(frame)
    await new Promise((shown) => (frame.onload = shown))
    try {
      return frame.contentWindow.length >= 0 && frame.contentWindow.location.href
    } catch {
      return 'another origin'
    }
  }, notes.start().url)
  // The browser shows an error of its own, whose origin no page can read.
  assert.equal(framed, 'another origin')
  const frame = page.frames().find((one) => one !== page.mainFrame())
  assert.equal(await frame.locator('#password').count(), 0)
})

test('g13: back after a sign-in ends signed in', async () => {
  const { context, page } = await signedIn()

  await page.goBack()

  const back = page.url().startsWith(`${notes.origin}/callback?`)
  assert.ok(back || (await hasNextStep(page)), page.url())
  if (!back && (await page.locator('#password').count())) {
    await enter(page, person.username)
    assert.ok(page.url().startsWith(`${notes.origin}/callback?`), page.url())
  }
  assert.ok(await isSignedIn(context))
})

test('g13: a double click ends signed in', async () => {
  const context = await visitor()
  const page = await context.newPage()
  const start = notes.start()
  await page.goto(start.url)
  await page.fill('#username', person.username)
  await page.fill('#password', PASSWORD)

  await page.locator('main form button[type=submit]').first().dblclick()
  await page.waitForURL(`${notes.origin}/callback?**`)

  await notes.exchange(start, page.url())
  assert.ok(await isSignedIn(context))
})

test('g13: three tabs each end with an own answer', async () => {
  const context = await visitor()
  const tabs = []
  for (const app of [notes, other, notes]) {
    const page = await context.newPage()
    const start = app.start()
    await page.goto(start.url)
    tabs.push({ app, page, start })
  }

  for (const { page } of tabs.toReversed()) await enter(page, person.username)

  for (const { app, page, start } of tabs) {
    assert.ok(page.url().startsWith(`${app.origin}/callback?`), page.url())
    await app.exchange(start, page.url())
  }
  silent(context)
})

test('g13: a page whose state is not good any more leads on', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await page.goto(notes.start().url)
  await page.evaluate(() => {
    const state = document.querySelector('input[name=state]')
    state.value = `${state.value.slice(0, -4)}AAAA`
  })
  await enter(page, person.username)
  assert.ok(await hasNextStep(page), page.url())
  assert.ok(!(await isSignedIn(context)))

  await page.goBack()
  await enter(page, person.username)
  assert.ok(await isSignedIn(context))
})

test('g19: a browser that lost its cookies is told so, and can start again', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await page.goto(`${url}/idhub/login/${tenant}`)
  await context.clearCookies()
  await enter(page, person.username)
  assert.ok(!(await isSignedIn(context)))
  assert.ok(await hasNextStep(page), page.url())
})

test('g19: a page of another site cannot sign a browser in', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await page.goto(`${url}/idhub/login/${tenant}`)
  const fields = await page.evaluate(() =>
    [...document.querySelectorAll('form[action="/idhub/login/password"] input[type=hidden]')]
      .map(({ name, value }) => [name, value]))
  await page.goto(`${notes.origin}/`)

  const answer = page.waitForResponse((response) => response.request().method() === 'POST')
  await page.evaluate(([action, fields]) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action })
    for (const [name, value] of fields) {
      form.append(Object.assign(document.createElement('input'), { name, value }))
    }
    document.body.append(form)
    form.submit()
  }, [`${url}/idhub/login/password`,
    [...fields, ['username', person.username], ['password', PASSWORD]]])

  assert.ok((await answer).status() >= 400)
  await page.waitForLoadState()
  assert.ok(!(await isSignedIn(context)))
})

test('g25: an application signs the person out and gets the browser back', async () => {
  const { context, page, start } = await signedIn()
  const { id_token } = await notes.exchange(start, page.url())
  const query = new URLSearchParams({
    id_token_hint: id_token,
    post_logout_redirect_uri: `${notes.origin}/bye`,
    state: 'gone',
  })

  await page.goto(`${url}/idhub/oidc/v1/logout?${query}`)

  assert.equal(page.url(), `${notes.origin}/bye?state=gone`)
  assert.ok(!(await isSignedIn(context)))
  silent(context)
})

test('g25: without a hint the person is asked', async () => {
  const { context, page } = await signedIn()
  await page.goto(`${url}/idhub/oidc/v1/logout`)
  assert.ok(await isSignedIn(context))
  await submit(page, 'button[name=answer][value=yes]')
  assert.ok(!(await isSignedIn(context)))
  silent(context)
})

test('g70: back after a sign-out shows nothing of the person', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await signIn(page, person.username)
  await submit(page, 'form[action="/idhub/account/sign-out"] button')
  await page.goBack()
  assert.ok(!(await page.content()).includes(person.preferred_email))
})

test('g12: an answer by form reaches the application, with and without scripts', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const context = await visitor({ javaScriptEnabled })
    const page = await context.newPage()
    const start = notes.start({ response_mode: 'form_post' })
    await page.goto(start.url)
    await enter(page, person.username)
    if (!page.url().startsWith(notes.origin)) {
      const button = page.locator('main form button[type=submit]')
      if (javaScriptEnabled) await page.waitForURL(`${notes.origin}/**`)
      else await button.click()
    }
    await page.waitForURL(`${notes.origin}/callback`)
    const { fields } = notes.received.findLast(({ path }) => path === '/callback')
    assert.equal(fields.get('state'), start.state)
    assert.ok(fields.get('code') && fields.get('iss'))
    silent(context)
  }
})

test('g15: a foreign application asks for consent, and takes a refusal', async () => {
  const foreign = await application(await register({ first_party: false }))
  try {
    for (const decision of ['deny', 'allow']) {
      const context = await visitor()
      const page = await context.newPage()
      const start = foreign.start({ scope: 'openid email' })
      await page.goto(start.url)
      await enter(page, person.username)
      await submit(page, `button[name=decision][value=${decision}]`)
      assert.ok(page.url().startsWith(`${foreign.origin}/callback?`), page.url())
      const answer = new URL(page.url()).searchParams
      assert.equal(answer.get('error'), decision === 'deny' ? 'access_denied' : null)
      silent(context)
    }
  } finally {
    foreign.close()
  }
})
