// JavaScript Yjs for the differential fuzzer: reads JSON lines on stdin, answers each with one on stdout.
// argv: folder whose node_modules has `yjs`. Updates come and go in base64.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(`${process.argv[2]}/`)
const Y = require('yjs')
const MAPS = ['canvas', 'jam', 'film', 'meta', 'style', 'comments']
const ARRAYS = ['chat']

const opened = (clientID) => {
  const doc = new Y.Doc()
  if (clientID !== undefined) doc.clientID = clientID
  doc.getText('story')
  MAPS.forEach((name) => doc.getMap(name))
  ARRAYS.forEach((name) => doc.getArray(name))
  return doc
}
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))
const base64 = (data) => Buffer.from(data).toString('base64')
const seen = (doc) => {
  const found = { text: doc.getText('story').toString(), delta: doc.getText('story').toDelta() }
  MAPS.forEach((name) => { found[name] = doc.getMap(name).toJSON() })
  ARRAYS.forEach((name) => { found[name] = doc.getArray(name).toJSON() })
  found.pending = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  return found
}
// Yjs deletes marks that have become superfluous after it applied an update, and tells that as an edit of its own.
// Without that, what it shows is what it was told.
const grown = (updates, tidies) => {
  const doc = opened()
  if (!tidies) {
    doc.on('beforeTransaction', (transaction) => {
      Object.defineProperty(transaction, '_needFormattingCleanup', { get: () => false, set: () => {} })
    })
  }
  updates.forEach((update) => Y.applyUpdate(doc, bytes(update)))
  return doc
}

// An honest client: its edits must all be taken.
let honest = opened()
const dice = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const WORDS = ['a', 'слово ', 'two words', '😀', 'e\u0301', '\n', '字']
const edit = (seed) => {
  const chance = dice(seed)
  const below = (count) => Math.floor(chance() * count)
  const one = (some) => some[below(some.length)]
  const text = honest.getText('story')
  const boundary = () => {
    let at = below(text.length + 1)
    const plain = text.toDelta().map((piece) => (typeof piece.insert === 'string' ? piece.insert : '\u001a')).join('')
    if (at > 0 && /[\ud800-\udbff]/.test(plain[at - 1])) at -= 1
    return at
  }
  const before = Y.encodeStateVector(honest)
  let told
  const listen = (update) => { told = update }
  honest.on('update', listen)
  honest.transact(() => {
    for (let left = 1 + below(4); left > 0; left--) {
      const at = boundary()
      const end = Math.max(at, boundary())
      switch (below(8)) {
        case 0: case 1: case 2: text.insert(at, one(WORDS), one([undefined, {}, { bold: true }, { ai: 'r1' }])); break
        case 3: if (end > at) text.delete(at, end - at); break
        case 4: if (end > at) text.format(at, end - at, one([{ bold: true }, { bold: null }, { header: 1 }])); break
        case 5: text.insertEmbed(at, { image: one(WORDS) }); break
        case 6: {
          const canvas = honest.getMap('canvas')
          const key = one(['o1', 'o2', 'o3'])
          const object = canvas.get(key)
          if (object instanceof Y.Map && below(4)) {
            const points = object.get('points')
            if (points instanceof Y.Array && below(2)) points.push([chance(), 1, 2])
            else object.set(one(['x', 'y', 'name']), one([1, 2.5, 'имя 😀', true, null]))
          } else if (below(4)) {
            const made = new Y.Map()
            canvas.set(key, made)
            made.set('type', 'stroke')
            made.set('points', Y.Array.from([1, 2, 0.5]))
          } else canvas.delete(key)
          break
        }
        default: honest.getMap('meta').set(one(['title', 'form']), one(['Название', 'x', { a: [1, 2] }]))
      }
    }
  })
  honest.off('update', listen)
  return told ? base64(told) : base64(Y.encodeStateAsUpdate(honest, before))
}

const answer = (asked) => {
  switch (asked.do) {
    case 'look': {
      const doc = grown(asked.updates, asked.tidies)
      return { seen: seen(doc), state: base64(Y.encodeStateAsUpdate(doc)) }
    }
    case 'begin': honest = opened(asked.client); return {}
    case 'hear': asked.updates.forEach((update) => Y.applyUpdate(honest, bytes(update))); return {}
    case 'edit': return { update: edit(asked.seed) }
  }
}
createInterface({ input: process.stdin }).on('line', (line) => {
  let said
  try {
    said = answer(JSON.parse(line))
  } catch (error) {
    said = { error: String(error.stack).slice(0, 600) }
  }
  process.stdout.write(JSON.stringify(said) + '\n')
})
