import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FlowDocument } from '../../contract/flow-document.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { createFlowRepository } from './repository.ts'

const AT = '2026-11-26T05:00:00.000Z'
let folder: string
let database: Database

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-flows-'))
  database = openDatabase({ file: join(folder, 'waybill.db'), key: Buffer.alloc(32, 7) })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a damaged row', () => {
  it('of a flow or of a run hides no other', () => {
    const repository = createFlowRepository(database)
    for (const id of ['good', 'bad']) {
      const document = FlowDocument.parse({ direction: 'outbound', source: { kind: 'folder', folder }, id, name: id, targets: ['acme'], trigger: { kind: 'manual' } })
      repository.save(document, { at: AT, holidays: [], accountedUntil: 0, nextDueAt: null })
      for (const number of [1, 2]) {
        repository.startRun({ id: `run_${id}_${number}`, flow: id, trigger: 'manual', dueAt: null, at: AT })
        repository.endRun(`run_${id}_${number}`, 'nothing', { at: AT })
      }
    }
    database.prepare("UPDATE flows SET document = '{' WHERE id = 'bad'").run()
    database.prepare("UPDATE flow_runs SET report = '{' WHERE id = 'run_good_1'").run()
    expect(repository.list({ limit: 10 }).flows.map(({ id }) => id)).toEqual(['good'])
    expect(repository.runs({ limit: 10 }).map(({ run }) => run.id)).toEqual(['run_good_2', 'run_bad_2', 'run_bad_1'])
    expect(repository.runsIn(['nothing'], 10)).toHaveLength(3)
  })
})
