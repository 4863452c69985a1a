import { createRequire } from 'node:module'
import type * as Ssh2 from 'ssh2'

const require = createRequire(import.meta.url)

/** The SSH library. Few commands need it, and a transaction that does cannot wait: it is loaded on the first call. */
export function ssh2(): typeof Ssh2 {
  return require('ssh2') as typeof Ssh2
}
