/** Before the end-to-end ring: one workspace that `init` made, of which the tests that begin with an empty one take copies. */
import type { TestProject } from 'vitest/node'
import { must, newInstallation } from './waybill.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Its folder. Opened by `PASSPHRASE`. */
    emptyWorkspace: string
  }
}

export default async function setup({ provide }: TestProject): Promise<() => void> {
  const here = newInstallation()
  await must(here, 'init', '--no-keychain')
  provide('emptyWorkspace', here.workspace)
  return () => here.remove()
}
