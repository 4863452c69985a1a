import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import type { Clock } from '../kernel/clock.ts'
import type { EventBus } from '../kernel/events.ts'
import type { Logger } from '../kernel/logger.ts'
import type { PracticePort } from '../practice/port.ts'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { SelfTest } from '../workspace/doctor.ts'
import type { Workspace } from '../workspace/open-workspace.ts'

/** The domains that need an open workspace. */
export type OpenDomains = Omit<WaybillHandlers<CallContext>, 'workspace'>

/** What the graph of an open workspace is built from. */
export interface GraphOptions {
  readonly workspace: Workspace
  readonly clock: Clock
  readonly random: () => number
  /** Announces, and lets the posture listen. */
  readonly publisher: EventBus
  readonly logger: Logger
  readonly resolveFile: ResolveFile
  readonly practice: PracticePort
  readonly version: string
  /** When the program was built; left out in development. */
  readonly builtAt?: string | null
  /** Left out in tests: nothing is known of the surroundings. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Known-answer tests of the primitives; left out in tests. */
  readonly selfTests?: readonly SelfTest[]
}
