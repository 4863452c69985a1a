/** The file of holidays that a schedule names. */
import { readFile, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { Schedule } from '../../contract/schedules.ts'
import { AppError, asAppError, systemCode } from '../kernel/errors.ts'
import { parseHolidays } from './calendar.ts'

const MOST_CALENDAR_BYTES = 1024 * 1024

/** Its dates; none without a calendar. Rejects with `flow.calendar_unreadable`. */
export async function readHolidays(schedule: Schedule): Promise<string[]> {
  if (schedule.calendar === undefined) return []
  const { file } = schedule.calendar
  const refused = (problem: string, cause?: unknown): AppError => new AppError('flow.calendar_unreadable', `${file}: ${problem}`, { cause })
  if (!isAbsolute(file)) throw refused('write the full path')
  try {
    if ((await stat(file)).size > MOST_CALENDAR_BYTES) throw refused('it is larger than any list of holidays')
    const { dates, bad } = parseHolidays(await readFile(file, 'utf8'))
    if (bad.length > 0) throw refused(`not understood: ${bad.slice(0, 3).join(' · ')}`)
    if (dates.length === 0) throw refused('it names no day')
    return dates
  } catch (error) {
    throw error instanceof AppError ? error : refused(systemCode(error) ?? asAppError(error).message, error)
  }
}
