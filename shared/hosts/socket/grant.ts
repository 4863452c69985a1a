/** Exchanges a path that the desktop shell was told by the system for a capability that the page may hold. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename, isAbsolute } from 'node:path'
import { z } from 'zod'
import type { GrantedFile } from '../../client/ipc.ts'
import { issuesText, parseInput } from '../../contract/issues.ts'
import { AppError } from '../../core/kernel/errors.ts'
import type { CapabilityStore } from '../capabilities.ts'

const GrantRequest = z.strictObject({ path: z.string().min(1).max(4096) })

/** Rejects with `input.unreadable` unless the path is an ordinary file that we may read. */
export async function grantFile(body: unknown, capabilities: CapabilityStore): Promise<GrantedFile> {
  const parsed = parseInput(GrantRequest, body)
  if (!parsed.ok) throw new AppError('input.invalid', issuesText(parsed.issues))
  const { path } = parsed.value
  if (!isAbsolute(path) || path.includes('\0')) throw new AppError('input.invalid', 'path: must be absolute')
  const name = basename(path)
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isFile()) throw new AppError('input.unreadable', `${name} is not there or is not an ordinary file.`)
  await access(path, constants.R_OK).catch(() => {
    throw new AppError('input.unreadable', `${name} may not be read by this user.`)
  })
  return { capability: capabilities.grant({ path, name, size: found.size, spooled: false }), name, size: found.size }
}
