import type { WaybillHandlers } from '../../contract/index.ts'
import type { CallContext, ResolveFile } from '../kernel/call-context.ts'
import type { EvidenceService } from './service.ts'
import { verifyEvidence } from './verify.ts'

export function evidenceHandlers(service: EvidenceService, resolveFile: ResolveFile): WaybillHandlers<CallContext>['evidence'] {
  return {
    export: async (request, { actor, signal }) => await service.export(request, actor, signal),
    verify: async ({ file }) => await verifyEvidence(resolveFile(file).path),
  }
}
