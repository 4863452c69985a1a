/** Files that a person names instead of those that stand in the source. */
import { stat } from 'node:fs/promises'
import type { ResolvedFile } from '../kernel/call-context.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import type { NamedFiles } from './choice.ts'
import type { StoredFlow } from './repository.ts'
import type { StandingFile } from './rules.ts'

/** Rejects with `input.invalid` or `delivery.source_unreadable`. */
export async function namedFiles({ document }: StoredFlow, named: readonly ResolvedFile[], target: string | undefined): Promise<NamedFiles> {
  if (document.direction !== 'outbound') throw new AppError('input.invalid', `${document.id} brings files from partners; it sends none`)
  const targets = target === undefined ? document.targets : document.targets.filter((one) => one === target || one.startsWith(`${target}/`) || target.startsWith(`${one}/`))
  if (targets.length === 0) throw new AppError('input.invalid', `${document.id} does not send to ${target ?? ''}`)
  const files: StandingFile[] = []
  for (const { path, name } of named) {
    const found = await stat(path).catch((error: unknown) => {
      throw new AppError('delivery.source_unreadable', `${name} cannot be read (${systemCode(error) ?? 'unknown'})`, { cause: error })
    })
    files.push({ path, name, size: found.size, modified: Math.floor(found.mtimeMs) })
  }
  return { files, targets }
}
