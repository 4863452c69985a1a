/** Gives handlers the file that a caller handed over. */
import { basename, isAbsolute } from 'node:path'
import type { ResolveFile } from '../core/kernel/call-context.ts'
import { AppError } from '../core/kernel/errors.ts'
import type { CapabilityStore } from './capabilities.ts'

/** Paths must be absolute: the core's working folder is not the caller's. Who may name paths was decided by the dispatcher. */
export function createResolveFile(capabilities: CapabilityStore): ResolveFile {
  return (source) => {
    if ('path' in source) {
      if (!isAbsolute(source.path) || source.path.includes('\0')) throw new AppError('input.invalid', 'path: must be absolute')
      return { path: source.path, name: basename(source.path) }
    }
    const file = capabilities.resolve(source.capability)
    if (file === null) throw new AppError('input.not_found', 'The file was handed over too long ago; choose it again.')
    return { path: file.path, name: file.name }
  }
}
