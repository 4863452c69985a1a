import { describe, expect, it } from 'vitest'
import { FlowDocument } from '../../../../shared/contract/flow-document.ts'
import { documentOfFlow, draftOfFlow, emptyFlow, newStep, STEPS } from './flow-draft.ts'
import { problemsIn } from './problems.ts'
import { draftOfSchedule, newSchedule, scheduleOf, timesIn } from './schedule-draft.ts'
import { Schedule } from '../../../../shared/contract/schedules.ts'

const calendar = { file: '/home/mia/holidays.txt', weekend: ['sun'], onHoliday: 'before' }
const SCHEDULES = [
  { kind: 'at', times: ['08:00', '16:30'], days: ['mon', 'fri'], zone: 'Europe/Berlin' },
  { kind: 'every', minutes: 15, from: '08:00', until: '18:00', zone: 'UTC', calendar },
  { kind: 'monthly', on: 'last-workday', times: ['23:00'], zone: 'America/New_York' },
  { kind: 'monthly', on: 31, times: ['23:00'], zone: 'UTC' },
  { kind: 'cron', expression: '*/15 8-18 * * 1-5', zone: 'UTC' },
]

describe('the schedule editor', () => {
  it.each(SCHEDULES.map((schedule) => [schedule.kind, schedule]))('gives %s back as it was', (_, schedule) => {
    const parsed = Schedule.parse(schedule)
    expect(Schedule.parse(scheduleOf(draftOfSchedule(parsed)))).toEqual(parsed)
  })
  it('understands times as people write them, and hands on what is none', () => expect(timesIn('8:00, 16.30;9 23:59')).toEqual(['08:00', '16:30', '9', '23:59']))
  it('means every day when all are chosen', () => expect(scheduleOf(newSchedule('UTC'))).toEqual({ kind: 'at', times: ['08:00'], zone: 'UTC' }))
})

describe('the flow form', () => {
  const outbound = {
    direction: 'outbound', id: 'orders', name: 'Orders', notes: 'call Ms Ito', source: { kind: 'inbox', partner: 'acme' }, selection: { patterns: ['*.edi', '*.txt'], except: ['old*'], stableSeconds: 0 },
    steps: [{ kind: 'rename', template: '{stem}_{date}{ext}' }, { kind: 'zip', files: 'together', template: '{flow}.zip' }, { kind: 'protect', with: 'encrypt' }], keepDays: 120, targets: ['acme/sftp', 'beta'], trigger: { kind: 'schedule', schedule: SCHEDULES[0] }, afterwards: 'move', moveTo: '/home/mia/done', keepSentDays: 30,
    duplicates: { key: 'content', windowDays: 7, emptyFiles: 'send' }, limits: { files: 5 }, catchUp: { missed: 'ask', cutoffMinutes: 60 }, retry: { windowMinutes: 90 }, nothingFound: 'attention', notify: 'always',
  }
  it.each([
    ['everything that a flow to partners may hold', outbound],
    ['a flow from partners', { direction: 'inbound', id: 'collect', name: 'Collect', targets: ['acme'], steps: [{ kind: 'open', requireSignature: false }, { kind: 'unzip', patterns: ['*.zip', '*.z'], maxFiles: 5 }], trigger: { kind: 'after', flow: 'orders', when: 'always' } }],
    ['one by hand', { direction: 'inbound', id: 'collect', name: 'Collect', targets: ['acme'] }],
  ])('gives %s back as it was', (_, document) => {
    const parsed = FlowDocument.parse(document)
    expect(FlowDocument.parse(documentOfFlow(draftOfFlow(parsed, 'UTC')))).toEqual(parsed)
  })
  it('sends nothing for the core to stumble over but what a person left open', () => {
    const parsed = FlowDocument.safeParse(documentOfFlow({ ...emptyFlow('UTC'), steps: { outbound: STEPS.outbound.filter(({ kind }) => kind === 'rename').map(newStep), inbound: [] } }))
    expect(parsed.error?.issues.map(({ path }) => path.join('.')).toSorted()).toEqual(['id', 'name', 'source.folder', 'steps.0.template', 'targets'])
  })
})

describe('what the core found wrong', () => {
  it('stands at its field, also where only the message names it', () => {
    expect(problemsIn({ message: 'targets.0: there is no partner x', details: { 'targets.0': 'there is no partner x' } }).at('targets[0]')).toBe('there is no partner x')
    expect(problemsIn({ message: 'webhook.secret: at least 16 characters' }).at('webhook.secret')).toBe('at least 16 characters')
    expect(problemsIn(undefined).below('targets')).toBe(false)
  })
})
