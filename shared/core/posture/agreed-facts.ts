/** What rules look at of the approved text and of the ways by which people are told. Pure. */
import type { NotificationSettings } from '../../contract/notifications.ts'
import type { PolicyDiff } from '../../contract/policy-calls.ts'
import type { ApprovalFact, NoticeFacts } from './facts.ts'

export function approvalOf({ approved, signatureValid, lines }: PolicyDiff): Omit<ApprovalFact, 'hardened'> {
  return { approved: approved === null ? null : { at: approved.at, by: approved.by, reason: approved.reason }, signatureValid, lines }
}

/** `desktop`: whether the person lets the desktop show anything. */
export function noticeFacts({ attention, email, webhook }: NotificationSettings, desktop: boolean): NoticeFacts {
  return { native: desktop && attention.includes('native'), sent: (email !== undefined && attention.includes('email')) || (webhook !== undefined && attention.includes('webhook')) }
}
