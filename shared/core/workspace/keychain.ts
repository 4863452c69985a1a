/** The operating system's keychain, as a port: it holds one wrapping key a workspace, never anything larger. */
import { AsyncEntry } from '@napi-rs/keyring'

export interface Keychain {
  /** Whether the keychain answers at all. Bounded in time. */
  available(): Promise<boolean>
  /** Null when it holds nothing under the account. Rejects when it does not answer. */
  read(account: string): Promise<string | null>
  write(account: string, value: string): Promise<void>
  remove(account: string): Promise<void>
}

const SERVICE = 'Waybill'
const PROBE_ACCOUNT = 'probe'
/** A locked keychain may ask the person for its password, so this is generous; without a session bus it fails at once. */
const ANSWER_WITHIN_MS = 60_000
const PROBE_WITHIN_MS = 5_000

/**
 * Linux: only the Secret Service. Without naming it the library falls back to the kernel's key store, which is empty after
 * the next start of the computer.
 */
export function systemKeychain(): Keychain {
  const entry = (account: string): AsyncEntry => new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } })
  return {
    async available() {
      try {
        await entry(PROBE_ACCOUNT).getPassword(AbortSignal.timeout(PROBE_WITHIN_MS))
        return true
      } catch {
        return false
      }
    },
    read: async (account) => (await entry(account).getPassword(AbortSignal.timeout(ANSWER_WITHIN_MS))) ?? null,
    write: async (account, value) => await entry(account).setPassword(value, AbortSignal.timeout(ANSWER_WITHIN_MS)),
    remove: async (account) => {
      await entry(account).deletePassword(AbortSignal.timeout(ANSWER_WITHIN_MS))
    },
  }
}

/** For tests, and for programs that want no keychain (`available: false`). */
export function memoryKeychain(options: { readonly available: boolean }): Keychain & { readonly values: Map<string, string> } {
  const values = new Map<string, string>()
  const answer = async <T>(action: () => T): Promise<T> => {
    if (!options.available) throw new Error('there is no keychain')
    return await Promise.resolve(action())
  }
  return {
    values,
    available: async () => await Promise.resolve(options.available),
    read: async (account) => await answer(() => values.get(account) ?? null),
    write: async (account, value) => await answer(() => void values.set(account, value)),
    remove: async (account) => await answer(() => void values.delete(account)),
  }
}
