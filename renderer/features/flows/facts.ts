/** What a flow does, in facts. Pure. */
import type { FlowDocument } from '../../../shared/contract/flow-document.ts'
import type { FlowDetail } from '../../../shared/contract/flows.ts'

type Rows = readonly (readonly [label: string, value: string | null])[]

const KEYS = { 'name-content': 'the same name and content', content: 'the same content', name: 'the same name', 'name-size-time': 'the same name, size and time' } as const
const MISSED = { once: 'one run makes up for them', skip: 'they are skipped', ask: 'you are asked' } as const
const TOLD = { trouble: 'when it fails and when it works again', always: 'after each run that did something', never: 'never' } as const

export function factsOf({ document, steps }: Pick<FlowDetail, 'document' | 'steps'>): Rows {
  const { trigger, catchUp, retry, keepDays } = document
  return [
    ...(document.direction === 'outbound' ? outboundFacts(document) : []),
    ...steps.map(({ text, by, target }, index): Rows[number] => [`Step ${index + 1}`, `${target === null ? '' : `${target}: `}${text}${by === 'connection' ? ', by the connection’s setting' : ''}`]),
    ['Missed times', trigger.kind === 'schedule' ? `${MISSED[catchUp.missed]}${catchUp.missed === 'skip' ? '' : `, up to ${minutesText(catchUp.cutoffMinutes)} later`}` : null],
    ['Tried for', retry.windowMinutes === undefined ? 'as long as usual for the protocol' : minutesText(retry.windowMinutes)],
    ['Nothing found', document.nothingFound === 'attention' ? 'somebody is told' : null],
    ['Somebody is told', TOLD[document.notify]],
    ['Content kept here', keepDays === undefined ? null : `${keepDays} days, the records for ever`],
    ['Notes', document.notes ?? null],
  ]
}

function outboundFacts(document: Extract<FlowDocument, { direction: 'outbound' }>): Rows {
  const { source, selection, duplicates, afterwards, moveTo, limits, keepSentDays } = document
  return [
    ['Files from', source.kind === 'folder' ? source.folder : `the Inbox of ${source.partner}`],
    ['Files like', `${selection.patterns.join(', ')}${selection.except.length === 0 ? '' : `, but not ${selection.except.join(', ')}`}`],
    ['Complete when', selection.stableSeconds === 0 ? 'they stand there' : `unchanged for ${selection.stableSeconds} s`],
    ['A duplicate has', `${KEYS[duplicates.key]}${duplicates.windowDays === undefined ? '' : ` within ${duplicates.windowDays} days`}${duplicates.emptyFiles === 'send' ? '; empty files always go' : ''}`],
    ['Afterwards', afterwards === 'move' ? `moved to ${moveTo ?? 'the folder Sent inside the source'}${keepSentDays === undefined ? '' : `, deleted there after ${keepSentDays} days`}` : afterwards === 'delete' ? 'deleted here' : 'left where it is'],
    ['Files a run', String(limits.files)],
  ]
}

/** `90` → `1.5 hours`. */
export function minutesText(minutes: number): string {
  if (minutes < 60) return `${minutes} min`
  if (minutes < 2880) return `${Number((minutes / 60).toFixed(1))} ${minutes === 60 ? 'hour' : 'hours'}`
  return `${Number((minutes / 1440).toFixed(1))} days`
}
