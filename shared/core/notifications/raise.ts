/** Writes down what a person should hear, in the transaction of what it tells of: what happened is never untold. */
import type { Notification } from '../../contract/deliveries.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import type { Publisher } from '../kernel/events.ts'
import { newId } from '../kernel/ids.ts'
import type { Database } from '../store/database.ts'

export type RaiseNotice = (notice: Pick<Notification, 'severity' | 'title' | 'body' | 'subject'>) => void

export function noticeRaiser({ database, publisher, clock }: { readonly database: Database; readonly publisher: Publisher; readonly clock: Clock }): RaiseNotice {
  return ({ severity, title, body, subject }) => {
    const now = clock.now()
    const notice: Notification = { id: newId('ntf', now), at: timestamp(now), severity, title, body, subject }
    database
      .prepare('INSERT INTO notices (id, at, severity, title, body, subject) VALUES (@id, @at, @severity, @title, @body, @subject)')
      .run({ ...notice, subject: subject === null ? null : JSON.stringify(subject) })
    database.afterCommit(() => publisher.publish('notifications.raised', notice))
  }
}
