import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lookIntoFolder } from './folder-look.ts'

const ALL = { patterns: ['*'], except: [] }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-look-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('tells folders, and how many files a flow would find', async () => {
  for (const name of ['b', 'a', '.hidden']) mkdirSync(join(folder, name))
  for (const name of ['1.edi', '2.EDI', 'old.edi', 'notes.txt', 'half.edi.part', '.secret.edi']) writeFileSync(join(folder, name), 'x')
  expect(await lookIntoFolder(`${folder}/`, { patterns: ['*.edi'], except: ['old*'] })).toEqual({ path: expect.stringContaining(folder) as string, parent: dirname(folder), folders: [join(folder, 'a'), join(folder, 'b')], files: 5, matching: 2, more: false, problem: null })
})

it('says what is wrong instead of failing', async () => {
  writeFileSync(join(folder, 'file'), '')
  expect((await lookIntoFolder(join(folder, 'nowhere'), ALL)).problem).toBe('There is no such folder.')
  expect((await lookIntoFolder(join(folder, 'file'), ALL)).problem).toBe('This is a file and no folder.')
  expect((await lookIntoFolder('Outbox', ALL)).problem).toBe('Write the full path.')
  expect(await lookIntoFolder('/', ALL)).toMatchObject({ parent: null, problem: null })
  expect((await lookIntoFolder('', ALL)).path).toBe(homedir())
})
