/** Speaks to a running `serve` as the command line does, without the start of a process for each call. */
import { createClient } from '../../shared/client/create-client.ts'
import { contract, type WaybillClient } from '../../shared/contract/index.ts'
import { readLease } from '../../shared/core/workspace/lease.ts'
import { connectSocket } from '../../shared/hosts/socket/client.ts'

export type ServiceClient = WaybillClient & { close(): void }

/** Call `close` when done. Calls reject when the service ends. */
export async function clientOf(workspace: string): Promise<ServiceClient> {
  const owner = await readLease(workspace)
  if (owner?.socketPath === undefined || owner.token === undefined) throw new Error(`nobody serves ${workspace}`)
  const transport = await connectSocket({ socketPath: owner.socketPath, token: owner.token, actorKind: 'cli' })
  return { ...createClient(contract, transport), close: () => transport.close() }
}
