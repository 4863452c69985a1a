import type { InboundStep } from '../../contract/flow-document.ts'
import type { Routes } from '../partners/routes.ts'
import type { FlowRepository } from './repository.ts'
import { splitTarget } from './rules.ts'

/**
 * What happens to everything that is collected at a connection, also by hand: the steps of the flow that collects there. Asked when
 * a file is released, so that a held one follows the steps as they have been mended since.
 */
export function createInboundSteps({ repository, routes }: { readonly repository: FlowRepository; readonly routes: Pick<Routes, 'target'> }): (partner: string, connection: string) => readonly InboundStep[] {
  let known: { readonly version: number; readonly all: readonly { readonly partner: string; readonly connection: string | undefined; readonly steps: readonly InboundStep[] }[] } | null = null
  const all = () => {
    const version = repository.version()
    if (known?.version !== version)
      known = { version, all: repository.inbound().flatMap(({ document }) => (document.direction === 'inbound' && document.steps.length > 0 ? document.targets.map((target) => ({ ...splitTarget(target), steps: document.steps })) : [])) }
    return known.all
  }
  return (partner, connection) => all().find((one) => one.partner === partner && (one.connection ?? routes.target(partner, undefined).connection.id) === connection)?.steps ?? []
}
