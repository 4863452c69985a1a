/** What a person hears of a flow's runs. Single deliveries are told by the ledger. No file names: it may stand on a lock screen. Pure. */
import type { Notification } from '../../contract/deliveries.ts'
import { textOf, type WireError } from '../../contract/errors/index.ts'
import type { FlowDocument } from '../../contract/flow-document.ts'
import type { FlowRun, RunOutcome } from '../../contract/flows.ts'

type Notice = Pick<Notification, 'severity' | 'title' | 'body' | 'subject'>

/** Trouble of the run itself: a folder that cannot be read, a partner that refuses the sign-in. */
function runTrouble(outcome: RunOutcome, errors: readonly WireError[]): boolean {
  return errors.length > 0 && ['failed', 'refused', 'partly', 'attention'].includes(outcome)
}

/** Null when nobody needs to hear of it. `before`: the run before this one, if there was one. */
export function runNotice(flow: FlowDocument, run: Pick<FlowRun, 'outcome' | 'counts'>, errors: readonly WireError[], before: Pick<FlowRun, 'outcome' | 'error'> | null): Notice | null {
  if (flow.notify === 'never') return null
  const subject = { kind: 'flow', id: flow.id } as const
  const { outcome, counts } = run
  const [first] = errors
  if (first !== undefined && runTrouble(outcome, errors)) return { severity: 'attention', title: 'A flow did not work', body: `${flow.name}: ${textOf(first).title}.`, subject }
  if (outcome === 'nothing' && flow.nothingFound === 'attention') return { severity: 'attention', title: 'A flow found nothing', body: `${flow.name} found no file.`, subject }
  const well = outcome === 'delivered' || outcome === 'nothing'
  if (well && before !== null && before.error !== null && runTrouble(before.outcome, [before.error])) return { severity: 'info', title: 'A flow works again', body: `${flow.name} ran without trouble.`, subject }
  if (flow.notify === 'always' && well && counts.delivered > 0) return { severity: 'info', title: 'A flow has run', body: `${flow.name}: ${counts.delivered} ${counts.delivered === 1 ? 'file' : 'files'} ${flow.direction === 'outbound' ? 'delivered' : 'received'}.`, subject }
  return null
}
