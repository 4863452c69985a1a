import { InvalidArgumentError } from 'commander'
import { AppError } from '../../core/kernel/errors.ts'
import type { CommandContext } from './command.ts'
import type { Exit } from './exit-codes.ts'

/** Wraps an action: opens or joins the workspace, passes commander's arguments, and turns the outcome into the exit code. */
export type Register = <Arguments extends unknown[]>(
  action: (context: CommandContext, ...args: Arguments) => Promise<Exit | void>,
) => (...args: Arguments) => Promise<void>

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError('give a whole number from 1 to 1000')
  return value
}

/** Every list takes it. */
export const limitOption = ['--limit <n>', 'at most this many rows', wholeNumber, 100] as const

/** Values of an option that may be given several times, or with commas. */
export function splitList(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').filter((part) => part !== '')]
}

/** `partner` or `partner/connection`. */
export function splitTarget(text: string): { partner: string; connection?: string } {
  const [partner = '', connection, ...rest] = text.split('/')
  if (partner === '' || connection === '' || rest.length > 0) throw new AppError('input.invalid', `${text}: write PARTNER or PARTNER/CONNECTION`)
  return connection === undefined ? { partner } : { partner, connection }
}

/** A point in time given as ISO-8601 (a date alone means its start, UTC). */
export function timeOption(text: string): string {
  const value = new Date(text)
  if (Number.isNaN(value.getTime())) throw new InvalidArgumentError('write a time as 2026-11-24T09:30:00Z or a date as 2026-11-24')
  return value.toISOString()
}
