import { describe, expect, it } from 'vitest'
import { FlowDocument, type OutboundFlow } from '../../contract/flow-document.ts'
import { alreadyHandled, circleOf, duplicateKey, judgeRun, namesThere, repeatReason, scheduleText, unknownPlaceholders } from './rules.ts'
import { Schedule } from '../../contract/schedules.ts'

const flow = (more: object = {}): OutboundFlow => FlowDocument.parse({ direction: 'outbound', id: 'orders', name: 'Orders', source: { kind: 'folder', folder: '/out' }, targets: ['acme'], ...more }) as OutboundFlow
const file = { path: '/out/a.edi', name: 'a.edi', size: 3, modified: 1000 }
const facts = { now: Date.parse('2026-11-25T08:30:05Z'), partner: 'acme' }

describe('names at the partner', () => {
  it.each([
    [[], undefined],
    [['{stem}_{date}_{time}{ext}'], 'a_20261125_083005.edi'],
    [['{flow}-{partner}-{name}', '{stem}.txt'], 'orders-acme-a.txt'],
  ])('%j', (templates, expected) => {
    expect(namesThere(flow({ steps: templates.map((template) => ({ kind: 'rename', template })) }), 'a.edi', facts)).toEqual({ inside: null, name: 'a.edi', as: expected, addEnding: false })
  })
  it('treats a name without an ending, and finds placeholders that mean nothing', () => {
    expect(namesThere(flow({ steps: [{ kind: 'rename', template: '{stem}{ext}.x' }] }), '.hidden', facts).as).toBe('.hidden.x')
    expect(unknownPlaceholders({ kind: 'rename', template: '{stem}_{datum}{ext}' })).toEqual(['{datum}'])
    expect(unknownPlaceholders({ kind: 'zip', files: 'together', template: '{stem}_{date}.zip' })).toEqual(['{stem}'])
    expect(unknownPlaceholders({ kind: 'zip', files: 'each' })).toEqual([])
  })
  it.each([
    [[{ kind: 'zip' }], { inside: 'a.edi', name: 'a.edi.zip', as: undefined, addEnding: false }],
    [[{ kind: 'zip', template: '{stem}.zip' }, { kind: 'protect' }], { inside: 'a.edi', name: 'a.zip', as: undefined, addEnding: true }],
    [[{ kind: 'rename', template: '{stem}_{date}{ext}' }, { kind: 'zip' }, { kind: 'rename', template: 'x_{name}' }, { kind: 'protect' }], { inside: 'a_20261125.edi', name: 'a_20261125.edi.zip', as: 'x_a_20261125.edi.zip', addEnding: true }],
    [[{ kind: 'protect' }, { kind: 'rename', template: '{stem}.asc' }], { inside: null, name: 'a.edi', as: 'a.asc', addEnding: false }],
    [[{ kind: 'zip', files: 'together' }], { inside: 'a.edi', name: 'orders_20261125_083005.zip', as: undefined, addEnding: false }],
  ])('steps in their order: %j', (steps, expected) => {
    expect(namesThere(flow({ steps }), 'a.edi', facts)).toEqual(expected)
  })
  it.each([
    ['packed after it is protected', 'outbound', [{ kind: 'protect' }, { kind: 'zip' }]],
    ['packed twice', 'outbound', [{ kind: 'zip' }, { kind: 'zip' }]],
    ['opened after it is unpacked', 'inbound', [{ kind: 'unzip' }, { kind: 'open' }]],
    ['unpacked on the way out', 'outbound', [{ kind: 'unzip' }]],
  ])('refuses what is %s', (_, direction, steps) => {
    expect(FlowDocument.safeParse({ direction, id: 'orders', name: 'Orders', ...(direction === 'outbound' ? { source: { kind: 'folder', folder: '/out' } } : {}), targets: ['acme'], steps }).success).toBe(false)
  })
})

describe('the rule for duplicates', () => {
  it.each([
    ['content', 'hash'],
    ['name', 'a.edi'],
    ['name-content', 'a.edi\nhash'],
    ['name-size-time', 'a.edi\n3\n1000'],
  ])('%s', (key, expected) => expect(duplicateKey(flow({ duplicates: { key } }).duplicates, file, 'hash')).toBe(expected))

  it('gives the ledger a reason exactly where it permits a repeat', () => {
    expect(repeatReason(flow(), file, 'acme')).toBeUndefined()
    expect(repeatReason(flow({ duplicates: { emptyFiles: 'send' } }), file, 'acme')).toBeUndefined()
    expect(repeatReason(flow({ duplicates: { emptyFiles: 'send' } }), { ...file, size: 0 }, 'acme')).toContain('empty')
    expect(repeatReason(flow({ duplicates: { key: 'name-size-time' } }), file, 'acme')).toContain('time')
    expect(repeatReason(flow({ duplicates: { windowDays: 7 } }), file, 'acme')).toContain('7 days')
    expect(repeatReason(flow({ targets: ['acme/sftp', 'acme/share'] }), file, 'acme/sftp')).toContain('several connections')
    expect(repeatReason(flow({ targets: ['acme', 'other'] }), file, 'acme')).toBeUndefined()
  })

  const transient = { code: 'net.connection_lost', message: '' }
  const trust = { code: 'sftp.host_key_changed', message: '' }
  it.each([
    ['delivered', null, false, 'duplicate'],
    ['delivered', null, true, 'duplicate'],
    ['unknown', null, true, 'unknown'],
    ['waiting', transient, false, 'under-way'],
    ['waiting', transient, true, 'again'],
    ['failed', trust, false, 'needs-person'],
    ['failed', trust, true, 'again'],
    ['cancelled', null, false, 'needs-person'],
    ['sending', null, true, 'under-way'],
  ] as const)('a file whose delivery is %s (%j), by a person: %s', (state, error, byPerson, expected) => expect(alreadyHandled({ state, error }, byPerson)).toBe(expected))
})

describe('what a run came to', () => {
  const report = { found: 2, skipped: 0, errors: [] }
  const refused = [{ code: 'partner.suspended', message: '' }]
  it.each([
    [report, ['delivered', 'delivered'], 'delivered'],
    [report, ['delivered', 'failed'], 'partly'],
    [report, ['delivered', 'waiting'], 'retrying'],
    [report, ['unknown', 'waiting'], 'attention'],
    [report, ['failed'], 'failed'],
    [{ ...report, errors: refused }, [], 'refused'],
    [{ ...report, errors: refused }, ['failed'], 'failed'],
    [{ ...report, found: 0 }, [], 'nothing'],
  ] as const)('%j with %j is %s', (given, states, expected) => expect(judgeRun(given, states.map((state) => ({ state }))).outcome).toBe(expected))
})

it('finds flows that start each other for ever', () => {
  expect(circleOf('a', new Map([['a', 'b'], ['b', 'c'], ['c', 'a']]))).toEqual(['a', 'c', 'b', 'a'])
  expect(circleOf('a', new Map([['a', 'b'], ['b', 'c']]))).toBeNull()
  expect(circleOf('a', new Map([['a', 'b'], ['b', 'c'], ['c', 'b']]))).toBeNull()
})

it.each([
  [{ kind: 'every', minutes: 15, from: '08:00', until: '18:00', days: ['fri', 'mon', 'tue', 'wed', 'thu'], zone: 'UTC' }, 'every 15 minutes from 08:00 to 18:00, Mon to Fri, UTC'],
  [{ kind: 'at', times: ['08:00', '12:00'], days: ['mon', 'wed'], zone: 'UTC' }, 'Mon, Wed at 08:00, 12:00, UTC'],
  [{ kind: 'monthly', on: 'last-workday', times: ['17:00'], zone: 'UTC' }, 'last working day of each month at 17:00, UTC'],
])('says %j in words', (schedule, text) => expect(scheduleText(Schedule.parse(schedule))).toBe(text))
