/** Everything that happens to a file of a flow, in order and in words: its own steps, and what the connections add. */
import type { Connection } from '../../contract/connections/index.ts'
import type { FlowDocument, FlowStep } from '../../contract/flow-document.ts'
import type { FlowStepText } from '../../contract/flows.ts'
import { opening, strengthened, type PgpSteps } from '../deliveries/pgp.ts'
import { asAppError } from '../kernel/errors.ts'
import type { Routes, Target } from '../partners/routes.ts'
import { protectStepOf, splitTarget } from './rules.ts'

export interface StepsDeps {
  readonly routes: Pick<Routes, 'target'>
  readonly pgp: Pick<PgpSteps, 'describe'>
}

export function stepsOf(document: FlowDocument, deps: StepsDeps): FlowStepText[] {
  const steps: readonly FlowStep[] = document.steps
  const own = steps.flatMap((step) => (isPgp(step) ? [] : [{ text: stepText(step), by: 'flow' as const, target: null }]))
  const protection = document.targets.flatMap((target) => pgpStep(document, target, deps))
  // Whatever the order in the document: a file is packed before it is protected, and opened before it is unpacked.
  return document.direction === 'outbound' ? [...own, ...protection] : [...protection, ...own]
}

const isPgp = ({ kind }: FlowStep): boolean => kind === 'protect' || kind === 'open'

export function asksForPgp({ steps }: FlowDocument): boolean {
  return steps.some(isPgp)
}

export function stepText(step: FlowStep): string {
  switch (step.kind) {
    case 'rename':
      return `named ${step.template}`
    case 'zip':
      return `${step.files === 'each' ? 'each' : 'all of a run together'} put into a ZIP file${step.template === undefined ? '' : ` named ${step.template}`}`
    case 'unzip':
      return `ZIP files (${step.patterns.join(', ')}) unpacked, at most ${step.maxFiles} files and ${step.maxMiB} MiB`
    case 'protect':
      return `at least ${{ sign: 'signed', encrypt: 'encrypted', 'sign-and-encrypt': 'signed and encrypted' }[step.with]} with OpenPGP`
    case 'open':
      return `decrypted with OpenPGP${step.requireSignature ? ', only if signed' : ''}`
  }
}

/** The connection as a flow uses it: its steps ask for more than was agreed, never for less. Rejects with `input.invalid` where OpenPGP has no place. */
export function asUsed(flow: FlowDocument, connection: Connection): Connection {
  if (flow.direction === 'outbound') {
    const step = protectStepOf(flow)
    return step === null ? connection : strengthened(connection, step.with)
  }
  const step = flow.steps.find(({ kind }) => kind === 'open')
  return step?.kind === 'open' ? opening(connection, step.requireSignature) : connection
}

function pgpStep(document: FlowDocument, target: string, { routes, pgp }: StepsDeps): FlowStepText[] {
  const { partner, connection } = splitTarget(target)
  const direction = document.direction
  try {
    const found = routes.target(partner, connection)
    const described = (changed: Target): string | null => pgp.describe({ partner, connection: changed.connection, tolerated: changed.tolerated }, direction)
    const agreed = described(found)
    const effective = described({ ...found, connection: asUsed(document, found.connection) })
    return effective === null ? [] : [{ text: `OpenPGP: ${effective}`, by: effective === agreed ? 'connection' : 'flow', target }]
  } catch (error) {
    return [{ text: asAppError(error).message, by: 'connection', target }]
  }
}
