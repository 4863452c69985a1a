/** What becomes of a moved file whose time is over. */
import { mkdtempSync, rmSync, statSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forgetSent } from './source-folder.ts'

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
