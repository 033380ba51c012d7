// Every page in every state and language: nothing keeps people out, nothing is wider than the screen,
// and no policy is violated. With KITH_SCREENSHOTS it also keeps what it sees.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { obstacles, silent, visitor } from './browser.js'
import { PAGES, WITHOUT_SCRIPTS, cast, complete } from './pages.js'
import { url } from './service.js'

const LANGUAGES = ['en', 'nl', 'fr', 'de']
const WIDTHS = [320, 1280]
const SCHEMES = ['light', 'dark']
const MAX_BYTES = 20 * 1024
const screenshots = process.env.KITH_SCREENSHOTS

let people
before(async () => {
  const context = await visitor()
  people = await cast(() => context.newPage())
})
after(() => {
  people.notes.close()
  people.planner.close()
})

for (const [name, open] of Object.entries(PAGES)) {
  test(`u9: ${name} keeps nobody out, in four languages`, () =>
    Promise.all(LANGUAGES.map((language) => see(name, open, language))))
}

async function see(name, open, language) {
  const javaScriptEnabled = !WITHOUT_SCRIPTS.includes(name)
  const context = await visitor({ locale: language, javaScriptEnabled })
  const helpers = await visitor({ locale: language })
  const page = await context.newPage()
  await open(page, {
    ...people,
    language,
    newPage: () => helpers.newPage(),
    at: (path) => `${url}${path}${path.includes('?') ? '&' : '?'}ui_locales=${language}`,
    inLanguage: (link) => link.replace(/ui_locales=[^&#]*/, `ui_locales=${language}`),
  })
  await complete(page, language)
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const width of WIDTHS) {
      // Nothing moves with the colours.
      if (scheme === 'light' || screenshots) await look(page, { name, language, scheme, width })
    }
    // axe-core is a script. Colours are the same in all languages.
    if (javaScriptEnabled && (scheme === 'light' || language === 'en')) {
      assert.deepEqual(await obstacles(page), [], `${name}, ${language}, ${scheme}`)
    }
  }
  silent(context)
  await Promise.all([context.close(), helpers.close()])
}

async function look(page, { name, language, scheme, width }) {
  await page.setViewportSize({ width, height: 900 })
  const wide = await page.evaluate(() => {
    const edge = document.documentElement.clientWidth
    const over = [...document.querySelectorAll('body *')].filter((part) => {
      const { left, right, width } = part.getBoundingClientRect()
      return width > 0 && (left < 0 || right > edge + 0.5)
    })
    return over.map((part) => `${part.tagName} ${part.id || part.textContent.slice(0, 40)}`)
  })
  assert.deepEqual(wide, [], `${name}, ${language}: wider than ${width} pixels`)
  if (screenshots) {
    const path = join(screenshots, `${name}-${language}-${width}-${scheme}.png`)
    await page.screenshot({ path, fullPage: true })
  }
}

test('u9: a page with its style and its script has at most 20 KB', async () => {
  const context = await visitor()
  const page = await context.newPage()
  let bytes = 0
  page.on('response', async (response) => {
    bytes += (await response.body()).length
  })
  for (const path of ['/idhub/login/acme', '/idhub/login/forgot?tenant=acme', '/idhub/login/link']) {
    bytes = 0
    await context.clearCookies()
    const cdp = await context.newCDPSession(page)
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: true })
    await page.goto(url + path, { waitUntil: 'networkidle' })
    assert.ok(bytes > 0 && bytes <= MAX_BYTES, `${path}: ${bytes} bytes`)
  }
})

test('g70: pages are kept by no cache and shown in no frame', async () => {
  const context = await visitor()
  const page = await context.newPage()
  for (const path of ['/idhub/login/acme', '/idhub/login/link', '/idhub/account']) {
    const headers = (await page.goto(url + path)).headers()
    assert.match(headers['cache-control'], /no-store/)
    const policy = headers['content-security-policy']
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) {
      assert.ok(policy.includes(part), policy)
    }
    assert.ok(!policy.includes('unsafe'), policy)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
})
