import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { diskTime } from './disk-time.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-disk-time-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('asks the disk anew each time, and never leaves a second file', async () => {
  const first = await diskTime(folder)
  utimesSync(join(folder, '.clock'), 1, 1)
  const times = await Promise.all([diskTime(folder), diskTime(folder)])
  for (const time of times) expect(time).toBeGreaterThanOrEqual(first)
  expect(readdirSync(folder)).toEqual(['.clock'])
})
