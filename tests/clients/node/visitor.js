// A person with a browser that runs no scripts, for clients that send people to sign in.

import assert from 'node:assert/strict'
import { url } from './service.js'

const address = process.env.KITH_CONNECT

/** `fetch`, which reaches the service at `KITH_CONNECT` if its own name leads nowhere. */
export const reach = (target, options) =>
  fetch(address ? String(target).replace(url, address) : target, options)

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const plain = (text) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name])

/** The attributes of a tag. */
const attributes = (tag) =>
  Object.fromEntries([...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)]
    .slice(1).map(([, name, value]) => [name, plain(value ?? '')]))

/** The forms of a page: their addresses, and the fields that are filled in. */
export function forms(text) {
  return [...text.matchAll(/(<form[^>]*>)([\s\S]*?)<\/form>/g)].map(([, tag, content]) => {
    const fields = [...content.matchAll(/<input[^>]*>/g)].map(([input]) => attributes(input))
    const chosen = fields.filter(({ type, name, checked, disabled }) => name &&
      disabled === undefined && (!['checkbox', 'radio'].includes(type) || checked !== undefined))
    return {
      action: attributes(tag).action,
      fields: Object.fromEntries(chosen.map(({ name, value }) => [name, value ?? ''])),
    }
  })
}

/** A browser that is at a page of the service, or has left it. */
export class Visitor {
  cookies = new Map()

  /** Follows the redirects of the service until a page, or until they lead elsewhere. */
  open(to) {
    return this.#go(String(to))
  }

  /** Sends the form of the page that has this action. */
  send(action, fields) {
    const form = forms(this.text).find((one) => new URL(one.action, this.url).pathname === action)
    assert.ok(form, `${this.url} has no form for ${action}: ${this.text}`)
    return this.#go(new URL(form.action, this.url).href, {
      method: 'POST',
      headers: { origin: url, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ ...form.fields, ...fields }),
    })
  }

  /** Sends the form of the sign-in page. */
  signIn(username, password) {
    return this.send('/idhub/login/password', { username, password })
  }

  async #go(to, options = {}) {
    for (let times = 0; times < 10; times++) {
      this.url = to
      Object.assign(this, { text: '', status: 0 })
      if (!to.startsWith(`${url}/`)) return this
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const headers = { ...options.headers, ...(cookie && { cookie }) }
      const answer = await reach(to, { ...options, headers, redirect: 'manual' })
      for (const line of answer.headers.getSetCookie()) this.#keep(line)
      this.status = answer.status
      this.text = await answer.text()
      const location = answer.headers.get('location')
      if (!location) return this
      to = new URL(location, to).href
      options = {}
    }
    throw new Error(`redirects without end at ${to}`)
  }

  #keep(line) {
    const [, name, value] = line.match(/^([^=]+)=([^;]*)/)
    if (/; *max-age=0/i.test(line)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
