import { baseMigration } from './0001-base.ts'
import { ledgerMigration } from './0002-ledger.ts'
import { receivingMigration } from './0003-receiving.ts'
import { certificatesMigration } from './0004-certificates.ts'
import { as2Migration } from './0005-as2.ts'
import { trustWatchMigration } from './0006-trust-watch.ts'
import { protectionMigration } from './0007-protection.ts'
import { flowsMigration } from './0008-flows.ts'
import { rolloversMigration } from './0009-rollovers.ts'
import { postureMigration } from './0010-posture.ts'
import { notificationsMigration } from './0011-notifications.ts'
import { expectationsMigration } from './0012-expectations.ts'
import { rolloverRemindersMigration } from './0013-rollover-reminders.ts'
import { policyMigration } from './0014-policy.ts'
import { as2TogetherMigration } from './0015-as2-together.ts'
import { backgroundMigration } from './0016-background.ts'
import { largeMigration } from './0017-large.ts'
import { contentMigration } from './0018-content.ts'
import type { Migration } from './migration.ts'

export type { Migration } from './migration.ts'

/** In order; numbers have no gaps. */
export const MIGRATIONS: readonly Migration[] = [baseMigration, ledgerMigration, receivingMigration, certificatesMigration, as2Migration, trustWatchMigration, protectionMigration, flowsMigration, rolloversMigration, postureMigration, notificationsMigration, expectationsMigration, rolloverRemindersMigration, policyMigration, as2TogetherMigration, backgroundMigration, largeMigration, contentMigration]
