import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { choosePath, giveName, writeHidden } from './inbox.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-inbox-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const inbox = (): string => join(folder, 'Inbox')
async function* once(text: string): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text))
}

describe('the Inbox', () => {
  it('shows a file only under its name, whole, and nothing else', async () => {
    await writeHidden(inbox(), 'dlv_1', once('content'))
    expect(readdirSync(inbox())).toEqual(['.dlv_1.part'])
    const path = await choosePath(inbox(), 'orders.edi', new Set())
    expect(await giveName(path, 'dlv_1')).toBe(true)
    expect(readdirSync(inbox())).toEqual(['orders.edi'])
    expect(readFileSync(path, 'utf8')).toBe('content')
  })

  it('never overwrites: numbers, keeps clear of names that are about to be taken, and refuses one taken in the last moment', async () => {
    await writeHidden(inbox(), 'dlv_1', once('ours'))
    writeFileSync(join(inbox(), 'orders.edi'), 'theirs')
    expect(await choosePath(inbox(), 'orders.edi', new Set([join(inbox(), 'orders (2).edi')]))).toBe(join(inbox(), 'orders (3).edi'))
    expect(await giveName(join(inbox(), 'orders.edi'), 'dlv_1')).toBe(false)
    expect([readFileSync(join(inbox(), 'orders.edi'), 'utf8'), existsSync(join(inbox(), '.dlv_1.part'))]).toEqual(['theirs', true])
  })

  it('ends a release that was cut off after the name was given, also when the file has been picked up since', async () => {
    mkdirSync(inbox())
    await writeHidden(inbox(), 'dlv_1', once('content'))
    const path = join(inbox(), 'orders.edi')
    linkSync(join(inbox(), '.dlv_1.part'), path)
    expect(await giveName(path, 'dlv_1')).toBe(true)
    expect(readdirSync(inbox())).toEqual(['orders.edi'])
    // The hidden file is gone: it was released, whatever has become of it.
    rmSync(path)
    expect(await giveName(path, 'dlv_1')).toBe(true)
    expect(readdirSync(inbox())).toEqual([])
  })

  it('says which folder could not be written', async () => {
    writeFileSync(inbox(), 'a file where a folder should be')
    await expect(writeHidden(inbox(), 'dlv_1', once('x'))).rejects.toMatchObject({ code: 'receive.inbox_failed', details: { folder: inbox() } })
  })
})
