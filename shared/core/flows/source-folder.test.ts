/** What becomes of a file that arrived, and of a moved one whose time is over. */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forgetSent, putAway } from './source-folder.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-sent-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('is deleted once, and never when somebody made another file of it', async () => {
  const path = join(folder, 'a.edi')
  writeFileSync(path, 'ORDER')
  const { size, mtimeMs } = statSync(path)
  const file = { path: '/source/a.edi', name: 'a.edi', size, modified: Math.floor(mtimeMs) }
  expect(await forgetSent({ ...file, size: size + 1 }, path)).toBe('changed')
  expect(await forgetSent({ ...file, modified: file.modified + 1 }, path)).toBe('changed')
  expect(await forgetSent(file, folder)).toBe('changed')
  expect(existsSync(path)).toBe(true)
  expect([await forgetSent(file, path), await forgetSent(file, path), existsSync(path)]).toEqual(['expired', 'gone', false])
})

it('is moved once when the process was killed between its new name and its old one', async () => {
  const [from, sent] = [join(folder, 'b.edi'), join(folder, 'Sent')]
  mkdirSync(sent)
  writeFileSync(from, 'ORDER')
  linkSync(from, join(sent, 'b.edi'))
  const { size, mtimeMs } = statSync(from)
  const file = { path: from, name: 'b.edi', size, modified: Math.floor(mtimeMs) }
  expect(await putAway(file, 'move', sent)).toBe(`moved: ${join(sent, 'b.edi')}`)
  expect([existsSync(from), readdirSync(sent)]).toEqual([false, ['b.edi']])
  // Another file of that name keeps its own.
  writeFileSync(from, 'ORDER')
  const again = statSync(from)
  expect(await putAway({ ...file, modified: Math.floor(again.mtimeMs) }, 'move', sent)).toBe(`moved: ${join(sent, 'b (2).edi')}`)
})
