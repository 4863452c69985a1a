import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../core/kernel/clock.ts'
import { createCapabilityStore } from '../capabilities.ts'
import { createUploads, type UploadOptions } from './uploads.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-uploads-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const uploadsWith = (options: Partial<UploadOptions>) => createUploads({ folder, capabilities: createCapabilityStore({ clock: systemClock }), ...options })

function body(stream: Readable, headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(stream, { headers }) as unknown as IncomingMessage
}

it('stops a body that grows over the room on the disk, and leaves nothing', async () => {
  const uploads = uploadsWith({ room: async () => 1000 })
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(300)
    })(),
  )
  await expect(uploads.receive(body(endless), 'a')).rejects.toMatchObject({ code: 'workspace.disk_full' })
  expect(readdirSync(folder)).toEqual([])
})

it('gives up on a window that stops sending', async () => {
  const uploads = uploadsWith({ idleMs: 20 })
  const stalled = new PassThrough()
  stalled.write('some')
  await expect(uploads.receive(body(stalled), 'a')).rejects.toMatchObject({ code: 'call.timed_out' })
  expect(readdirSync(folder)).toEqual([])
})

it('refuses a body that is shorter than it said', async () => {
  await expect(uploadsWith({}).receive(body(Readable.from([Buffer.from('abc')]), { 'content-length': '10' }), 'a')).rejects.toMatchObject({ code: 'call.disconnected' })
  expect(readdirSync(folder)).toEqual([])
})

it('takes only so many at once', async () => {
  const uploads = uploadsWith({})
  const open = Array.from({ length: 8 }, () => new PassThrough())
  const running = open.map((stream) => uploads.receive(body(stream), 'a'))
  await expect(uploads.receive(body(Readable.from([])), 'b')).rejects.toMatchObject({ code: 'call.too_many' })
  for (const stream of open) stream.end('x')
  await Promise.all(running)
  await expect(uploads.receive(body(Readable.from(['x'])), 'c')).resolves.toMatchObject({ size: 1 })
  await uploads.clear()
  expect(readdirSync(folder)).toEqual([])
})
