// The stock npm provider (`yjs` + `y-websocket`), driven by JSON lines on stdin; answers JSON lines on stdout.
// argv: folder of node_modules, server address, room, name, subprotocols.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const [, , folder, server, room, name, ...protocols] = process.argv
const require = createRequire(`${folder}/`)
const Y = require('yjs')
const { WebsocketProvider } = require('y-websocket')
const { WebSocket } = require('ws')

const doc = new Y.Doc()
const text = doc.getText('story')
const canvas = doc.getMap('canvas')
const provider = new WebsocketProvider(server, room, doc, {
  params: { name },
  protocols,
  WebSocketPolyfill: WebSocket,
  disableBc: true
})
provider.awareness.setLocalStateField('user', { name, color: '#123456' })
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
provider.on('sync', (synced) => synced && say({ event: 'synced' }))

const commands = {
  insert: ({ at, value, attributes }) => text.insert(Math.min(at, text.length), value, attributes),
  delete: ({ at, length }) => {
    const start = Math.min(at, text.length)
    text.delete(start, Math.min(length, text.length - start))
  },
  draw: ({ key, fields }) => {
    const values = Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? Y.Array.from(value) : value
    ])
    canvas.set(key, new Y.Map(values))
  },
  change: ({ key, fields }) =>
    doc.transact(() => Object.entries(fields).forEach(([name, value]) => canvas.get(key).set(name, value))),
  extend: ({ key, points }) => canvas.get(key).get('points').push(points),
  erase: ({ key }) => canvas.delete(key),
  disconnect: () => provider.disconnect(),
  connect: () => provider.connect(),
  cursor: ({ at }) => {
    const place = JSON.parse(JSON.stringify(Y.createRelativePositionFromTypeIndex(text, at)))
    provider.awareness.setLocalStateField('cursor', { anchor: place, head: place })
  },
  read: () =>
    say({
      event: 'read',
      text: text.toString(),
      delta: text.toDelta(),
      canvas: canvas.toJSON(),
      users: [...provider.awareness.getStates().values()].map((state) => state.user?.name ?? null)
    })
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  commands[command.do](command)
}
provider.destroy()
process.exit(0)
