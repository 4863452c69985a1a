import { createHash, timingSafeEqual } from 'node:crypto'

/** The one account of the practice partner. */
export interface PracticeAccount {
  readonly username: string
  readonly password: string
}

/** Takes as long for a wrong name as for a wrong password. */
export function isAccount(account: PracticeAccount, username: string, password: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(`${account.username}\0${account.password}`), hash(`${username}\0${password}`))
}
