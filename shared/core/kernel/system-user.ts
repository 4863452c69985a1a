import { userInfo } from 'node:os'

/** The operating system's user, for the audit trail. */
export function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    // No entry for this uid (containers): the number is still a fact.
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
